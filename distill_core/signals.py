"""Transient signals: what a screen draws while it happens and the log never holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from distill_core.forecast import Forecast

if TYPE_CHECKING:
    from distill_core.rerunning import Rerun


class ReplyDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the supervisor's reply while it streams, or "again": what came is void, the reply begins anew."""

    call_id: str
    step: int
    kind: Literal["text", "reasoning", "again"]
    text: str


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine is at: "drafting", "waiting", "running", "paused"."""

    step: int
    text: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tell the person at once that is no part of the session: the disk is full, there is room again."""

    text: str


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded cell came out differently when it was run again, and the session waits for somebody's word.

    Args:
        run: the cell and its differences.
        answer: to be called, from any thread: True to go on all the same, False to give up.
    """

    run: Rerun
    answer: Callable[[bool], None]


Signal: TypeAlias = ReplyDelta | Phase | Forecast | Notice | Differs
OnSignal: TypeAlias = Callable[[Signal], None]
