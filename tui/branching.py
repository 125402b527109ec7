"""A fork of the session on the screen: what a person wants of it, and what the program makes of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from distill_core.continuing import Branch
from distill_core.forking import From
from distill_core.record import Record
from tui.engine import MakeSession


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A fork as somebody wants it.

    Args:
        step: where it branches off, from 1.
        codes: what runs there in the place of its code; None where that stays, or is drafted anew.
        instruction: words for the supervisor in front of the step.
        settings: other models and bounds, by dotted key.
        at: how much of the step itself is kept.
    """

    step: int
    codes: tuple[str, ...] | None = None
    instruction: str = ""
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    at: From = "step"


class Branched(msgspec.Struct, frozen=True, kw_only=True):
    """A fork that can begin.

    Args:
        make: makes its session.
        close: lets go of what was opened for it, once it is over.
        fork: makes forks of the fork.
    """

    make: MakeSession
    close: Callable[[], None]
    fork: MakeFork


MakeFork: TypeAlias = Callable[[Wish, Record, Callable[[int], Branch] | None], Branched]
"""Makes a fork from a wish, the record of its parent up to now, and (while that runs) the way to its REPL. May take
its time; raises a DistillError where it cannot be made."""
