"""Handing the document to the child through shared memory, a piece at a time, so that it is never held twice."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

import msgspec

from distill_core.errors import ReplError

_PIECE = 1 << 20


class Handover(msgspec.Struct, frozen=True):
    """A document as the child is told about it: `kind` "str" or "json", `chars` and `widest` code point of its text."""

    kind: str
    chars: int
    widest: int


class Context:
    """What the REPL is about. Text is kept by reference; lists and dictionaries as JSON text of this moment.

    Raises:
        ReplError: it is neither text, list nor dictionary, or holds what JSON does not.
    """

    def __init__(self, value: str | list[Any] | dict[str, Any]) -> None:
        if isinstance(value, str):
            self.kind, self._text = "str", value
            return
        if not isinstance(value, list | dict):
            raise ReplError(
                "the context cannot be given to the REPL",
                found=f"a {type(value).__name__}",
                remedy="pass text, a list or a dictionary",
            )
        try:
            self.kind, self._text = "json", json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ReplError(
                "the context cannot be given to the REPL", found=str(error), remedy="use JSON values only"
            ) from error

    @property
    def size(self) -> int:
        """Its characters, as text."""
        return len(self._text)

    def write(self, fd: int) -> Handover:
        """Write it into `fd` as UTF-8, lone surrogates kept."""
        widest = 127
        for start in range(0, len(self._text), _PIECE):
            piece = self._text[start : start + _PIECE]
            widest = max(widest, _widest(piece))
            rest = memoryview(piece.encode("utf-8", "surrogatepass"))
            while rest:
                rest = rest[os.write(fd, rest) :]
        return Handover(self.kind, len(self._text), widest)


def _widest(piece: str) -> int:
    """Upper bound of the code points in a piece, by the bytes that CPython stores each in (PEP 393)."""
    if piece.isascii():
        return 127
    if len(piece) < 4096:
        return ord(max(piece))
    return {1: 255, 2: 0xFFFF}.get(round(sys.getsizeof(piece) / len(piece)), 0x10FFFF)


def shared_memory() -> int:
    """A descriptor of memory that two processes can share and nobody else can open; the caller closes it."""
    if sys.platform == "linux":
        return os.memfd_create("context")
    fd, path = tempfile.mkstemp(prefix="distill-context-")
    os.unlink(path)  # noqa: PTH108 - a descriptor's name, not a path anyone works with
    return fd
