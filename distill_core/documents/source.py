"""What a reader is given and what it gives back, and how readers are found."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import PurePath
from typing import Any, Protocol, TypeAlias

import msgspec

from distill_core.errors import DocumentError
from distill_core.text import encodable

_NAME_CHARS = 300

Value: TypeAlias = str | list[Any] | dict[str, Any]


class Source(msgspec.Struct, frozen=True):
    """The bytes of one file under the name that a person knows it by."""

    name: str
    data: bytes

    @property
    def suffix(self) -> str:
        """The name's last suffix in lower case, with its dot; "" without one."""
        return PurePath(self.name).suffix.lower()

    def failure(self, found: str, remedy: str) -> DocumentError:
        """An error that names this file."""
        return unreadable(self.name, found, remedy)


class Reading(msgspec.Struct, frozen=True):
    """What a reader made of a file.

    Args:
        value: its text, or the list or dict that it holds.
        notes: what was assumed or changed, each a short sentence without a full stop.
    """

    value: Value
    notes: tuple[str, ...] = ()


class Reader(Protocol):
    """A module of `readers`. Libraries that it needs are imported inside `read`, so that start-up stays light."""

    FORMAT: str
    """Its name for people."""

    SUFFIXES: tuple[str, ...]
    """Lower case, with the dot."""

    def recognise(self, source: Source) -> bool:
        """Whether the content is certainly of this format, whatever the name says."""

    def read(self, source: Source) -> Reading:
        """The file's text or value.

        Raises:
            DocumentError: the file cannot be read.
        """


def unreadable(name: str, found: str, remedy: str) -> DocumentError:
    """The error for the file `name`: what is wrong with it, and what to do."""
    if len(name) > _NAME_CHARS:
        name = name[: _NAME_CHARS // 2] + "…" + name[-_NAME_CHARS // 2 :]
    return DocumentError(f"cannot read {encodable(name)}", found=found, remedy=remedy)


@cache
def readers() -> dict[str, Reader]:
    """Every reader by the name of its module."""
    from distill_core.documents import readers as package

    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    return {name: importlib.import_module(f"{package.__name__}.{name}") for name in names}


def reader_for(source: Source) -> Reader:
    """Who reads `source`: the one that recognises the content, else the one of the suffix, else plain text."""
    known = readers()
    for reader in known.values():
        if reader.recognise(source):
            return reader
    for reader in known.values():
        if source.suffix in reader.SUFFIXES:
            return reader
    return known["plain_text"]


def read(source: Source) -> Reading:
    """The text or value of a file.

    Raises:
        DocumentError: the file is empty, or its reader cannot read it.
    """
    if not source.data or source.data.isspace():
        raise source.failure("it is empty", "give a file with text in it")
    reading = reader_for(source).read(source)
    if isinstance(reading.value, str) and (not reading.value or reading.value.isspace()):
        raise source.failure("there is no text in it", "give a file with text in it")
    return reading
