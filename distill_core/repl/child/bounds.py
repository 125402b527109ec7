"""Bounds that the kernel keeps for the child: memory, files, and a life no longer than the host's."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
from typing import Any

_RESERVE = 64 << 20
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_F_SETSIG = 10
_SPARE_FILES = 16
"""Descriptors beyond a cell's bound, for the lines of a copy that is made between cells."""
_NO_CORE = 1
"""Too small for a core file; at 0 the kernel would still start a program that takes dumps, where there is one."""
_setrlimit, _DATA, _FILES = resource.setrlimit, resource.RLIMIT_DATA, resource.RLIMIT_NOFILE


def die_with_host(host: int, life: int) -> tuple[int, ...]:
    """Have the kernel kill this process and its copies as soon as the host is gone, however it went.

    Args:
        host: process id of the host; 0 in namespaces, which end with this process, their first; negative where another
            process sees to it.
        life: reading end of a pipe that only the host can write to, and never does. When its last writer is
            gone the kernel signals this process and its group (fcntl(2), F_SETSIG). The parent-death signal, prctl(2),
            stands beside it: a forked copy of the host would keep the pipe open.

    Returns:
        Descriptors that stay open, and that copies of this process must close: they could call it all off.
    """
    if host < 0:
        return (life,)
    import ctypes

    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if os.getppid() != host:
        os._exit(0)
    _kill_at_end_of(life, -os.getpgrp() if host else os.getpid())
    return (life, *_take_group_along()) if host else (life,)


def _take_group_along() -> tuple[int, ...]:
    """Have the kernel kill the group of this process when the process itself ends.

    It then closes two pipes that nobody else has. Of one the writing end has the lower number, of the other the reading
    end: in whichever order they are closed, one of them is left without a writer while its reader is still there.
    """
    fds: list[int] = []
    for behind in (False, True):
        reading, writing = os.pipe()
        os.fchmod(reading, 0)  # no copy can open it once more by way of /proc, and so hold it open
        if behind:
            moved = fcntl.fcntl(reading, fcntl.F_DUPFD, writing + 1)
            os.close(reading)
            reading = moved
        _kill_at_end_of(reading, -os.getpgrp())
        fds += (reading, writing)
    return tuple(fds)


def _kill_at_end_of(reading: int, whom: int) -> None:
    """Have the kernel kill a process, or a group (negative), when the last writer of a pipe is gone."""
    fcntl.fcntl(reading, fcntl.F_SETOWN, whom)
    fcntl.fcntl(reading, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(reading, fcntl.F_SETFL, fcntl.fcntl(reading, fcntl.F_GETFL) | os.O_ASYNC)


class Files:
    """The bound on open descriptors.

    Args:
        allowed: how many; None for no bound of ours.
    """

    def __init__(self, allowed: int | None) -> None:
        self._pairs: tuple[tuple[int, int], tuple[int, int]] | None = None
        if allowed is not None:
            hard = _limit(_FILES, allowed, allowed + _SPARE_FILES)
            self._pairs = (min(allowed, hard), hard), (hard, hard)

    def for_cell(self) -> None:
        """The bound as a cell meets it."""
        self._set(0)

    def for_scaffold(self) -> None:
        """A little more, for the lines of a copy."""
        self._set(1)

    def _set(self, which: int) -> None:
        if self._pairs is not None:
            try:
                _setrlimit(_FILES, self._pairs[which])
            except (OSError, ValueError):
                self._pairs = None  # a cell lowered the hard bound for good: what it set is stricter


class Memory:
    """The bound on memory, counted from what the process holds when it is set.

    Args:
        allowance: bytes that cells may take; None for no bound.
    """

    def __init__(self, allowance: int | None) -> None:
        self._pairs: tuple[tuple[int, int], tuple[int, int]] | None = None
        if allowance is not None:
            soft = _data_bytes() + allowance
            hard = _limit(resource.RLIMIT_DATA, soft, soft + _RESERVE)
            self._pairs = (min(soft, hard), hard), (hard, hard)

    def for_cell(self) -> None:
        """The bound as a cell meets it."""
        if self._pairs is not None:
            self._set(self._pairs[0])

    def for_scaffold(self) -> None:
        """A little more, so that a cell that took all there is can still be reported."""
        if self._pairs is not None:
            self._set(self._pairs[1])

    def _set(self, pair: tuple[int, int]) -> None:
        try:
            _setrlimit(_DATA, pair)
        except (OSError, ValueError):
            self._pairs = None  # a cell lowered the hard bound for good: what it set is stricter


def apply(bounds: dict[str, Any]) -> None:
    """Set what does not change from cell to cell. Keys: scratch_bytes (of one file)."""
    _limit(resource.RLIMIT_CORE, _NO_CORE, _NO_CORE)
    if (scratch := bounds["scratch_bytes"]) is not None:
        _limit(resource.RLIMIT_FSIZE, scratch, scratch)
    _die_first()


def _limit(what: int, soft: int, hard: int) -> int:
    """Set a bound, no higher than it may be; returns the hard bound then in force."""
    _, ceiling = resource.getrlimit(what)
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    try:
        resource.setrlimit(what, (soft, hard))
    except (OSError, ValueError):
        return resource.getrlimit(what)[1]  # this kernel has no such bound
    return hard


def _data_bytes() -> int:
    """Bytes of private writable memory now (proc(5), statm, sixth field); where there is no /proc all that was ever in
    memory, which is more (macOS, getrusage(2): in bytes)."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib costs start-up time
            return int(file.read().split()[5]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _die_first() -> None:
    """If the machine runs out of memory all the same, this process goes before the person's own."""
    try:
        with open("/proc/self/oom_score_adj", "wb") as file:  # noqa: PTH123 - pathlib costs start-up time
            file.write(b"1000")
    except OSError:
        return
