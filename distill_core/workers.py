"""The way out for worker calls: reserved, counted, cached, logged, and only then sent.

The REPL asks here; the model's handler, its keys and its limits stay on this side.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.budget import Ledger, Reservation
from distill_core.errors import BudgetExceeded, DistillError, DivergenceError, ModelError
from distill_core.keeping import Replies, Spared
from distill_core.models.base import LMResponse, Message, ModelHandler, Usage
from distill_core.recorder import Recorder

GATE = {"max_tokens": 1, "temperature": 0.0, "logprobs": True, "top_logprobs": 20}
"""Parameters that make a call's first token, with its alternatives, the whole reply."""


class Place(msgspec.Struct, frozen=True):
    """Where in the session calls are made: the step and the cell."""

    step: int = 0
    cell_id: str = ""


class _Sent(msgspec.Struct, frozen=True):
    """A call that is on its way, as the log knows it."""

    call_id: str
    step: int
    at: float


def worker_messages(prompt: str) -> list[Message]:
    """What is sent for a worker prompt: itself, as one user message."""
    return [{"role": "user", "content": prompt}]


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
        self.usage = Usage()
        self._handler = handler
        self._recorder = recorder
        self._ledger = ledger
        self._over_budget = over_budget
        self._replies = Spared(replies)
        self.diverged: DivergenceError | None = None
        self._slots = asyncio.Semaphore(concurrency)
        self._calls = 0
        self._batches = 0

    def carry(self, usage: Usage, calls: int, batches: int) -> None:
        """Go on from what an earlier part of the session has used, and the numbers of its last call and batch."""
        self.usage, self._calls, self._batches = usage, calls, batches

    async def call(self, prompt: str) -> str:
        """The worker's reply to `prompt`.

        Raises:
            DistillError: the call failed, or the budget does not allow it.
        """
        return (await self._one(prompt, {}, "answer")).text

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

    async def _many(
        self, prompts: Sequence[str], extra: dict[str, Any], purpose: str
    ) -> list[LMResponse | Exception]:
        self._batches += 1
        batch_id = f"b{self._batches}"
        if not self._handler.native_async:
            return await self._whole_batch(prompts, extra, purpose, batch_id)
        tasks = (self._settled(p, extra, purpose, batch_id, i) for i, p in enumerate(prompts))
        return list(await asyncio.gather(*tasks))

    async def _settled(self, *args: Any) -> LMResponse | Exception:
        try:
            return await self._one(*args)
        except DistillError as error:
            return error

    async def _one(
        self, prompt: str, extra: dict[str, Any], purpose: str, batch_id: str | None = None, index: int = 0
    ) -> LMResponse:
        messages = worker_messages(prompt)
        async with self._slots:
            kept = await self._kept(messages, extra)
            if kept is not None:
                return self._returned(self._started(prompt, extra, purpose, batch_id, index), kept)
            try:
                held = await self._reserve(prompt, extra)
            except BudgetExceeded as error:
                self._refused(prompt, purpose, error)
                raise
            sent = self._started(prompt, extra, purpose, batch_id, index)
            try:
                reply = await self._handler.achat(messages, **extra, **self._capped(held))
            except asyncio.CancelledError:
                await self._failed(sent, held, ModelError("the call was cancelled"))
                raise
            except Exception as error:
                # A handler may be anybody's code: whatever it raises is this call's failure, not the session's.
                raise await self._failed(sent, held, error) from error
            return await self._arrived(sent, held, messages, extra, reply)

    async def _whole_batch(
        self, prompts: Sequence[str], extra: dict[str, Any], purpose: str, batch_id: str
    ) -> list[LMResponse | Exception]:
        """For handlers that batch better than they run side by side: as few `chat_batch` calls as the budget allows."""
        results: dict[int, LMResponse | Exception] = {}
        waiting: list[int] = []
        for index, prompt in enumerate(prompts):
            kept = await self._kept(worker_messages(prompt), extra)
            if kept is None:
                waiting.append(index)
            else:
                results[index] = self._returned(self._started(prompt, extra, purpose, batch_id, index), kept)
        while waiting:
            held = await self._reserve_some([prompts[i] for i in waiting], extra)
            if isinstance(held, BudgetExceeded):
                results.update(dict.fromkeys(waiting, held))
                for index in waiting:
                    self._refused(prompts[index], purpose, held)
                break
            going, waiting = waiting[: len(held)], waiting[len(held) :]
            sent = [self._started(prompts[i], extra, purpose, batch_id, i) for i in going]
            messages = [worker_messages(prompts[i]) for i in going]
            try:
                replies = await self._batch_replies(messages, extra)
            except asyncio.CancelledError:
                for call, place in zip(sent, held, strict=True):
                    await self._failed(call, place, ModelError("the call was cancelled"))
                raise
            for index, call, place, asked, reply in zip(going, sent, held, messages, replies, strict=True):
                if isinstance(reply, Exception):
                    results[index] = await self._failed(call, place, reply)
                    continue
                try:
                    results[index] = await self._arrived(call, place, asked, extra, reply)
                except DistillError as error:
                    results[index] = error
        return [results[i] for i in range(len(prompts))]

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
            return list(await asyncio.to_thread(one_by_one, batches, **extra))
        try:
            replies = await self._handler.achat_batch(batches, **extra)
        except Exception as error:  # noqa: BLE001  # anybody's handler; each conversation is then tried alone
            if len(batches) == 1:
                return [error]
        else:
            if len(replies) == len(batches):
                return list(replies)
            found = f"{len(replies)} replies to {len(batches)} prompts"
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

    async def _kept(self, messages: list[Message], extra: dict[str, Any]) -> LMResponse | None:
        return await self._replies.find(self._handler, messages, extra)

    def _started(
        self, prompt: str, extra: dict[str, Any], purpose: str, batch_id: str | None, index: int
    ) -> _Sent:
        self._calls += 1
        sent = _Sent(f"w{self._calls}", self.place.step, time.monotonic())
        self._recorder.emit(
            ev.WorkerCallStarted(
                step=sent.step,
                cell_id=self.place.cell_id,
                call_id=sent.call_id,
                prompt=prompt,
                model=self._handler.model,
                params={**self._handler.sampling(), **extra},
                batch_id=batch_id,
                index=index,
                purpose=purpose,
            )
        )
        return sent

    def _refused(self, prompt: str, purpose: str, error: BudgetExceeded) -> None:
        self._recorder.emit(
            ev.WorkerCallRefused(
                step=self.place.step,
                cell_id=self.place.cell_id,
                prompt=prompt,
                error=str(error),
                purpose=purpose,
            )
        )

    async def _arrived(
        self,
        sent: _Sent,
        held: Reservation,
        messages: list[Message],
        extra: dict[str, Any],
        reply: LMResponse,
    ) -> LMResponse:
        if not isinstance(reply, LMResponse):
            found = f"{type(reply).__name__} instead of an LMResponse"
            raise await self._failed(
                sent, held, ModelError("the worker's handler answered wrongly", found=found)
            )
        await self._ledger.settle(held, reply.usage, attempts=reply.attempts)
        # The log first: what was paid for is on record whatever becomes of the cache.
        self._returned(sent, reply)
        await self._replies.keep(self._handler, messages, extra, reply)
        return reply

    def _returned(self, sent: _Sent, reply: LMResponse) -> LMResponse:
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
            else ModelError("the worker call failed", found=f"{type(error).__name__}: {error}")
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


def yes_probability(reply: LMResponse) -> float | None:
    """P("Yes") as the first token, summed over its spellings; None where the reply tells no probabilities."""
    if not reply.logprobs:
        return None
    first = reply.logprobs[0]
    candidates = dict(first.top) or {first.token: first.logprob}
    candidates.setdefault(first.token, first.logprob)
    return min(1.0, sum(math.exp(p) for token, p in candidates.items() if token.strip().lower() == "yes"))
