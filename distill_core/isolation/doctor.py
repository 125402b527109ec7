"""What a person wants to know of the isolation on their machine: each level, each door tried, and why not more."""

from __future__ import annotations

import msgspec

from distill_core.errors import ReplError
from distill_core.isolation.levels import REMEDIES

_LEVELS = ("strong", "good")


class LevelReport(msgspec.Struct, frozen=True, kw_only=True):
    """How one level fares here.

    Args:
        level: "strong" or "good".
        proven: the level that a child came to; None where none started.
        probes: the doors that the child tried, as (name, whether it is shut, how that showed).
        reason: why the level cannot be had; None if it can.
        remedy: what to do about that; None if it can be had.
    """

    level: str
    proven: str | None
    probes: tuple[tuple[str, bool, str], ...]
    reason: str | None
    remedy: str | None


def examine() -> tuple[LevelReport, ...]:
    """Try each level, the strongest first, by starting a child at it. Takes a fraction of a second."""
    return tuple(_examined(level) for level in _LEVELS)


def _examined(level: str) -> LevelReport:
    from distill_core.repl import REPL  # the REPL knows this package, not the other way round

    try:
        with REPL("", isolation=level) as repl:
            return LevelReport(
                level=level, proven=repl.isolation, probes=repl.probes, reason=None, remedy=None
            )
    except ReplError as error:
        return LevelReport(
            level=level, proven=None, probes=(), reason=error.found or error.what, remedy=REMEDIES[level]
        )
