"""Reading what a cell writes: in order, in pieces of a fortieth of a second, and no more than is kept."""

from __future__ import annotations

import asyncio
import codecs
import os
import re
from collections.abc import Callable

from distill_core.repl.values import StreamName

_TO_STDERR, _TO_STDOUT = b"\xff\xfee", b"\xff\xfeo"
_MARK = re.compile(rb"\xff\xfe([eo])")
_PAUSE = 0.025
_READ_BYTES = 1 << 18
_DRAIN_BYTES, _DRAIN_READS = 1 << 20, 300
"""What a full pipe holds, in bytes and in pieces (a page each). A writer in small pieces can be faster than we are."""
_FULL = 1 << 15
_MOST_TURNS = 8192
"""Changes of stream in one reading whose order is kept; nobody but a forger of marks writes more."""
_IS_BROKEN = re.compile("[\udc80-\udcff]")
_BROKEN = {0xDC80 + byte: f"\\x{0x80 + byte:02x}" for byte in range(0x80)}
"""What is no UTF-8, as `surrogateescape` reads it, spelled out. (`backslashreplace` takes a microsecond a byte.)"""


class Written:
    """What one cell has written so far.

    Args:
        limit: characters kept; more is counted and dropped.
        on_output: gets each piece that is kept, until it raises.
    """

    def __init__(self, limit: int, on_output: Callable[[StreamName, str], None] | None) -> None:
        self.dropped = 0
        self.failure: Exception | None = None
        self._room = limit
        self._on_output = on_output
        self._pieces: list[tuple[StreamName, list[str]]] = []

    def add(self, stream: StreamName, text: str) -> None:
        """Keep `text` as far as there is room."""
        if len(text) > self._room:
            self.dropped += len(text) - self._room
            text = text[: self._room]
        self._room -= len(text)
        if text:
            self._keep(stream, text)

    @property
    def full(self) -> bool:
        """Whether nothing more is kept."""
        return self._room == 0

    def drop(self, size: int) -> None:
        """Count what is not kept."""
        self.dropped += size

    def say(self, text: str) -> None:
        """Add a word of the host's own, whatever the room."""
        self._keep("stdout", text)

    def _keep(self, stream: StreamName, text: str) -> None:
        if self._pieces and self._pieces[-1][0] == stream:
            self._pieces[-1][1].append(text)
        else:
            self._pieces.append((stream, [text]))
        if self._on_output is not None:
            try:
                self._on_output(stream, text)
            except Exception as error:  # noqa: BLE001 - the caller's function; `execute` raises it to the caller
                self.failure, self._on_output = error, None

    def output(self) -> tuple[tuple[StreamName, str], ...]:
        """All of it, neighbours of one stream joined."""
        return tuple((stream, "".join(texts)) for stream, texts in self._pieces)


class Capture:
    """The reading ends of a child's output. Reads only while a cell runs; a child that writes more has to wait.

    Args:
        out: pipe with both streams of Python, the marks between them, and raw writes to descriptor 1.
        err: pipe with raw writes to descriptor 2.
    """

    def __init__(self, out: int, err: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._written: Written | None = None
        self._main = _Pipe(out, marked=True)
        self._raw = _Pipe(err, marked=False)
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._idle = {out: self._main, err: self._raw}

    def begin(self, written: Written) -> None:
        """From here on it is `written` that gets the output."""
        self._written = written
        for fd, pipe in list(self._idle.items()):
            del self._idle[fd]
            self._listen(fd, pipe)

    def drain(self) -> None:
        """Take everything that has been written up to now, and not wait for a writer that never stops."""
        if self._written is not None:
            for pipe in (self._main, self._raw):
                taken = 0
                for _ in range(_DRAIN_READS):
                    size = pipe.read(self._written)
                    taken += size
                    if not size or taken >= _DRAIN_BYTES:
                        break

    def end(self) -> None:
        """The cell is over: take the rest."""
        if self._written is not None:
            self.drain()
            self._main.flush(self._written)
            self._raw.flush(self._written)
            self._written = None

    def close(self) -> None:
        """Stop listening."""
        for pipe in (self._main, self._raw):
            self._loop.remove_reader(pipe.fd)
        for timer in self._timers.values():
            timer.cancel()

    def _listen(self, fd: int, pipe: _Pipe) -> None:
        if not pipe.ended:
            self._loop.add_reader(fd, self._readable, fd, pipe)

    def _readable(self, fd: int, pipe: _Pipe) -> None:
        if self._written is None:
            self._loop.remove_reader(fd)
            self._idle[fd] = pipe
            return
        if pipe.read(self._written) >= _FULL:
            return
        self._loop.remove_reader(fd)
        self._timers[fd] = self._loop.call_later(_PAUSE, self._listen, fd, pipe)


class _Pipe:
    """One pipe and what is known of the text in it."""

    def __init__(self, fd: int, *, marked: bool) -> None:
        self.fd = fd
        self.ended = False
        self._fresh = True
        self._marked = marked
        self._stream: StreamName = "stdout" if marked else "stderr"
        self._held = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def read(self, written: Written) -> int:
        """Read once; returns how many bytes there were."""
        try:
            data = os.read(self.fd, _READ_BYTES)
        except BlockingIOError:
            return 0
        if not data:
            self.ended = True
            return 0
        self._fresh = False
        self._take(self._held + data, written)
        return len(data)

    def flush(self, written: Written) -> None:
        """What is held back is no mark after all, nor the beginning of a character."""
        if self._fresh:
            return
        self._fresh = True
        written.add(self._stream, self._text(self._held, last=True))
        self._held = b""
        self._decoder.reset()
        self._stream = "stdout" if self._marked else "stderr"

    def _text(self, data: bytes, *, last: bool = False) -> str:
        text = self._decoder.decode(data, last)
        return text.translate(_BROKEN) if _IS_BROKEN.search(text) else text

    def _take(self, data: bytes, written: Written) -> None:
        if self._marked:
            data = self._without_half_a_mark(data)
        if written.full:
            self._pass_over(data, written)
        elif not self._marked:
            written.add(self._stream, self._text(data))
        else:
            self._take_marked(data, written)

    def _without_half_a_mark(self, data: bytes) -> bytes:
        for held in (2, 1):
            if data.endswith(_TO_STDERR[:held]):
                self._held = data[-held:]
                return data[:-held]
        self._held = b""
        return data

    def _pass_over(self, data: bytes, written: Written) -> None:
        """Nothing of it is kept: count it, in bytes, and see which stream it ends with."""
        written.drop(len(data))
        self._decoder.reset()
        if self._marked and (at := max(data.rfind(_TO_STDERR), data.rfind(_TO_STDOUT))) >= 0:
            self._stream = "stderr" if data[at + 2 : at + 3] == b"e" else "stdout"

    def _take_marked(self, data: bytes, written: Written) -> None:
        parts = _MARK.split(data)
        if len(parts) > 2 * _MOST_TURNS:
            parts = self._sorted(parts)
        for number, part in enumerate(parts):
            if number % 2:
                self._stream = "stderr" if part == b"e" else "stdout"
            elif part:
                written.add(self._stream, self._text(part))

    def _sorted(self, parts: list[bytes]) -> list[bytes]:
        """All of stdout, then all of stderr, as parts and what comes between them; the stream at the end is kept."""
        names = [b"e" if self._stream == "stderr" else b"o", *parts[1::2]]
        streams = {
            name: [part for at, part in zip(names, parts[::2], strict=True) if at == name]
            for name in (b"o", b"e")
        }
        return [b"", b"o", b"".join(streams[b"o"]), b"e", b"".join(streams[b"e"]), names[-1], b""]
