"""The recorder: stamps each event with its number and time, and hands it to the sinks, the log first.

The log is four JSONL files in a session's folder. Each event is written with one `write` call before anybody else
hears of it, so what a person saw happen survives a killed program; `fsync` runs on a thread of its own, within
100 ms of a decision or step boundary, and before a session counts as finished.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from distill_core import events as ev
from distill_core.backlog import PASSING, Backlog, OnTrouble
from distill_core.errors import LogError
from distill_core.liveness import hold
from distill_core.text import encodable

FSYNC_WITHIN = 0.1
"""Seconds within which a boundary event is on the disk."""

_NO_FSYNC = frozenset({errno.EINVAL, errno.ENOTSUP})
"""What a file system says that has no fsync."""

AGAIN = 1.0
"""Seconds between two tries to write what waits for room."""

# What a person did, and the ends of what is costly to do again.
BOUNDARIES = (
    ev.BudgetChanged,
    ev.CellInterrupted,
    ev.PolicyChanged,
    ev.WorkerCallsCancelled,
    ev.FinalProposed,
    ev.WorkerCallOverridden,
    ev.DecisionMade,
    ev.CellFinished,
    ev.SupervisorReplied,
    ev.Annotated,
    ev.Retracted,
    ev.SessionStarted,
    ev.SessionResumed,
    ev.InstructionGiven,
)

E = TypeVar("E", bound=ev.Stamped)


class Sink(Protocol):
    """Whoever wants the events: the log, a screen's queue, an index."""

    def write(self, event: ev.Event) -> None:
        """Take one stamped event. Called from one thread, in order; must not block for long."""
        ...


def utc_now() -> datetime:
    """The time for a stamp."""
    return datetime.now(UTC)


class Recorder:
    """Numbers events and passes them on. One recorder writes one session; calls may come from any thread.

    Args:
        sinks: who gets each event, in this order.
        last_seq: number of the last event already there (a session that goes on).
        clock: gives the timestamp.
        there: whether an event is on record already; such a one is neither numbered nor written.
    """

    def __init__(
        self,
        sinks: Sequence[Sink] = (),
        *,
        last_seq: int = 0,
        clock: Callable[[], datetime] = utc_now,
        there: Callable[[ev.Stamped], bool] = lambda _: False,
    ) -> None:
        self._sinks = tuple(sinks)
        self._seq = last_seq
        self._clock = clock
        self._there = there
        self._lock = threading.Lock()

    def open(self, sinks: Sequence[Sink]) -> None:
        """Write to `sinks` from here on."""
        self._sinks = tuple(sinks)

    def emit(self, event: E) -> E:
        """Stamp `event`, write it, and return it as written."""
        with self._lock:
            if not event.copied and self._there(event):
                return event
            stamped = as_logged(msgspec.structs.replace(event, seq=self._seq + 1, timestamp=self._clock()))
            # What the first sink, the log, has taken has its number, whatever becomes of it in the others.
            for sink in self._sinks[:1]:
                sink.write(stamped)  # type: ignore[arg-type]  # every Stamped subclass is in the union
            self._seq = stamped.seq
            for sink in self._sinks[1:]:
                sink.write(stamped)  # type: ignore[arg-type]  # as above
        return stamped


class SessionLog:
    """A sink that appends to `supervisor.jsonl`, `repl.jsonl`, `worker.jsonl` and `human.jsonl` in `folder`.

    Where the disk is full, events are kept in memory and written as soon as there is room.

    Args:
        append: go on in a log that is there.
        on_trouble: told when events begin to wait for room, when all are written, and when the disk does not confirm
            what it was given; from any thread.

    Raises:
        LogError: the folder cannot be made or written, or holds a session already and `append` is not set.
    """

    def __init__(self, folder: Path, *, append: bool = False, on_trouble: OnTrouble = lambda _: None) -> None:
        self.folder = folder
        self._backlog = Backlog(folder, on_trouble)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not append and holds_session(folder):
                raise FileExistsError
            # Whoever opens a pipe waits for its reader, unless it is said that nobody is to wait.
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
            # Two that start at once in one folder: the file that only one of them can make decides.
            first = 0 if append else os.O_EXCL
            self._files = {
                stream: os.open(folder / f"{stream}.jsonl", flags | (first if not place else 0), 0o600)
                for place, stream in enumerate(ev.STREAMS)
            }
        except FileExistsError as error:
            if not folder.is_dir():
                raise _unwritable(folder, error) from error
            raise FolderTaken(folder) from error
        except OSError as error:
            raise _unwritable(folder, error) from error
        if not hold(self._files[ev.STREAMS[0]]):
            self._close_files()
            raise OpenElsewhere(folder)
        self._syncer = _Syncer(folder, tuple(self._files.values()), self._backlog, on_trouble)

    def write(self, event: ev.Event) -> None:
        """Append the event to its stream."""
        if not self._files:
            raise LogError(f"the session in {self.folder} is over", remedy="reopen it to add to it")
        trouble = self._syncer.trouble
        if trouble is not None and trouble.errno not in PASSING:
            raise _unwritable(self.folder, trouble)
        line = encode_line(event)
        fd = self._files[ev.STREAM[type(event)]]
        try:
            self._backlog.write(fd, line)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        if isinstance(event, ev.SessionFinished):
            with suppress(OSError):  # told at the end, by `close`
                self._syncer.now()
        elif isinstance(event, BOUNDARIES):
            self._syncer.soon()

    def close(self) -> None:
        """Put everything on the disk and close. Safe to call twice.

        Raises:
            LogError: events still wait for room, and it says where the whole log is now; or the disk did not confirm
                that it holds what was written.
        """
        if not self._files:
            return
        try:
            self._syncer.close()
            self._backlog.rescue({fd: self.folder / f"{stream}.jsonl" for stream, fd in self._files.items()})
        finally:
            self._close_files()
        if self._syncer.unsure is not None:
            raise LogError(
                f"the disk did not confirm that it holds the session's log in {self.folder}",
                found=self._syncer.unsure.strerror or str(self._syncer.unsure),
                remedy=f"copy it to another disk and run: distill-tui sessions verify {self.folder}",
            )

    def _close_files(self) -> None:
        for fd in self._files.values():
            os.close(fd)
        self._files = {}


