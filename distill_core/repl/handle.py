"""A firm hold on a process: by descriptor, so that no signal ever goes to another that was given its number."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable

_CPU_CLOCK = 2
_TOLD_BYTES = 1 << 16
_REST_SECONDS = 0.2
_NOT_RUNNING = (b"T", b"t", b"Z", b"X")
_ENDED = (b"Z", b"X")
_SESSION = 3
"""Its place in /proc/PID/stat after the name."""


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used (clock_getcpuclockid(3)); 0 where that cannot be known."""
    try:
        return time.clock_gettime((~pid << 3) | _CPU_CLOCK) if sys.platform == "linux" else 0.0
    except OSError:
        return 0.0


def fields_of(pid: int) -> list[bytes]:
    """What the kernel tells of a process after its name, which may be any bytes (proc(5), stat).

    Raises:
        OSError: it is gone.
    """
    return told(pid, "stat").rpartition(b")")[2].split()


def told(pid: int, name: str) -> bytes:
    """The first 64 KiB of a file of /proc about a process. (A file object takes three times as many system calls.)

    Raises:
        OSError: it is gone, or that is not told.
    """
    fd = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, _TOLD_BYTES)
    finally:
        os.close(fd)


def session_of(leader: int) -> list[int]:
    """The processes of a session, those included that have ended and nobody has seen to (proc(5), stat)."""
    found = []
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if entry.isdecimal():
            with contextlib.suppress(OSError):
                if int(fields_of(int(entry))[_SESSION]) == leader:
                    found.append(int(entry))
    return found


def headless(pid: int) -> bool:
    """Whether the main thread of a process has ended.

    Others of it may go on, and what /proc tells of the descriptors and the memory of a process is told of the main one.
    """
    try:
        return fields_of(pid)[0] in _ENDED
    except OSError:
        return False  # it is gone, or this system does not tell


def at_rest(pids: Iterable[int]) -> bool:
    """Wait until no thread of these processes runs, which were told to stop; False where that takes too long."""
    until = time.monotonic() + _REST_SECONDS
    for pid in pids:
        while not _stopped(pid):
            if time.monotonic() > until:
                return False
            time.sleep(_REST_SECONDS / 100)
    return True


def _stopped(pid: int) -> bool:
    """Whether each thread of a process is stopped, or it has ended (proc(5), stat)."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
    except OSError:
        return True  # it has ended, or this system does not let us look
    for thread in threads:
        with contextlib.suppress(OSError):
            if fields_of(int(thread))[0] not in _NOT_RUNNING:
                return False
    return True


class Handle:
    """A process that need not be a child of this one.

    Args:
        pid: its id.

    Raises:
        ProcessLookupError: there is no such process.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._loop = asyncio.get_running_loop()
        self._fd: int | None = os.pidfd_open(pid)

    def cpu_seconds(self) -> float:
        """Processor time that it has used."""
        return cpu_seconds(self.pid)

    def interrupt(self) -> None:
        """Ask what it runs to stop."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End it, now."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Let none of its threads run."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them run again."""
        self._signal(signal.SIGCONT)

    def when_ended(self, call: Callable[[], None]) -> None:
        """Have `call` called once, when it has ended."""
        assert self._fd is not None
        self._loop.add_reader(self._fd, self._ended, call)

    def _ended(self, call: Callable[[], None]) -> None:
        self.release()
        call()

    def release(self) -> None:
        """Let go of it."""
        fd, self._fd = self._fd, None
        if fd is not None:
            self._loop.remove_reader(fd)
            os.close(fd)

    def _signal(self, number: signal.Signals) -> None:
        if self._fd is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, which shows elsewhere
                signal.pidfd_send_signal(self._fd, number)
