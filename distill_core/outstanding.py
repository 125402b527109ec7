"""Worker calls that the code has asked for and not been given yet: what may still be put in their place.

A batch is handed over as a whole, once every call in it has something to give. Up to that moment a person may put a
reply in a call's place, have its prompt sent again, or cancel what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from distill_core.errors import ModelError
from distill_core.models.base import LMResponse

Result = LMResponse | Exception
"""What a call came to."""


class Place(msgspec.Struct, frozen=True):
    """Where in the session calls are made: the step and the cell."""

    step: int = 0
    cell_id: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it is asked for.

    Args:
        prompt: what is sent.
        extra: parameters over the handler's.
        purpose: "answer", or what a primitive wants it for.
        place: where it is made.
        batch_id: the batch it belongs to.
        index: its place in that.
        retry_of: the call whose prompt a person (`by`) sends again.
        reaches_cell: whether the code gets what it comes to.
    """

    prompt: str
    extra: dict[str, Any]
    purpose: str
    place: Place
    batch_id: str | None = None
    index: int = 0
    retry_of: str | None = None
    reaches_cell: bool = True
    by: str = ""


class Ticket:
    """A call on its way.

    `slot` is where its result goes, None for the record only; `call_id` is empty until it is sent; `why` says who
    cancelled it, where somebody did; `reply` is there from the moment it is on record.
    """

    __slots__ = ("asked", "call_id", "reply", "slot", "why")

    def __init__(self, asked: Asked, slot: Slot | None = None) -> None:
        self.asked = asked
        self.slot = slot
        self.reply: LMResponse | None = None
        self.call_id = ""
        self.why = ""


class Slot:
    """The place of one call in what is handed over.

    `ticket` is the call that was made for it last, `calls` the ids of all, `task` what it waits for, `given` a reply
    that a person put there.
    """

    __slots__ = ("calls", "given", "hand", "result", "task", "ticket")

    def __init__(self, hand: HandOver, asked: Asked) -> None:
        self.hand = hand
        self.ticket = Ticket(asked, self)
        self.calls: list[str] = []
        self.task: asyncio.Task[LMResponse] | None = None
        self.result: Result | None = None
        self.given: str | None = None

    @property
    def ready(self) -> bool:
        """Whether it has something to give and waits for nothing else."""
        return self.given is not None or (self.task is None and self.result is not None)

    @property
    def outcome(self) -> Result:
        """What the code gets."""
        if self.given is not None:
            return LMResponse(text=self.given)
        return self.result if self.result is not None else ModelError("the call was cancelled")

    def follow(self, task: asyncio.Task[LMResponse]) -> None:
        """Wait for `task` from now on."""
        was, self.task = self.ready, task
        self.hand.changed(was, self.ready)
        task.add_done_callback(self._arrived)

    def again(self, ticket: Ticket, task: asyncio.Task[LMResponse]) -> None:
        """Wait for `task`, a retry, in the place of whatever it waited for."""
        if self.ticket.reply is not None:
            self.result = self.ticket.reply
        self._give_up(f"sent again by {ticket.asked.by}")
        self.ticket = ticket
        self.follow(task)

    def settle(self, result: Result) -> None:
        """Take a result, unless there is a reply or it waits for another; a retry that failed takes no reply away."""
        if self.task is None and not isinstance(self.result, LMResponse):
            was, self.result = self.ready, result
            self.hand.changed(was, self.ready)

    def put(self, text: str) -> None:
        """Put a person's reply there; what is on its way is given up."""
        was, self.given = self.ready, text
        self.hand.changed(was, self.ready)
        self._give_up("a person put a reply in its place")

    def drop(self, why: str) -> None:
        """Take nothing more, unless it is there already."""
        self._give_up(why)

    def _give_up(self, why: str) -> None:
        if self.ticket.reply is None:
            self.ticket.why = why
            if self.task is not None:
                self.task.cancel()

    def _arrived(self, task: asyncio.Task[LMResponse]) -> None:
        if task.cancelled():
            result: Result = ModelError(self.ticket.why or "the call was cancelled")
        elif isinstance(error := task.exception(), Exception):
            result = error
        elif error is not None:
            return
        else:
            result = task.result()
        if self.task is task:
            was, self.task = self.ready, None
            if isinstance(result, LMResponse) or not isinstance(self.result, LMResponse):
                self.result = result
            self.hand.changed(was, self.ready)


class HandOver:
    """What the code gets at once: the results of a batch, or of one call made alone."""

    def __init__(self, asked: Sequence[Asked]) -> None:
        self.slots = [Slot(self, one) for one in asked]
        self.handed = False
        self._runner: asyncio.Task[None] | None = None
        self._unready = len(self.slots)
        self._all = asyncio.Event()
        if not self.slots:
            self._all.set()

    def changed(self, was: bool, now: bool) -> None:
        """A slot has become ready, or has begun to wait again."""
        self._unready += int(was) - int(now)
        if self._unready:
            self._all.clear()
        else:
            self._all.set()

    def run(self, runner: asyncio.Task[None]) -> None:
        """Let `runner` settle the slots; what it leaves open when it ends has failed."""
        self._runner = runner
        runner.add_done_callback(self._ran)

    def _ran(self, runner: asyncio.Task[None]) -> None:
        error = None if runner.cancelled() else runner.exception()
        for slot in self.slots:
            if slot.result is not None:
                continue
            why = slot.ticket.why or "the call was cancelled"
            slot.settle(error if isinstance(error, Exception) else ModelError(why))

    async def complete(self) -> list[Result]:
        """The results in order, once all slots are ready; from then on nothing can be put in their place."""
        try:
            while self._unready:
                await self._all.wait()
        finally:
            self.handed = True
            await self._leave()
        return [slot.outcome for slot in self.slots]

    @property
    def sent(self) -> tuple[str, ...]:
        """Ids of the calls that are on their way."""
        return tuple(s.ticket.call_id for s in self.slots if not s.ready and s.ticket.call_id)

    @property
    def unsent(self) -> int:
        """Calls that have not been sent yet."""
        return sum(1 for slot in self.slots if not slot.ready and not slot.ticket.call_id)

    def cancel(self, why: str) -> None:
        """Give up what is left."""
        for slot in self.slots:
            if not slot.ready:
                slot.drop(why)
        if self._runner is not None:
            self._runner.cancel()

    async def _leave(self) -> None:
        """Nobody waits any more: end what still runs, so that it is on record how each call ended."""
        left = [slot.task for slot in self.slots if slot.task is not None]
        runner = [self._runner] if self._runner is not None else []
        for task in (*left, *runner):
            task.cancel()
        if left or runner:
            await asyncio.gather(*left, *runner, return_exceptions=True)
