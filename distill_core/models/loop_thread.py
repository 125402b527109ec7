"""The event loop that all of this program's model traffic runs on, in a thread of its own.

An async HTTP client belongs to one event loop, while a handler is called from plain code, from threads and
from several loops over its life. So every client lives on this one loop and callers reach it from wherever
they are. One client, one pool of connections and one concurrency limit then hold for a whole handler.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
EXIT_SECONDS = 2.0


class Mailbox:
    """Calls for one event loop to make, posted from other threads.

    Waking a loop costs a system call and a switch of threads. Letters that come while it is being woken go
    along.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._letters: deque[Callable[[], object]] = deque()
        self._woken = False

    def post(self, letter: Callable[[], object]) -> None:
        """Have the loop call `letter`, after those posted before. Dropped where the loop is closed."""
        self._letters.append(letter)
        if self._woken:
            return
        self._woken = True  # set before waking, cleared before emptying: no letter is left lying
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # closed this very moment
                loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        self._woken = False
        while self._letters:
            self._letters.popleft()()


class LoopThread:
    """A running event loop on a daemon thread."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.pid = os.getpid()
        self._inbox = Mailbox(self.loop)
        self._mailboxes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Mailbox]
        self._mailboxes = weakref.WeakKeyDictionary()
        self._guard = threading.Lock()
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
        """Run `work` on the loop while the caller's own loop goes on. Cancelling the caller cancels it.

        What the work posted to `mailbox()` before it ended has arrived when this returns.
        """
        home = asyncio.get_running_loop()
        if home is self.loop:
            return await work
        back = self.mailbox()
        arrival: asyncio.Future[T] = home.create_future()
        started: list[asyncio.Task[T]] = []

        def start() -> None:
            if arrival.cancelled():
                work.close()
                return
            task = self.loop.create_task(work)
            started.append(task)
            task.add_done_callback(lambda done: back.post(lambda: _hand_over(done, arrival)))

        self._inbox.post(start)
        try:
            return await arrival
        except asyncio.CancelledError:
            self._inbox.post(lambda: started and started[0].cancel())
            raise

    def mailbox(self) -> Mailbox:
        """The mailbox of the event loop that is running here."""
        home = asyncio.get_running_loop()
        with self._guard:
            box = self._mailboxes.get(home)
            if box is None:
                box = self._mailboxes[home] = Mailbox(home)
            return box

    def stop(self) -> None:
        """End the loop and its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(EXIT_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        finally:
            self.loop.close()


def _hand_over(task: asyncio.Task[T], arrival: asyncio.Future[T]) -> None:
    if arrival.done():
        if not task.cancelled():
            task.exception()  # seen: the caller is gone, nobody else will ask
    elif task.cancelled():
        arrival.cancel()
    elif (error := task.exception()) is not None:
        arrival.set_exception(error)
    else:
        arrival.set_result(task.result())


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
