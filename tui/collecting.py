"""Garbage on a screen: looked for in small pieces while something happens, and in full when nobody waits.

A full round looks at everything that is alive and stops the screen meanwhile, the longer the longer the session is.
Hardly anything on a screen is in a cycle, so it can wait for a moment in which nothing happens.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

PIECES = (3_000, 4, 1_000_000)
"""Python's thresholds on a screen: new objects a piece (a few milliseconds), pieces a larger one, no round in full."""

DUE = 10
"""So many of the larger pieces make a full round worth its while."""

CALM = 0.1
"""A thread that computes for less than this part of the time has nothing to do."""

SHARE = 50
"""Full rounds take one part in so many of the time."""


class Collecting:
    """Python's collector while screens are shown. Belongs to the thread that draws them.

    Args:
        clock: seconds, of the time that passes and of the time that this thread computes.
    """

    def __init__(
        self, clock: Callable[[], tuple[float, float]] = lambda: (time.monotonic(), time.thread_time())
    ) -> None:
        self._clock = clock
        self._before = gc.get_threshold()
        self._last = clock()
        self._not_before = 0.0

    def begin(self) -> None:
        """Collect in pieces from now on."""
        self._before = gc.get_threshold()
        gc.set_threshold(*PIECES)

    def end(self) -> None:
        """Collect as before."""
        gc.set_threshold(*self._before)

    def look(self) -> bool:
        """Collect in full if there may be something and nothing has happened since this was last called; asked often.

        Returns:
            Whether it did.
        """
        (then, computed_then), (now, computed) = self._last, self._clock()
        self._last = now, computed
        calm = computed - computed_then < CALM * (now - then)
        if not calm or now < self._not_before or gc.get_count()[2] < DUE:
            return False
        gc.collect()
        ended, computed = self._last = self._clock()
        self._not_before = ended + (ended - now) * SHARE
        return True
