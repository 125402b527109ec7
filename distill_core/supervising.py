"""The line to the supervisor: one call at a time, reserved, recorded, streamed, and cut when the session stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from distill_core import events as ev
from distill_core.budget import Ledger, Reservation
from distill_core.control import Control, Stopped
from distill_core.conversation import Conversation
from distill_core.errors import BudgetExceeded, DistillError, ModelError
from distill_core.keeping import Replies, Spared
from distill_core.models.base import Delta, LMResponse, Message, ModelHandler, Usage
from distill_core.models.checking import checked
from distill_core.off_loop import on_loop
from distill_core.recorder import Recorder
from distill_core.redriving import Redriving
from distill_core.signals import OnSignal, Phase, ReplyDelta


class SupervisorLine:
    """Asks the supervisor.

    Args:
        over_budget: asked when the call does not fit; True if it may try again.
        redriving: what is on record of a session that goes on; its replies come first.
    """

    def __init__(
        self,
        handler: ModelHandler,
        recorder: Recorder,
        ledger: Ledger,
        control: Control,
        on_signal: OnSignal,
        replies: Replies | None,
        over_budget: Callable[[BudgetExceeded], Awaitable[bool]],
        redriving: Redriving | None = None,
    ) -> None:
        self.usage = Usage()
        self._handler = handler
        self._recorder = recorder
        self._ledger = ledger
        self._control = control
        self._signal = on_signal
        self._replies: Replies = Spared(None) if replies is None else replies
        self._over_budget = over_budget
        self.step = 0
        """The last turn for which the supervisor was asked."""
        self._calls = 0
        self._redriving = redriving

    def carry(self, usage: Usage, calls: int) -> None:
        """Go on from what an earlier part of the session has used, and the number of its last call."""
        self.usage, self._calls = usage, calls

    @property
    def model(self) -> str:
        """Name of the supervisor's model."""
        return self._handler.model

    @property
    def last_call(self) -> str:
        """The id of the call that was made last."""
        return f"s{self._calls}"

    @property
    def sampling(self) -> dict[str, Any]:
        """The parameters that a call is sent with."""
        return self._handler.sampling()

    @property
    def metered(self) -> bool:
        """Whether its calls count against bounds on tokens and money."""
        return self._handler.metered

    async def ask(
        self, conversation: Conversation, step: int, candidate: int, extra: dict[str, Any] | None = None
    ) -> tuple[str, LMResponse]:
        """The next reply in `conversation`, with the id of its call; `extra` goes over the usual parameters.

        Raises:
            ModelError: the call failed for good.
            BudgetExceeded: the budget has no room for it.
            Stopped: the session ends.
        """
        if (known := self._known(conversation, step, candidate)) is not None:
            self.step = step
            return known
        messages = conversation.messages
        extra = extra or {}
        params = {**self._handler.sampling(), **extra}
        kept = await self._replies.find(self._handler, messages, extra)
        held = await self._reserve(messages, params) if kept is None else None
        self._calls += 1
        self.step = step
        call_id = f"s{self._calls}"
        extends, message_ids = conversation.opens(call_id, step=step)
        self._signal(Phase(step=step, text="drafting"))
        self._recorder.emit(
            ev.SupervisorCalled(
                step=step,
                call_id=call_id,
                model=self._handler.model,
                extends=extends,
                message_ids=message_ids,
                params=params,
                candidate=candidate,
            )
        )
        if kept is not None:
            self._record(call_id, step, kept)
            return call_id, kept
        if held is None:
            raise AssertionError("a call that is sent has its place in the budget")
        reply = await self._send(call_id, step, messages, extra, held)
        # The log first: what was paid for is on record whatever becomes of the cache.
        self._record(call_id, step, reply)
        await self._replies.keep(self._handler, messages, extra, reply)
        return call_id, reply

    def _known(self, conversation: Conversation, step: int, candidate: int) -> tuple[str, LMResponse] | None:
        """The next reply on record, if there is one.

        Raises:
            ModelError: the call failed when it was recorded.
            BudgetExceeded: it was not allowed when the record was made.
        """
        if self._redriving is None:
            return None
        if candidate and self._redriving.lacks_candidate(step):
            raise BudgetExceeded("the budget did not allow this candidate", limit="tokens")
        exchange = self._redriving.exchange()
        if exchange is None:
            return None
        call = exchange.called
        conversation.adopt(call, self._redriving.prompt(call.call_id))
        reply = exchange.response()
        if reply is None:
            raise ModelError(exchange.failed.error if exchange.failed is not None else "the call failed")
        return call.call_id, reply

    async def _reserve(self, messages: list[Message], params: dict[str, Any]) -> Reservation:
        chars = sum(len(str(m.get("content", ""))) for m in messages)
        while True:
            try:
                return await self._ledger.reserve(
                    "supervisor", chars, params.get("max_tokens"), metered=self.metered
                )
            except BudgetExceeded as error:
                if not await self._over_budget(error):
                    raise

    async def _send(
        self,
        call_id: str,
        step: int,
        messages: list[Message],
        extra: dict[str, Any],
        held: Reservation,
    ) -> LMResponse:
        def on_delta(delta: Delta) -> None:
            self._signal(ReplyDelta(call_id=call_id, step=step, kind=delta.kind, text=delta.text))

        started = time.monotonic()
        deadline = asyncio.timeout(self._ledger.seconds_left())
        try:
            async with deadline:
                reply = checked(
                    await self._control.race(
                        on_loop(self._handler.achat, messages, on_delta=on_delta, **extra)
                    )
                )
        except asyncio.CancelledError:
            await self._failed(call_id, step, held, ModelError("the call was cancelled"), started, cut=True)
            raise
        except Stopped as stop:
            await self._failed(call_id, step, held, stop, started, cut=True)
            raise
        except Exception as error:
            failure = _failure(error, late=deadline.expired())
            await self._failed(call_id, step, held, failure, started)
            raise failure from error
        if self.metered:
            await self._ledger.settle(held, reply.usage, attempts=reply.attempts, reply_chars=len(reply.text))
        else:
            await self._ledger.settle(held, Usage(calls=1))
        return reply

    def _record(self, call_id: str, step: int, reply: LMResponse) -> None:
        usage = reply.spent()
        self.usage = self.usage + usage
        self._recorder.emit(
            ev.SupervisorReplied(
                step=step,
                call_id=call_id,
                text=reply.text,
                model=reply.model or self._handler.model,
                usage=usage,
                elapsed=reply.elapsed,
                finish_reason=reply.finish_reason,
                reasoning=reply.reasoning,
                cached=reply.cached,
                attempts=reply.attempts,
                logprobs=reply.logprobs,
            )
        )

    async def _failed(
        self,
        call_id: str,
        step: int,
        held: Reservation,
        error: DistillError,
        started: float,
        *,
        cut: bool = False,
    ) -> None:
        attempts = getattr(error, "attempts", 1)
        usage = Usage(calls=attempts)
        self.usage = self.usage + usage
        await self._ledger.settle(held, usage, attempts=attempts)
        self._recorder.emit(
            ev.SupervisorFailed(
                step=step,
                call_id=call_id,
                model=self._handler.model,
                usage=usage,
                elapsed=time.monotonic() - started,
                error=str(error),
                attempts=attempts,
                cut=cut,
            )
        )


def _failure(error: Exception, *, late: bool) -> DistillError:
    """What ended a call, in one line. A handler may be anybody's code and raise anything, a timeout of its own too."""
    if late and isinstance(error, TimeoutError):
        return BudgetExceeded("the budget is used up", limit="seconds", found="wall time ended the reply")
    if isinstance(error, DistillError):
        return error
    return ModelError("the supervisor call failed", found=f"{type(error).__name__}: {error}")
