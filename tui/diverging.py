"""Where a recorded cell comes out differently: what a person may choose, and how a session asks for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from distill_core.signals import Differs, OnSignal

if TYPE_CHECKING:
    from distill_core.rerunning import Rerun

Choice: TypeAlias = Literal["keep", "branch", "stop"]
"""Go on with the record as it is; go on from that step, with what it does now; not at all."""


class Way(NamedTuple):
    """A choice as it is offered: its key, its name, and what it does, with the step to be put in."""

    key: str
    name: Choice
    says: str


CHOICES = (
    Way("k", "keep", "keep the record and go on"),
    Way("b", "branch", "branch off at step {step} with what it does now"),
    Way("x", "stop", "stop"),
)

GoOn: TypeAlias = "Callable[[Rerun], Awaitable[bool]]"


def asking(signal: OnSignal, known: GoOn | None = None) -> GoOn:
    """As `continuing.Earlier.go_on`: asks whoever draws the session, unless it is `known` that it may go on.

    Args:
        signal: gets a `Differs` for every cell that nobody has let pass yet.
        known: says what was let pass before.
    """

    async def go_on(run: Rerun) -> bool:
        if known is not None and await known(run):
            return True
        loop = asyncio.get_running_loop()
        word: asyncio.Future[bool] = loop.create_future()

        def settle(keep: bool) -> None:
            if not word.done():
                word.set_result(keep)

        def answer(keep: bool) -> None:
            # The session may have been dropped meanwhile, and its loop with it.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, keep)

        signal(Differs(run=run, answer=answer))
        return await word

    return go_on
