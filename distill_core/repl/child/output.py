"""What a cell writes, on its way to the host: one pipe for both streams, so that their order is kept.

The pipe is also descriptor 1, so that what C code or `os.write` puts there lands in its place. Text goes out as it
is written: whatever happens to the process afterwards, the host has it. Text for stderr is put between two marks
that cannot occur in UTF-8; raw writes to descriptor 2 go through a pipe of their own. Only the pieces of a line
that is being written fast are held until it is complete: print() writes each argument by itself.
"""

from __future__ import annotations

import io
import os
import sys
from threading import RLock
from time import monotonic

TO_STDERR = b"\xff\xfee"
TO_STDOUT = b"\xff\xfeo"
_write = os.write
_PENDING_CHARS = 8192
_PENDING_SECONDS = 0.005


class Outlet:
    """The pipe, and how much of it this cell may still use.

    Args:
        out: descriptor that takes both streams, and is descriptor 1.
        err: descriptor that is descriptor 2.
        limit: characters kept per cell.
    """

    def __init__(self, out: int, err: int, limit: int) -> None:
        self._out = out
        self._err = err
        self.limit = limit
        self._lock = RLock()
        self._room = limit
        self.dropped = 0
        self._pending: list[str] = []
        self._pending_chars = 0
        self._pending_for = 1
        self._written = 0.0
        self._streams = (Stream(self, 1), Stream(self, 2))
        self._stdin = NoInput()

    def begin(self) -> None:
        """A cell begins: full room again, and the standard streams and descriptors in their places."""
        self._room = self.limit
        self.dropped = 0
        os.dup2(self._out, 1)
        os.dup2(self._err, 2)
        os.set_blocking(1, True)
        if any(stream.closed for stream in self._streams):
            self._streams = (Stream(self, 1), Stream(self, 2))
        if self._stdin.closed:
            self._stdin = NoInput()
        for name, stream in zip(("stdout", "stderr", "stdin"), (*self._streams, self._stdin), strict=True):
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)

    def renew(self, fds: list[int]) -> None:
        """In a copy of the process: let go of what the original holds, and go over to pipes of its own, if it has any.

        Args:
            fds: one for both streams and one for descriptor 2; none to go on with the original's.
        """
        self._lock = RLock()
        self._pending.clear()
        self._pending_chars = 0
        for fd, places in zip(fds, ((self._out, 1), (self._err, 2)), strict=False):
            for place in places:
                os.dup2(fd, place)
            os.close(fd)

    def echo(self, text: str) -> None:
        """Write to stdout, wherever `sys.stdout` points now."""
        self.text(text, 1)

    def text(self, text: str, number: int) -> None:
        """Write text for stream 1 or 2, as far as there is room; lone surrogates spelled out."""
        with self._lock:
            room = self._room
            if len(text) > room:
                self.dropped += len(text) - room
                text = text[:room]
            if text:
                self._room = room - len(text)
                if number != self._pending_for:
                    self.flush()
                    self._pending_for = number
                self._pending.append(text)
                self._pending_chars += len(text)
                if (
                    text[-1] == "\n"
                    or self._pending_chars > _PENDING_CHARS
                    or monotonic() - self._written > _PENDING_SECONDS
                ):
                    self.flush()

    def flush(self) -> None:
        """Let go of what is held."""
        with self._lock:
            if self._pending:
                text = "".join(self._pending)
                self._pending.clear()
                self._pending_chars = 0
                self._put(text.encode("utf-8", "backslashreplace"), self._pending_for)
                self._written = monotonic()

    def data(self, data: bytes, number: int) -> None:
        """Write bytes for stream 1 or 2."""
        with self._lock:
            self.flush()
            kept = data[: self._room]
            self.dropped += len(data) - len(kept)
            self._room -= len(kept)
            if kept:
                self._put(kept, number)

    def _put(self, data: bytes, number: int) -> None:
        rest = memoryview(data if number == 1 else TO_STDERR + data + TO_STDOUT)
        while rest:
            rest = rest[_write(self._out, rest) :]


class Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a cell."""

    encoding = "utf-8"
    errors = "backslashreplace"
    mode = "w"

    def __init__(self, outlet: Outlet, number: int) -> None:
        self._outlet = outlet
        self._number = number
        self.name = "<stdout>" if number == 1 else "<stderr>"
        self.buffer = Bytes(outlet, number)

    def write(self, text: str) -> int:
        """Write text, at once."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.closed:
            raise ValueError("I/O operation on closed file")
        self._outlet.text(text, self._number)
        return len(text)

    def flush(self) -> None:
        """Let the host see a line that is not complete yet."""
        if not self.closed:
            self._outlet.flush()

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The descriptor that code outside Python writes to."""
        return self._number


class Bytes(io.RawIOBase):
    """`sys.stdout.buffer`: the same stream for bytes."""

    def __init__(self, outlet: Outlet, number: int) -> None:
        self._outlet = outlet
        self._number = number

    def write(self, data: object) -> int:
        """Write bytes, at once."""
        raw = bytes(data)  # type: ignore[call-overload]
        self._outlet.data(raw, self._number)
        return len(raw)

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The descriptor that code outside Python writes to."""
        return self._number


class NoInput(io.TextIOBase):
    """`sys.stdin` of a cell: at its end from the start, and `input()` says why."""

    encoding = "utf-8"
    errors = "strict"
    mode = "r"
    name = "<stdin>"

    def readable(self) -> bool:
        """Yes, though there is nothing."""
        return True

    def read(self, size: int | None = -1) -> str:
        """Nothing."""
        return ""

    def readline(self, size: int = -1) -> str:  # type: ignore[override]
        """Nothing can be typed here.

        Raises:
            EOFError: always; a cell has no keyboard.
        """
        raise EOFError("there is no keyboard here: input() cannot be answered")

    def __next__(self) -> str:  # type: ignore[override]
        raise StopIteration

    def fileno(self) -> int:
        """Descriptor 0, which is empty too."""
        return 0
