"""When an interrupt may strike: inside a cell, and not while a frame is half read or half written."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal.py wraps it in enums, at ten times the cost
from _thread import get_ident
from types import FrameType


class Interrupts:
    """Turns SIGINT into KeyboardInterrupt while a cell runs; as a context manager, holds it back."""

    def __init__(self) -> None:
        self.armed = False
        self.struck = False
        self._held = 0
        self._pending = False
        self._main = get_ident()

    def install(self) -> None:
        """Take the signal (again): a cell may have changed its handler, blocked it or left a timer."""
        _signal.signal(_signal.SIGINT, self._handle)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
        _signal.setitimer(_signal.ITIMER_REAL, 0)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if not self.armed:
            return
        if self._held:
            self._pending = True
            return
        self.struck = True
        raise KeyboardInterrupt

    def __enter__(self) -> None:
        if get_ident() == self._main:
            self._held += 1

    def __exit__(self, *exc: object) -> None:
        if get_ident() != self._main:
            return
        self._held -= 1
        if self._pending and not self._held:
            self._pending = False
            if self.armed:
                self.struck = True
                raise KeyboardInterrupt

    def arm(self) -> None:
        """A cell begins."""
        self._held = 0
        self._pending = False
        self.struck = False
        self.armed = True

    def disarm(self) -> None:
        """The cell is over: a signal that comes now is late, and its timer goes no further."""
        self.armed = False
        _signal.setitimer(_signal.ITIMER_REAL, 0)
