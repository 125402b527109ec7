"""What a step would do, told before it is decided on: how a dry run of it came out, looked into on demand.

A `Foresight` belongs to one proposed reply. Nothing runs until somebody asks; whoever asks first pays the wait, and
whoever decides without asking waits for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

import msgspec


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a dry run came to.

    Args:
        call_id: the reply whose cells were tried.
        ran: whether anything could be tried at all; `why` says why not.
        complete: the code came to its end; otherwise the numbers are what it came to before `why`.
        worker_calls: prompts that it would send.
        prompt_tokens: tokens of them, estimated.
        cost: US dollars of prompts and replies, None where no price is known.
        why: what kept it from its end, one line.
        elapsed: seconds.
    """

    call_id: str
    ran: bool = True
    complete: bool = True
    worker_calls: int = 0
    prompt_tokens: int = 0
    cost: float | None = None
    why: str = ""
    elapsed: float = 0.0


class Foresight:
    """A forecast that is made when it is first asked for.

    Args:
        look: makes it; awaited on the engine's loop.
        tell: gets it as soon as it is there.
    """

    def __init__(
        self, look: Callable[[], Awaitable[Forecast]], tell: Callable[[Forecast], None] = lambda _: None
    ) -> None:
        self._look = look
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self.result: Future[Forecast] = Future()
        """The forecast, for waiting from any thread; cancelled where the decision came first."""

    def begin(self) -> None:
        """Start to look, unless that has begun. On the engine's loop."""
        if self._task is None and not self.result.cancelled():
            self._task = asyncio.ensure_future(self._make())

    async def forecast(self) -> Forecast:
        """The forecast, made now if need be. On the engine's loop.

        Raises:
            asyncio.CancelledError: the decision came first.
        """
        self.begin()
        return await asyncio.shield(asyncio.wrap_future(self.result))

    def drop(self) -> None:
        """Nobody needs it any more. On the engine's loop."""
        if self._task is not None:
            self._task.cancel()
        self.result.cancel()

    async def _make(self) -> None:
        try:
            forecast = await self._look()
        except asyncio.CancelledError:
            self.result.cancel()
            raise
        if not self.result.done():
            self.result.set_result(forecast)
            self._tell(forecast)
