"""Sending worker calls: each is reserved, counted, looked up in the cache, logged, and only then sent.

The model's handler, its keys and its limits stay on this side. Who waits for a call is not known here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.budget import Ledger, Reservation
from distill_core.errors import BudgetExceeded, DistillError, DivergenceError, ModelError
from distill_core.keeping import Replies, Spared
from distill_core.models.base import LMResponse, Message, ModelHandler, Usage
from distill_core.models.checking import checked
from distill_core.off_loop import off_loop, on_loop
from distill_core.outstanding import Asked, Result, Ticket
from distill_core.recorder import Recorder


class _Sent(msgspec.Struct, frozen=True):
    """A call that is on its way, as the log knows it."""

    call_id: str
    step: int
    at: float


def worker_messages(prompt: str) -> list[Message]:
    """What is sent for a worker prompt: itself, as one user message."""
    return [{"role": "user", "content": prompt}]


class Sender:
    """Sends calls to the worker.

    Args:
        over_budget: asked when a call does not fit; True if the bounds were raised and it may try again.
        concurrency: calls in flight at most.
        started: gets each call the moment it is sent.
    """

    def __init__(
        self,
        handler: ModelHandler,
        recorder: Recorder,
        ledger: Ledger,
        *,
        over_budget: Callable[[BudgetExceeded], Awaitable[bool]],
        replies: Replies | None,
        concurrency: int,
        started: Callable[[Ticket], None],
    ) -> None:
        self.usage = Usage()
        self.calls = 0
        self.diverged: DivergenceError | None = None
        self._handler = handler
        self._recorder = recorder
        self._ledger = ledger
        self._over_budget = over_budget
        self._replies: Replies = Spared(None) if replies is None else replies
        self._free = asyncio.Semaphore(concurrency)
        self._tell_started = started

    async def one(self, ticket: Ticket) -> LMResponse:
        """Make one call.

        Raises:
            DistillError: it failed, or the budget does not allow it.
        """
        asked = ticket.asked
        try:
            async with self._free:
                kept = await self._kept(asked)
                if kept is not None:
                    return self._returned(self._started(ticket), ticket, kept)
                held = await self._reserve(asked.prompt, asked.extra)
                return await self._send(ticket, held)
        except BudgetExceeded as error:
            if not ticket.call_id:
                self._refused(asked, str(error))
            raise
        except asyncio.CancelledError:
            if not ticket.call_id:
                self._cancelled([ticket])
            raise

    async def _send(self, ticket: Ticket, held: Reservation) -> LMResponse:
        asked, sent = ticket.asked, self._started(ticket)
        try:
            reply = await on_loop(
                self._handler.achat, worker_messages(asked.prompt), **asked.extra, **self._capped(held)
            )
        except asyncio.CancelledError:
            await self._failed(sent, held, ModelError(ticket.why or "the call was cancelled"))
            raise
        except Exception as error:
            # A handler may be anybody's code: whatever it raises is this call's failure, not the session's.
            raise await self._failed(sent, held, error) from error
        return await self._arrived(sent, held, ticket, reply)

    async def whole(self, tickets: Sequence[Ticket], settle: Callable[[int, Result], None]) -> None:
        """Make calls with a handler that batches better than it runs side by side.

        As few `chat_batch` calls as the budget allows; `settle` gets the place of each call and what it came to.
        """
        extra = tickets[0].asked.extra if tickets else {}
        waiting: list[int] = []
        for index, ticket in enumerate(tickets):
            kept = await self._kept(ticket.asked)
            if kept is None:
                waiting.append(index)
            else:
                settle(index, self._returned(self._started(ticket), ticket, kept))
        while waiting:
            try:
                held = await self._reserve_some([tickets[i].asked.prompt for i in waiting], extra)
            except asyncio.CancelledError:
                self._cancelled([tickets[i] for i in waiting])
                raise
            if isinstance(held, BudgetExceeded):
                for index in waiting:
                    self._refused(tickets[index].asked, str(held))
                    settle(index, held)
                break
            going, waiting = waiting[: len(held)], waiting[len(held) :]
            sent = [self._started(tickets[i]) for i in going]
            try:
                replies = await self._batch_replies(
                    [worker_messages(tickets[i].asked.prompt) for i in going], extra
                )
            except asyncio.CancelledError:
                for index, call, place in zip(going, sent, held, strict=True):
                    why = tickets[index].why or "the call was cancelled"
                    await self._failed(call, place, ModelError(why))
                self._cancelled([tickets[i] for i in waiting])
                raise
            for index, call, place, reply in zip(going, sent, held, replies, strict=True):
                settle(index, await self._outcome(call, place, tickets[index], reply))

    async def _outcome(self, call: _Sent, held: Reservation, ticket: Ticket, reply: Result) -> Result:
        if isinstance(reply, Exception):
            return await self._failed(call, held, reply)
        try:
            return await self._arrived(call, held, ticket, reply)
        except DistillError as error:
            return error

    def _cancelled(self, tickets: Sequence[Ticket]) -> None:
        """Put on record that these were never sent, where a person did not want them sent."""
        for ticket in tickets:
            if ticket.why:
                self._refused(ticket.asked, ticket.why)

    async def _reserve_some(
        self, prompts: Sequence[str], extra: dict[str, Any]
    ) -> list[Reservation] | BudgetExceeded:
        """Places for as many of `prompts`, from the first on, as fit now; at least one, or the refusal."""
        try:
            held = [await self._reserve(prompts[0], extra)]
        except BudgetExceeded as error:
            return error
        for prompt in prompts[1:]:
            try:
                held.append(
                    await self._ledger.reserve(
                        "worker", len(prompt), self._cap(extra), attempts=self._attempts, waits=False
                    )
                )
            except BudgetExceeded:
                break
        return held

    async def _batch_replies(
        self, batches: list[list[Message]], extra: dict[str, Any]
    ) -> list[LMResponse | Exception]:
        """One reply or error a conversation, also from a handler whose `chat_batch` fails as a whole."""
        if not batches:
            return []
        one_by_one = getattr(self._handler, "chat_batch_results", None)
        if one_by_one is not None:
            return list(await off_loop(one_by_one, batches, **extra))
        try:
            replies = await self._handler.achat_batch(batches, **extra)
        except Exception as error:  # noqa: BLE001  # anybody's handler; each conversation is then tried alone
            if len(batches) == 1:
                return [error]
        else:
            several: list[LMResponse | Exception] = list(replies) if isinstance(replies, Iterable) else []
            if len(several) == len(batches):
                return several
            found = f"{len(several)} replies to {len(batches)} prompts"
            return [ModelError("chat_batch answered wrongly", found=found)] * len(batches)
        results: list[LMResponse | Exception] = []
        for messages in batches:
            try:
                results.append(await self._handler.achat(messages, **extra))
            except Exception as error:  # noqa: BLE001  # as above
                results.append(error)
        return results

    # ------------------------------------------------------------ budget, cache, log

    @property
    def _attempts(self) -> int:
        """Requests that one call may make, as far as the handler says."""
        return 1 + int(getattr(self._handler, "max_retries", 0))

    def _capped(self, held: Reservation) -> dict[str, Any]:
        """What keeps a call to the requests that were granted, where those are fewer than it would make."""
        return {"max_retries": held.attempts - 1} if held.attempts < self._attempts else {}

    def _cap(self, extra: dict[str, Any]) -> int | None:
        """The most tokens a reply may have, where the parameters say."""
        return {**self._handler.sampling(), **extra}.get("max_tokens")

    async def _reserve(self, prompt: str, extra: dict[str, Any]) -> Reservation:
        while True:
            try:
                return await self._ledger.reserve(
                    "worker", len(prompt), self._cap(extra), attempts=self._attempts
                )
            except BudgetExceeded as error:
                if not await self._over_budget(error):
                    raise

    async def _kept(self, asked: Asked) -> LMResponse | None:
        """A kept reply. None to a person who sends a prompt again: they have seen that one."""
        if asked.retry_of is not None:
            return None
        kept = await self._replies.find(self._handler, worker_messages(asked.prompt), asked.extra)
        if kept is not None:
            self._ledger.count_kept()  # or the next prompt, which tells what is left, were another than before
        return kept

    def _started(self, ticket: Ticket) -> _Sent:
        asked = ticket.asked
        self.calls += 1
        ticket.call_id = f"w{self.calls}"
        sent = _Sent(ticket.call_id, asked.place.step, time.monotonic())
        self._recorder.emit(
            ev.WorkerCallStarted(
                step=sent.step,
                cell_id=asked.place.cell_id,
                call_id=sent.call_id,
                prompt=asked.prompt,
                model=self._handler.model,
                params={**self._handler.sampling(), **asked.extra},
                batch_id=asked.batch_id,
                index=asked.index,
                purpose=asked.purpose,
                retry_of=asked.retry_of,
                reaches_cell=asked.reaches_cell,
                by=asked.by,
            )
        )
        self._tell_started(ticket)
        return sent

    def _refused(self, asked: Asked, why: str) -> None:
        """Put on record that a call was not sent; a retry that was not is no business of the code's."""
        if asked.retry_of is None:
            self._recorder.emit(
                ev.WorkerCallRefused(
                    step=asked.place.step,
                    cell_id=asked.place.cell_id,
                    prompt=asked.prompt,
                    error=why,
                    purpose=asked.purpose,
                )
            )

    async def _arrived(self, sent: _Sent, held: Reservation, ticket: Ticket, reply: LMResponse) -> LMResponse:
        try:
            reply = checked(reply)
        except ModelError as error:
            raise await self._failed(sent, held, error) from error
        await self._ledger.settle(held, reply.usage, attempts=reply.attempts, reply_chars=len(reply.text))
        # The log first: what was paid for is on record whatever becomes of the cache.
        self._returned(sent, ticket, reply)
        asked = ticket.asked
        if asked.retry_of is None:
            await self._replies.keep(self._handler, worker_messages(asked.prompt), asked.extra, reply)
        return reply

    def _returned(self, sent: _Sent, ticket: Ticket, reply: LMResponse) -> LMResponse:
        usage = reply.spent()
        self.usage = self.usage + usage
        self._recorder.emit(
            ev.WorkerCallReturned(
                step=sent.step,
                call_id=sent.call_id,
                response=reply.text,
                model=reply.model or self._handler.model,
                usage=usage,
                elapsed=reply.elapsed,
                cached=reply.cached,
                attempt=reply.attempts,
                finish_reason=reply.finish_reason,
                reasoning=reply.reasoning,
                logprobs=reply.logprobs,
            )
        )
        ticket.reply = reply
        return reply

    async def _failed(self, sent: _Sent, held: Reservation, error: Exception) -> DistillError:
        if isinstance(error, DivergenceError):
            self.diverged = self.diverged or error
        attempts = getattr(error, "attempts", 1)
        usage = Usage(calls=attempts)
        await self._ledger.settle(held, usage, attempts=attempts)
        self.usage = self.usage + usage
        failure = (
            error
            if isinstance(error, DistillError)
            else ModelError("the handler gave up", found=f"{type(error).__name__}: {error}")
        )
        self._recorder.emit(
            ev.WorkerCallFailed(
                step=sent.step,
                call_id=sent.call_id,
                error=str(failure),
                model=self._handler.model,
                usage=usage,
                elapsed=time.monotonic() - sent.at,
                attempt=attempts,
            )
        )
        return failure
