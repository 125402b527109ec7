"""Reading a session's folder back: four streams merged by number, damage reported instead of hidden.

A torn last line (power loss, a killed program) is skipped and told; the rest is kept.
"""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Collection, Iterable, Iterator
from io import BufferedReader, BytesIO, FileIO
from itertools import chain
from operator import attrgetter, lt
from pathlib import Path
from typing import TypeAlias

import msgspec

from distill_core import events as ev
from distill_core.errors import LogError

_AT_ONCE = 1 << 20
"""Bytes of lines that are read before they are decoded."""
_COUNTED = 1 << 18
"""Bytes that are read at once to count lines in them: few enough to stay in a processor's cache."""
_by_number = attrgetter("seq")
_KINDS = {name: frozenset(kind for kind, of in ev.STREAM.items() if of == name) for name in ev.STREAMS}
"""What belongs in a stream."""
_TAIL = 1024
"""Bytes at the end of a stream that, with its size, tell whether it is still the same: logs are only added to."""
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
"""How a stream is opened: who opens a pipe that has its name does not wait for who writes to it."""

Ends: TypeAlias = dict[ev.Stream, tuple[int, bytes]]
"""Of each stream that is there, its size in bytes and the last `_TAIL` of them."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong in a log. A `torn` one is what a killed program leaves; any other is damage."""

    where: str
    what: str
    torn: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A session as read: its events in order, what was wrong, and the ends of its streams as they were before that."""

    folder: Path
    events: tuple[ev.Event, ...]
    problems: tuple[Problem, ...]
    ends: Ends

    @property
    def damaged(self) -> bool:
        """Whether something is wrong beyond a torn last line."""
        return any(not p.torn for p in self.problems)


def read_session(folder: Path, *, passing: Collection[ev.Stream] = ()) -> Reading:
    """Read the session in `folder`.

    Args:
        passing: streams whose events are not wanted. Their lines are counted, so that none is missing, and not read;
            where the count is not right, all is read, to tell what is wrong.

    Raises:
        LogError: there is no session there, or it cannot be read.
    """
    ends: Ends = {}
    if passing:
        partly = _read(folder, [name for name in ev.STREAMS if name not in passing], ends)
        if not partly.problems and _complete(partly, passing, ends):
            return partly
    return _read(folder, ev.STREAMS, ends)


def ends_of(folder: Path) -> Ends:
    """Size in bytes and last `_TAIL` bytes of each stream in `folder`.

    Raises:
        LogError: one cannot be read.
    """
    ends: Ends = {}
    for name in ev.STREAMS:
        try:
            fd, size = _opened(folder, name)
            try:
                ends[name] = size, _tail(fd, size)
            finally:
                os.close(fd)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LogError(
                f"cannot read {folder / name}.jsonl", found=error.strerror or str(error)
            ) from error
    return ends


def _opened(folder: Path, name: ev.Stream) -> tuple[int, int]:
    """A stream's file, to be closed, and its size.

    Raises:
        LogError: what has its name is no file.
        OSError: it cannot be opened.
    """
    fd = os.open(f"{folder}/{name}.jsonl", _FLAGS)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise LogError(f"cannot read {folder / name}.jsonl", found="it is no file")
    except BaseException:
        os.close(fd)
        raise
    return fd, found.st_size


def _tail(fd: int, size: int) -> bytes:
    return os.pread(fd, min(size, _TAIL), max(0, size - _TAIL))


def _read(folder: Path, names: Iterable[ev.Stream], ends: Ends) -> Reading:
    events, problems = _all_of(folder, names, ends)
    if names is ev.STREAMS and (at := _gap(events)) is not None:
        before = len(events)
        events, problems = _all_of(folder, names, ends)
        at = _gap(events)
        if at is not None and len(events) > before and events[at].seq > at + 1:
            # It is being written: what came into a stream after that was read is missing. The next reading has it.
            what = f"it is being written; read as far as event {at}"
            problems.append(Problem(where=folder.name, what=what, torn=True))
            events = events[:at]
        problems.extend(_numbering(folder, events))
    return Reading(folder=folder, events=events, problems=tuple(problems), ends=ends)


def _all_of(
    folder: Path, names: Iterable[ev.Stream], ends: Ends
) -> tuple[tuple[ev.Event, ...], list[Problem]]:
    problems: list[Problem] = []
    found = (_stream(folder, name, problems, ends) for name in names)
    streams = [events for events in found if events is not None]
    if not streams:
        raise LogError(
            f"no session in {folder}",
            found="none of " + ", ".join(f"{s}.jsonl" for s in ev.STREAMS),
            remedy="name a session's folder",
        )
    return tuple(_merged(streams)), problems


def _gap(events: tuple[ev.Event, ...]) -> int | None:
    """Where the first event stands whose number is not the one that follows; None where all follow."""
    if list(map(_by_number, events)) == list(range(1, len(events) + 1)):
        return None
    return next(at for at, event in enumerate(events) if event.seq != at + 1)


def _stream(folder: Path, name: ev.Stream, problems: list[Problem], ends: Ends) -> list[ev.Event] | None:
    """The events of a stream file; None where there is no such file. The first time, its end is noted."""
    events: list[ev.Event] | None = None
    try:
        fd, size = _opened(folder, name)
        try:
            events, tail = _decoded(fd, size)
        except (msgspec.DecodeError, UnicodeDecodeError, OSError):
            tail = _tail(fd, size)
        finally:
            os.close(fd)
    except FileNotFoundError:
        return None
    except OSError:
        return list(read_stream(folder, name, problems))
    ends.setdefault(name, (size, tail))
    if events is None or not _KINDS[name].issuperset(map(type, events)):
        return list(read_stream(folder, name, problems))
    return events


def _decoded(fd: int, size: int) -> tuple[list[ev.Event], bytes]:
    """The events on the lines of a file, each on one of its own, and the end of what was read.

    Raises:
        msgspec.DecodeError: a line holds no event, or more than one.
        UnicodeDecodeError: one is not UTF-8.
        OSError: it cannot be read.
    """
    events: list[ev.Event] = []
    tail = b""
    for lines in _whole_lines(fd, size):
        found = ev.decoded(lines)
        if _line_count(lines) != len(found):
            raise msgspec.DecodeError("not an event a line")
        events += found
        tail = lines[-_TAIL:] if len(lines) >= _TAIL else (tail + lines)[-_TAIL:]
    return events, tail


def _whole_lines(fd: int, left: int) -> Iterator[bytes]:
    """So many bytes of a file, many lines at once; only after the last line a newline may be missing."""
    rest: list[bytes] = []
    while left and (read := os.read(fd, min(left, _AT_ONCE))):
        left -= len(read)
        end = read.rfind(b"\n") + 1
        if not end:
            rest.append(read)
            continue
        yield b"".join([*rest, read[:end]])
        rest = [read[end:]] if end < len(read) else []
    if rest:
        yield b"".join(rest)


def _merged(streams: list[list[ev.Event]]) -> Iterable[ev.Event]:
    if all(_ascending(list(map(_by_number, events))) for events in streams):
        # It finds the streams in what it sorts, and merges them as `merge` does, many times as fast.
        return sorted(chain(*streams), key=_by_number)
    return heapq.merge(*streams, key=_by_number)


def _ascending(numbers: list[int]) -> bool:
    return all(map(lt, numbers, numbers[1:]))


def _complete(partly: Reading, passed: Iterable[ev.Stream], ends: Ends) -> bool:
    """Whether the events that were read and the lines that were not are as many as the last number says."""
    last = partly.events[-1].seq if partly.events else 0
    count = len(partly.events)
    for name in passed:
        lines, line = 0, b""
        try:
            fd, size = _opened(partly.folder, name)
            with BufferedReader(FileIO(fd), _COUNTED) as file:
                ends[name] = size, _tail(fd, size)
                for lines, line in enumerate(file, 1):  # noqa: B007
                    pass
        except FileNotFoundError:
            continue
        except OSError as error:
            where = partly.folder / f"{name}.jsonl"
            raise LogError(f"cannot read {where}", found=error.strerror or str(error)) from error
        if not line:
            continue
        if not line.endswith(b"\n"):
            return False
        count += lines
        try:
            last = max(last, ev.decode(line).seq)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
    return _ascending(list(map(_by_number, partly.events))) and count == last


def _line_count(lines: bytes) -> int:
    """How many lines end in `lines`."""
    # `count` looks at each byte for itself; lines are told apart several times as fast where they are long.
    count = 0
    for count, _ in enumerate(BytesIO(lines), 1):  # noqa: B007
        pass
    return count if lines.endswith(b"\n") else max(count - 1, 0)


def read_stream(folder: Path, name: str, problems: list[Problem]) -> Iterator[ev.Event]:
    """The events of one stream file; what cannot be read goes to `problems`."""
    path = folder / f"{name}.jsonl"
    streams, decode = ev.STREAM, ev.decode

    def problem(number: int, what: str, torn: bool = False) -> Problem:
        return Problem(where=f"{path.name} line {number}", what=what, torn=torn)

    try:
        if path.exists() and not path.is_file():  # who opens a pipe may wait for ever
            raise LogError(f"cannot read {path}", found="it is no file")
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    problems.append(problem(number, "the last line is torn; skipped", torn=True))
                    continue
                try:
                    event = decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    problems.append(problem(number, _unreadable(line, error)))
                    continue
                if streams[type(event)] != name:
                    problems.append(problem(number, f"a {_kind(event)} does not belong in this file"))
                yield event
    except OSError as error:
        raise LogError(f"cannot read {path}", found=error.strerror or str(error)) from error


def _kind(event: ev.Event) -> str:
    return str(type(event).__struct_config__.tag)


def _unreadable(line: bytes, error: Exception) -> str:
    """Why a line cannot be read; one of a newer program is told apart from a damaged one."""
    try:
        raw = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"not JSON: {error}"
    version = raw.get("v") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > ev.SCHEMA_VERSION:
        return f"written by a newer version (schema {version}, this program reads {ev.SCHEMA_VERSION})"
    return f"not an event of this schema: {error}"


def _numbering(folder: Path, events: tuple[ev.Event, ...]) -> Iterator[Problem]:
    expected = 1
    for event in events:
        if event.seq != expected:
            what = (
                f"event {event.seq} stands twice"
                if event.seq < expected
                else f"events {expected} to {event.seq - 1} are missing"
            )
            yield Problem(where=folder.name, what=what)
        expected = event.seq + 1