class FolderTaken(LogError):
    """A session is kept in the folder already."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"cannot start a session in {folder}",
            found="a session is kept there already",
            remedy="name another folder",
        )


class OpenElsewhere(LogError):
    """Another program writes the session."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"another program writes to the session in {folder}",
            found="it is still open there",
            remedy="end it there first, or fork the session",
        )


def open_next(folder: Path, *, on_trouble: OnTrouble = lambda _: None) -> SessionLog:
    """A log in `folder` or, where a session is kept there, in the first of `folder.2`, `folder.3`, … that is free."""
    number = 1
    while True:
        try:
            place = folder if number == 1 else folder.with_name(f"{folder.name}.{number}")
            return SessionLog(place, on_trouble=on_trouble)
        except FolderTaken:
            number += 1


def holds_session(folder: Path) -> bool:
    """Whether a session's log has been begun in `folder`."""
    return any(os.access(f"{folder}/{s}.jsonl", os.F_OK) for s in ev.STREAMS)


def no_file(folder: Path) -> Path | None:
    """The stream that is there and no file: who reads a pipe of that name waits for ever. None where all is well."""
    for stream in ev.STREAMS:
        try:
            if not stat.S_ISREG(os.stat(f"{folder}/{stream}.jsonl").st_mode):  # noqa: PTH116 - asked for often
                return folder / f"{stream}.jsonl"
        except OSError:
            continue  # whoever opens it says what is wrong
    return None


def encode_line(event: ev.Event) -> bytes:
    """The event as a line of its stream. Lone surrogates, which UTF-8 cannot hold, become backslash escapes."""
    try:
        return ev.encode(event) + b"\n"
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(msgspec.to_builtins(event))) + b"\n"


def as_logged(event: E) -> E:
    """The event as it is read back from the log: whoever gets it folds the same as a reader. Mostly the same object."""
    try:
        ev.encode(event)  # type: ignore[arg-type]  # every Stamped subclass is in the union
    except UnicodeEncodeError:
        return ev.decode(encode_line(event))  # type: ignore[arg-type, return-value]  # as above
    return event


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {encodable(str(k)): _encodable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(v) for v in value]
    return value


def _unwritable(folder: Path, error: OSError) -> LogError:
    elsewhere = "choose another folder with --log-dir or --home"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return LogError(
        f"cannot write the session's log in {folder}",
        found=error.strerror or str(error),
        remedy=f"free some space or {elsewhere}" if full else elsewhere,
    )


class _Syncer:
    """Calls fsync off the writer's thread.

    `unsure` stays what the first failed fsync said: the kernel forgets a failure once told, so that a later success
    says nothing of what was written before.
    """

    def __init__(self, folder: Path, fds: tuple[int, ...], backlog: Backlog, on_trouble: OnTrouble) -> None:
        self.trouble: OSError | None = None
        self.unsure: OSError | None = None
        self._folder = folder
        self._tell = on_trouble
        self._fds = fds
        self._backlog = backlog
        self._wanted = threading.Event()
        self._closing = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="log-fsync", daemon=True)
        self._thread.start()

    def soon(self) -> None:
        """Ask for an fsync; several asks in a row share one."""
        self._wanted.set()

    def now(self) -> None:
        """Put everything on the disk before returning."""
        with self._lock:
            self._backlog.again()
            for fd in self._fds:
                self._sync(fd)

    def _sync(self, fd: int) -> None:
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno in _NO_FSYNC:
                return
            if self.unsure is None:
                self.unsure = error
                self._tell(
                    f"the disk does not confirm that it holds the session's log in {self._folder}: {error.strerror}"
                )
            raise

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._wanted.set()
        self._thread.join()
        try:
            self.now()
        except OSError as error:
            self.trouble = error

    def _run(self) -> None:
        while not self._closing:
            self._wanted.wait(AGAIN if len(self._backlog) else None)
            # Gather the asks of a burst; half the promised time leaves the other half for the disk.
            if not self._closing:
                time.sleep(FSYNC_WITHIN / 2)
            self._wanted.clear()
            try:
                self.now()
                self.trouble = None
            except OSError as error:
                # Told at the next write, on the thread of whoever writes.
                self.trouble = error
