"""The way out for worker calls: what the code asks for is sent, held until all of it is there, and handed over.

The REPL asks here. Until a call is handed over a person may put a reply in its place, have it sent again, or cancel it;
afterwards the record alone changes.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.budget import Ledger
from distill_core.errors import BudgetExceeded, DistillError, DivergenceError
from distill_core.keeping import Replies
from distill_core.models.base import LMResponse, ModelHandler, Usage
from distill_core.outstanding import Asked, HandOver, Place, Result, Slot, Ticket
from distill_core.recorder import Recorder
from distill_core.sending import Sender
from distill_core.state import WorkerCall

__all__ = ["GATE", "Place", "WorkerGateway", "yes_probability"]

GATE = {"max_tokens": 1, "temperature": 0.0, "logprobs": True, "top_logprobs": 20}
"""Parameters that make a call's first token, with its alternatives, the whole reply."""


class WorkerGateway:
    """Makes worker calls for the cell at `place`.

    Args:
        over_budget: asked when a call does not fit; True if the bounds were raised and it may try again.
        concurrency: calls in flight at most.
    """

    def __init__(
        self,
        handler: ModelHandler,
        recorder: Recorder,
        ledger: Ledger,
        *,
        over_budget: Callable[[BudgetExceeded], Awaitable[bool]],
        replies: Replies | None = None,
        concurrency: int = 64,
    ) -> None:
        self.place = Place()
        self._handler = handler
        self._recorder = recorder
        self._sender = Sender(
            handler,
            recorder,
            ledger,
            over_budget=over_budget,
            replies=replies,
            concurrency=concurrency,
            started=self._started,
        )
        self._batches = 0
        self._asked: dict[str, Asked] = {}
        self._held: dict[str, Slot] = {}
        self._late: set[asyncio.Task[LMResponse]] = set()

    @property
    def usage(self) -> Usage:
        """What all calls took."""
        return self._sender.usage

    @property
    def diverged(self) -> DivergenceError | None:
        """The first call that a recorded worker knew nothing of."""
        return self._sender.diverged

    def carry(self, usage: Usage, calls: Iterable[WorkerCall], last: int, batches: int) -> None:
        """Go on from the `calls` of an earlier part of the session, what they used, and the last numbers given."""
        self._sender.usage, self._sender.calls, self._batches = usage, last, batches
        for call in calls:
            self._asked[call.call_id] = Asked(
                prompt=call.prompt,
                extra=dict(GATE) if call.purpose == "gate" else {},
                purpose=call.purpose,
                place=Place(call.step, call.cell_id),
                batch_id=call.batch_id,
                index=call.index,
                retry_of=call.retry_of,
            )

    # ------------------------------------------------------------ for the code

    async def call(self, prompt: str) -> str:
        """The worker's reply to `prompt`.

        Raises:
            DistillError: the call failed, or the budget does not allow it.
        """
        asked = Asked(prompt=prompt, extra={}, purpose="answer", place=self.place)
        (result,) = await self._handed_over([asked], alone=True)
        if isinstance(result, Exception):
            raise result
        return result.text

    async def batch(self, prompts: Sequence[str]) -> list[str | Exception]:
        """The replies to all `prompts` in order, an error in the place of each that failed."""
        results = await self._many(prompts, {}, "answer")
        return [r.text if isinstance(r, LMResponse) else r for r in results]

    async def yes(self, prompts: list[str]) -> list[float | None]:
        """How probable the worker thinks "Yes" is as the first word of its reply, for each prompt.

        Returns a number from 0 to 1 a prompt; None where the call failed or the endpoint tells no probabilities.
        """
        if not self._handler.logprobs:
            return [None] * len(prompts)
        results = await self._many(prompts, GATE, "gate")
        return [yes_probability(r) if isinstance(r, LMResponse) else None for r in results]

    async def _many(self, prompts: Sequence[str], extra: dict[str, Any], purpose: str) -> list[Result]:
        self._batches += 1
        asked = [
            Asked(
                prompt=prompt,
                extra=extra,
                purpose=purpose,
                place=self.place,
                batch_id=f"b{self._batches}",
                index=index,
            )
            for index, prompt in enumerate(prompts)
        ]
        return await self._handed_over(asked)

    async def _handed_over(self, asked: Sequence[Asked], *, alone: bool = False) -> list[Result]:
        """What all of `asked` came to, at once."""
        hand = HandOver(asked)
        if self._handler.native_async or alone:
            for slot in hand.slots:
                slot.follow(asyncio.ensure_future(self._sender.one(slot.ticket)))
        else:
            tickets = [slot.ticket for slot in hand.slots]
            hand.run(asyncio.ensure_future(self._sender.whole(tickets, lambda i, r: hand.slots[i].settle(r))))
        try:
            return await hand.complete()
        finally:
            for slot in hand.slots:
                for call_id in slot.calls:
                    self._held.pop(call_id, None)

    def _started(self, ticket: Ticket) -> None:
        self._asked[ticket.call_id] = ticket.asked
        if ticket.slot is not None:
            ticket.slot.calls.append(ticket.call_id)
            self._held[ticket.call_id] = ticket.slot

    # ------------------------------------------------------------ for a person

    def override(self, call_id: str, response: str, by: str) -> None:
        """Put `response` in the place of what call `call_id` came to, or will come to.

        Raises:
            DistillError: there is no such call.
        """
        asked, slot = self._known(call_id), self._waiting(call_id)
        # What is put in the place of a retry stands in that of the call that it repeats.
        self._recorder.emit(
            ev.WorkerCallOverridden(
                step=asked.place.step,
                call_id=asked.retry_of or call_id,
                response=response,
                by=by,
                reached_cell=slot is not None,
            )
        )
        if slot is not None:
            slot.put(response)

    def retry(self, call_id: str, by: str) -> None:
        """Send the prompt of call `call_id` again. The code gets the reply if it still waits, else only the record.

        Raises:
            DistillError: there is no such call.
        """
        asked, slot = self._known(call_id), self._waiting(call_id)
        again = msgspec.structs.replace(
            asked, retry_of=asked.retry_of or call_id, reaches_cell=slot is not None, by=by
        )
        ticket = Ticket(again, slot)
        task = asyncio.ensure_future(self._sender.one(ticket))
        if slot is not None:
            slot.again(ticket, task)
            return
        self._late.add(task)
        task.add_done_callback(self._over)

    def cancel(self, call_id: str, by: str) -> None:
        """Cancel what is left of the batch that call `call_id` belongs to, or the call if it was made alone.

        Nothing happens where that has been handed over.

        Raises:
            DistillError: there is no such call.
        """
        asked, slot = self._known(call_id), self._waiting(call_id)
        if slot is None or not (slot.hand.sent or slot.hand.unsent):
            return
        self._recorder.emit(
            ev.WorkerCallsCancelled(
                step=asked.place.step,
                cell_id=asked.place.cell_id,
                batch_id=asked.batch_id,
                call_ids=slot.hand.sent,
                unsent=slot.hand.unsent,
                by=by,
            )
        )
        slot.hand.cancel(f"cancelled by {by}")

    async def close(self) -> None:
        """End what was sent again for the record only."""
        late = list(self._late)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _known(self, call_id: str) -> Asked:
        asked = self._asked.get(call_id)
        if asked is None:
            raise DistillError(f"there is no worker call {call_id}", remedy="name one of this session")
        return asked

    def _waiting(self, call_id: str) -> Slot | None:
        """The place of the call, while the code waits for it."""
        slot = self._held.get(call_id)
        return slot if slot is not None and not slot.hand.handed else None

    def _over(self, task: asyncio.Task[LMResponse]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            # Its failure is on record; nobody waits for it.
            task.exception()


def yes_probability(reply: LMResponse) -> float | None:
    """P("Yes") as the first token, summed over its spellings; None where the reply tells no probabilities."""
    if not reply.logprobs:
        return None
    first = reply.logprobs[0]
    candidates = dict(first.top) or {first.token: first.logprob}
    candidates.setdefault(first.token, first.logprob)
    return min(1.0, sum(math.exp(p) for token, p in candidates.items() if token.strip().lower() == "yes"))
