"""The event loop that all of this program's model traffic runs on, in a thread of its own.

An async HTTP client belongs to one event loop, while a handler is called from plain code, from threads and
from several loops over its life. So every client lives on this one loop and callers reach it from wherever
they are. One client, one pool of connections and one concurrency limit then hold for a whole handler.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
EXIT_SECONDS = 2.0


class LoopThread:
    """A running event loop on a daemon thread."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start `work` on the loop, from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and block until it is done. An interrupt of the caller cancels it."""
        future = self.submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def join(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop while the caller's own loop goes on. Cancelling the caller cancels it."""
        if asyncio.get_running_loop() is self.loop:
            return await work
        return await asyncio.wrap_future(self.submit(work))

    def stop(self) -> None:
        """End the loop and its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(EXIT_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


_lock = threading.Lock()
_shared: LoopThread | None = None
_closers: set[Callable[[], Awaitable[None]]] = set()


def shared_loop() -> LoopThread:
    """The loop of this process, started at the first call (and anew in a forked child)."""
    global _shared
    with _lock:
        if _shared is None or _shared.pid != os.getpid():
            _shared = LoopThread("distill-models")
        return _shared


def close_at_exit(closer: Callable[[], Awaitable[None]]) -> None:
    """Await `closer` on the loop when the interpreter exits, unless `forget` takes it back before."""
    _closers.add(closer)


def forget(closer: Callable[[], Awaitable[None]]) -> None:
    """Take back a `close_at_exit`."""
    _closers.discard(closer)


@atexit.register
def _close_all() -> None:
    """Close what is open: connections left to the garbage collector complain on stderr."""
    if _shared is None or _shared.pid != os.getpid():
        return

    async def close() -> None:
        await asyncio.gather(*(closer() for closer in tuple(_closers)), return_exceptions=True)

    try:
        _shared.submit(close()).result(EXIT_SECONDS)
    except concurrent.futures.TimeoutError:
        pass  # the process ends now, and its sockets with it
    _shared.stop()
