"""Another process to share the work with: a copy of this one where a copy is safe, else one that begins anew.

A copy is there at once and knows what this process knows. It is safe where no other thread runs, which might hold a
lock that nobody in the copy would ever let go of, and where the system's libraries bear it, as on Linux.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from sessions.pipes import started, widen

_TASKS, _OPEN = Path("/proc/self/task"), Path("/proc/self/fd")
"""Where Linux lists the threads of a process, those of libraries too, and what it has open."""

_STDERR = 2

Work = Callable[[BinaryIO, BinaryIO], None]
"""What a copy does, given what it reads from and what it writes to."""


class Other:
    """A process that listens and answers. It ends when nobody reads from it any more.

    Args:
        process: the process, or the number of a copy of this one.
        asks: the descriptor on which it is told what to do.
        hears: the one on which it answers.
    """

    def __init__(self, process: subprocess.Popen[bytes] | int, asks: int, hears: int) -> None:
        self._process = process
        self._asks = asks
        self._killed = False
        self.hears = hears

    @property
    def copied(self) -> bool:
        """Whether it is a copy of this process, and knows what this one knew."""
        return isinstance(self._process, int)

    def tell(self, what: bytes) -> None:
        """Tell it something. Where it is not there any more, that is seen when it is listened to."""
        left = memoryview(what)
        with suppress(OSError):
            while left:
                left = left[os.write(self._asks, left) :]

    def kill(self) -> None:
        """Have it end at once."""
        if self._killed:  # its number may be another's by now
            return
        self._killed = True
        if isinstance(self._process, subprocess.Popen):
            self._process.kill()
            return
        with suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGKILL)

    def wait(self) -> None:
        """Wait until it has ended."""
        if isinstance(self._process, subprocess.Popen):
            self._process.wait()
            return
        with suppress(ChildProcessError):  # waited for already
            os.waitpid(self._process, 0)

    def end(self) -> None:
        """End it, and let go of all that it took."""
        self.kill()
        os.close(self._asks)
        os.close(self.hears)
        self.wait()


def begun(work: Work, anew: str) -> Other | None:
    """Another process; None where none can be had.

    Args:
        work: what a copy of this process does.
        anew: the module to be run where there can be no copy. It does the same from stdin to stdout.
    """
    try:
        theirs, asks = os.pipe()
    except OSError:
        return None
    try:
        hears, answers = os.pipe()
    except OSError:
        _close(theirs, asks)
        return None
    for pipe in (asks, hears):
        widen(pipe)
    try:
        process = (
            _copy(work, theirs, answers) if can_be_copied() else started(anew, stdin=theirs, stdout=answers)
        )
    except OSError:
        _close(asks, hears)
        return None
    finally:
        _close(theirs, answers)
    return Other(process, asks, hears)


def can_be_copied() -> bool:
    """Whether a copy of this process is safe."""
    if sys.platform != "linux":
        return False
    try:
        return len(list(_TASKS.iterdir())) == 1
    except OSError:
        return False


def _copy(work: Work, reads: int, writes: int) -> int:
    """The number of a copy of this process that does `work` and ends.

    It runs nothing that belongs to this one: no handler of its exit, no block behind a `finally`, no flush of what
    it has still to write. An interrupt from the keyboard reaches both; this one heeds it, and ends the other.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        number = os.fork()
        if not number:
            try:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                gc.freeze()
                _keep_only(reads, writes)
                with os.fdopen(reads, "rb") as asked, os.fdopen(writes, "wb") as given:
                    work(asked, given)
            finally:
                # Also where it fails: its work is done again by whoever listens, where what is wrong is told.
                os._exit(0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return number


def _keep_only(*kept: int) -> None:
    """Close all descriptors but the first three and `kept`: files, locks and pipes that are of another process."""
    for fd in [int(one.name) for one in _OPEN.iterdir()]:
        if fd > _STDERR and fd not in kept:
            with suppress(OSError):  # the one by which they were listed
                os.close(fd)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
