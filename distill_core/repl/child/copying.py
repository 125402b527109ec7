"""Copies of this process: made where the host orders one, with a line of their own, put right where threads are gone.

A copy goes on with all that the original has in memory. Of its threads it has the one that makes the copy; what other
threads held or were about to do is the original's. Files and the scratch folder are shared, not copied.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from typing import Any

from .channel import Channel, framed
from .output import Outlet

_fork, _wait, _close, _status = os.fork, os.waitpid, os.close, os.waitstatus_to_exitcode
_BORN = framed({"op": "born"})
_WARNS = sys.version_info >= (3, 12)
"""Whether Python warns of forking beside threads, whose state is what `renew` puts right."""


class Copying:
    """Makes copies, and sees to those that have ended.

    Args:
        channel: the line to the host; orders bring the lines of a copy along.
        outlet: what cells write goes there.
        ties: descriptors of the first process that a copy must not keep.
    """

    def __init__(self, channel: Channel, outlet: Outlet, ties: tuple[int, ...]) -> None:
        self._channel = channel
        self._outlet = outlet
        self._ties = ties
        self._copies: set[int] = set()

    def copy(self, order: dict[str, Any]) -> bool:
        """Make a copy and tell the host; returns whether this process is it.

        Args:
            order: `fds`, how many descriptors came with it: a line, and perhaps pipes for the output.
        """
        fds = self._channel.passed()
        if len(fds) != order["fds"]:
            self._answer(fds, None, "no descriptors are free")
            return False
        try:
            pid = _forked() if _WARNS else _fork()
        except OSError as error:
            self._answer(fds, None, str(error), refused=isinstance(error, PermissionError))
            return False
        if pid:
            self._copies.add(pid)
            self._answer(fds, pid, None)
            return False
        self._cut_ties()
        # Before all else: the host waits for it, and for nothing more. From then on this process may be frozen at any
        # moment, and must hold nothing of its original's line, which would outlive the original by that.
        self._channel.take_over(fds[0], _BORN)
        self._renew(fds[1:])
        return True

    def bury(self) -> list[tuple[int, int]]:
        """See to copies that have ended, the first process to all that come to it: (process id, status) of each."""
        ended = []
        for pid in (-1,) if self._ties else tuple(self._copies):
            try:
                while (found := _wait(pid, os.WNOHANG))[0]:
                    ended.append((found[0], _status(found[1])))
                    self._copies.discard(found[0])
            except ChildProcessError:
                self._copies.discard(pid)
        return ended

    def _answer(self, fds: list[int], pid: int | None, error: str | None, *, refused: bool = False) -> None:
        for fd in fds:
            _close(fd)
        self._channel.send({"op": "copied", "pid": pid, "error": error, "refused": refused})

    def _cut_ties(self) -> None:
        for fd in self._ties:
            _close(fd)
        self._ties = ()

    def _renew(self, pipes: list[int]) -> None:
        self._copies.clear()
        self._channel.renew()
        self._outlet.renew(pipes)
        _revive_executors()


def _forked() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _fork()


def _revive_executors() -> None:
    """Let pools of threads start new threads: theirs did not come along (concurrent/futures/thread.py)."""
    module = sys.modules.get("concurrent.futures.thread")
    for thread in list(getattr(module, "_threads_queues", ())):
        started_with = getattr(thread, "_args", None)
        executor = started_with[0]() if started_with else None
        if executor is not None and not thread.is_alive():
            executor._threads.clear()
            executor._idle_semaphore = threading.Semaphore(0)
            executor._shutdown_lock = threading.Lock()


def revive_loop(loop: Any) -> None:
    """Part an event loop from the original's: what it waits on is shared by a fork (asyncio/selector_events.py)."""
    import selectors

    old, new = loop._selector, selectors.DefaultSelector()
    for key in list(old.get_map().values()):
        new.register(key.fileobj, key.events, key.data)
    loop._selector = new
    old.close()
    loop._close_self_pipe()
    loop._make_self_pipe()
