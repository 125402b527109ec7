"""The reins of a running session: stop, pause, resume, from any thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from distill_core.errors import DistillError

T = TypeVar("T")


class Stopped(DistillError):
    """Somebody asked the session to end. Raised inside the engine only; a caller sees a result marked so."""

    def __init__(self, by: str) -> None:
        super().__init__(f"stopped by {by}")
        self.by = by


class Control:
    """What people do to a session while it runs. Bound to the engine's loop when that starts."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._running: asyncio.Event | None = None
        self._stopped_by: str | None = None
        self._paused = False

    def bind(self) -> None:
        """Take the running loop as the engine's. What was asked before counts from the start."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._running = asyncio.Event()
        if self._stopped_by is not None:
            self._stop.set()
        if not self._paused:
            self._running.set()

    def stop(self, by: str) -> None:
        """End the session; what it is doing is cut short."""
        self._stopped_by = self._stopped_by or by
        self.on_loop(lambda: self._stop.set() if self._stop else None)

    def pause(self) -> None:
        """Hold the session at its next boundary."""
        self._paused = True
        self.on_loop(lambda: self._running.clear() if self._running else None)

    def resume(self) -> None:
        """Let a paused session go on."""
        self._paused = False
        self.on_loop(lambda: self._running.set() if self._running else None)

    @property
    def paused(self) -> bool:
        """Whether the session holds, or will at its next boundary."""
        return self._paused

    @property
    def stopped(self) -> bool:
        """Whether somebody asked it to end."""
        return self._stopped_by is not None

    async def boundary(self) -> None:
        """Between two steps: wait while paused.

        Raises:
            Stopped: somebody asked to end.
        """
        if self._running is not None and not self._running.is_set():
            await self.race(self._running.wait())
        self._raise_if_stopped()

    async def race(self, work: Awaitable[T]) -> T:
        """Wait for `work`, but not past a stop.

        Raises:
            Stopped: somebody asked to end; `work` is cancelled.
        """
        if self._stop is None:
            raise RuntimeError("bind() comes first")
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            for pending in (stop, task):
                if not pending.done():
                    pending.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise Stopped(self._stopped_by or "somebody")

    def _raise_if_stopped(self) -> None:
        if self._stopped_by is not None:
            raise Stopped(self._stopped_by)

    async def asked_to_stop(self) -> None:
        """Wait until somebody asks to end."""
        if self._stop is not None:
            await self._stop.wait()

    def ask(self, act: Callable[[], T]) -> Future[T]:
        """Have `act` called on the engine's loop; what it gives or raises is in the future."""
        told: Future[T] = Future()

        def call() -> None:
            try:
                told.set_result(act())
            except Exception as error:  # noqa: BLE001  # raised again where the future is asked
                told.set_exception(error)

        if self._loop is None or self._loop.is_closed():
            told.set_exception(DistillError("the session does not run"))
        else:
            self._loop.call_soon_threadsafe(call)
        return told

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Have the coroutine that `work` makes run on the engine's loop; what it gives or raises is in the future."""
        if self._loop is None or self._loop.is_closed():
            told: Future[T] = Future()
            told.set_exception(DistillError("the session does not run"))
            return told
        return asyncio.run_coroutine_threadsafe(work(), self._loop)

    def on_loop(self, act: Callable[[], object]) -> None:
        """Have `act` called on the engine's loop; nothing happens before it runs or after it has ended."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act)
