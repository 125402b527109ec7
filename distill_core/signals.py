"""Transient signals: what a screen draws while it happens and the log never holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from distill_core.forecast import Forecast


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


Signal: TypeAlias = ReplyDelta | Phase | Forecast | Notice
OnSignal: TypeAlias = Callable[[Signal], None]
