"""The desk of the review queue: logs are read and written on one thread beside the screen's, in their order.

It goes on with what it was given even when the screen is gone: what was judged is to be written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from distill_core.config.rubric import Rubric
from distill_core.errors import DistillError
from sessions.waiting import Queue
from tui.reviewing.card import Card

T = TypeVar("T")


class Stood(NamedTuple):
    """Where going elsewhere in the queue led: to which card, or what is wrong with it."""

    card: Card | None = None
    trouble: str = ""


class Desk:
    """Everything that is to be read or written, one thing after the other. Each raises a DistillError when awaited.

    Args:
        queue: the sessions.
        rubric: what sessions are scored by.
    """

    def __init__(self, queue: Queue, rubric: Rubric) -> None:
        self._queue = queue
        self._rubric = rubric
        self._thread = ThreadPoolExecutor(1, "review")
        self._opening = 0
        self._writing = 0

    @property
    def opening(self) -> bool:
        """Whether another card was asked for and is not there yet."""
        return bool(self._opening)

    @property
    def writing(self) -> bool:
        """Whether something is not written yet."""
        return bool(self._writing)

    def stand(self, go: Callable[[], bool]) -> Awaitable[Stood | None]:
        """Move the queue by `go`; gives the card of the session there, or None where there is nowhere to go."""
        queue = self._queue

        def work() -> Stood | None:
            if not go():
                return None
            try:
                return Stood(Card(queue.folder(queue.at), queue.who, self._rubric) if queue.rows else None)
            except DistillError as error:
                return Stood(trouble=str(error))

        return self._do(work, opens=True)

    def again(self, card: Card) -> Awaitable[Card]:
        """The session of `card`, read anew."""

        def work() -> Card:
            self._queue.refresh(card.folder.name)
            return Card(card.folder, card.who, self._rubric)

        return self._do(work, opens=True)

    def write(self, card: Card, act: Callable[[Card], object]) -> Awaitable[bool]:
        """Judge, and have it in the log and the index before anything that is asked for later; whether it was."""

        def work() -> bool:
            done = act(card) is not False
            self._queue.refresh(card.folder.name)
            return done

        return self._do(work)

    def all_done(self) -> Awaitable[None]:
        """Done with everything before it."""
        return self._do(lambda: None)

    def close(self) -> None:
        """Take nothing more; what was taken is done to its end."""
        self._thread.shutdown(wait=False)

    def _do(self, work: Callable[[], T], *, opens: bool = False) -> Awaitable[T]:
        self._opening += opens
        self._writing += not opens
        return self._done(self._thread.submit(work), opens)

    async def _done(self, work: Future[T], opens: bool) -> T:
        try:
            # Not to be cancelled with the screen: what was judged is to be written.
            return await asyncio.shield(asyncio.wrap_future(work))
        finally:
            self._opening -= opens
            self._writing -= not opens
