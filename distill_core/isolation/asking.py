"""The host's answers to single system calls of locked processes: one fork where it has ordered one, else nothing new.

A locked process and all copies of it share one filter, which puts two calls to the host (`policy.ASKED`): a fork, and
a signal to a thread. What is answered depends on nothing in their memory: only on who asks, and on arguments that the
kernel has copied. Structures and numbers: linux/seccomp.h, seccomp_unotify(2).
"""

from __future__ import annotations

import asyncio
import errno
import os
import platform
import struct
from pathlib import Path

from distill_core.isolation.inside.machines import MACHINES, NUMBERS

_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_CONTINUE = 1
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
"""id; thread, flags; number, machine, instruction pointer, six arguments."""
_ANSWER = struct.Struct("=Qqii")
_GONE = (errno.ENOENT, errno.EINTR, errno.EINPROGRESS)
_PATIENCE, _PAUSE = 100.0, 0.05
"""Refusals in a row after which each takes its seconds, so that a process that goes on asking does not keep us busy."""
_REFUSAL, _SIGNAL = 1.0, 0.1
"""What a call that is refused, and a signal that is granted, take of that patience. Time gives it back."""


class Warden:
    """Answers what comes in by a listener, on the running loop.

    Args:
        listener: its descriptor; closed by `close`.
    """

    def __init__(self, listener: int) -> None:
        self._listener: int | None = listener
        self._loop = asyncio.get_running_loop()
        known = MACHINES[platform.machine()]
        self._fork, self._signal = (NUMBERS[name][known.column] for name in ("clone", "tgkill"))
        self._forking: int | None = None
        self._patience = _PATIENCE
        self._since = self._loop.time()
        self._pause: asyncio.TimerHandle | None = None
        os.set_blocking(listener, False)
        self._listen()

    def expect_fork(self, pid: int) -> None:
        """Let the main thread of process `pid` fork, once. Others that ask do not keep it waiting meanwhile."""
        self._forking = pid
        if self._pause is not None:
            self._pause.cancel()
            self._listen()

    def expect_none(self) -> bool:
        """Let nobody fork; returns whether the one that was expected has forked, or begun to."""
        begun, self._forking = self._forking is None, None
        return begun

    def close(self) -> None:
        """Answer no more: what is asked then fails (ENOSYS)."""
        listener, self._listener = self._listener, None
        if self._pause is not None:
            self._pause.cancel()
        if listener is not None:
            self._loop.remove_reader(listener)
            os.close(listener)

    def _listen(self) -> None:
        self._pause = None
        if self._listener is not None:
            self._loop.add_reader(self._listener, self._answer_one)

    def _answer_one(self) -> None:
        import fcntl

        assert self._listener is not None
        notification = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, notification)
        except OSError as error:
            self._slow_down(_REFUSAL)  # who asked is gone, or nobody is left who could ask
            if error.errno not in _GONE:
                self.close()
            return
        asked, thread, _, number, _, _, *arguments = _NOTIFICATION.unpack(notification)
        if self._granted(thread, number, arguments):
            answer = _ANSWER.pack(asked, 0, 0, _CONTINUE)
            if number == self._signal:
                self._slow_down(_SIGNAL)
        else:
            answer = _ANSWER.pack(asked, 0, -errno.EPERM, 0)
            self._slow_down(_REFUSAL)
        try:
            fcntl.ioctl(self._listener, _SEND, answer)
        except OSError as error:
            if error.errno not in _GONE:
                raise

    def _granted(self, thread: int, number: int, arguments: list[int]) -> bool:
        if number == self._signal:
            return arguments[0] & 0xFFFF_FFFF == _own_id(thread)
        if number != self._fork or thread != self._forking:
            return False
        self._forking = None
        return True

    def _slow_down(self, cost: float) -> None:
        now = self._loop.time()
        given_back = (now - self._since) / _PAUSE
        self._patience = max(-_REFUSAL, min(_PATIENCE, self._patience + given_back) - cost)
        self._since = now
        if self._patience < 0 and self._forking is None and self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._pause = self._loop.call_later(_PAUSE, self._listen)


def _own_id(thread: int) -> int:
    """The id of the process that a thread belongs to, as that process counts; -1 where it is gone."""
    try:
        told = Path(f"/proc/{thread}/status").read_bytes()
        # The first line holds the name, which is the thread's to choose: all but line feeds stand in it as they are.
        for line in told.split(b"\n")[1:]:
            if line.startswith(b"NStgid:"):
                return int(line.split()[-1])
    except (OSError, ValueError):
        return -1
    return -1
