"""What is still needed by others when its own work is done: a session's REPL, while forks of it live on copies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator
from typing import TypeVar

from distill_core.errors import DistillError

T = TypeVar("T")


class Needed:
    """Counts who needs it. For one loop."""

    def __init__(self) -> None:
        self._users = 0
        self._unneeded = asyncio.Event()
        self._unneeded.set()

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """It is needed while this holds."""
        self._users += 1
        self._unneeded.clear()
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self._unneeded.set()

    async def outlast(self, work: Awaitable[T]) -> T:
        """What `work` gives or raises, told once nobody needs it any more. A cancellation waits for nobody."""
        try:
            done = await work
        except DistillError:
            await self._unneeded.wait()
            raise
        await self._unneeded.wait()
        return done
