"""Raising a bound of a session, by so much that there is room for more."""

from __future__ import annotations

import math

import msgspec

from distill_core.events import Limits


def raised(limits: Limits, name: str, to: float | None = None) -> Limits:
    """`limits` with more of the bound called `name`; one that is not set stays so.

    Args:
        to: the new bound; absent, half as much again, and at least one more of what is counted in whole numbers.

    Raises:
        ValueError: `to` is no finite number, or not above the bound there is.
    """
    bound = getattr(limits, name)
    if to is None:
        if bound is None:
            return limits
        counted = name not in ("money", "seconds")
        more = max(bound + 1, bound * 3 // 2) if counted else bound * 1.5 or 1.0
        return msgspec.structs.replace(limits, **{name: more})
    if not math.isfinite(to):
        raise ValueError("it has to be a number")
    value = to if name in ("money", "seconds") else int(to)
    if bound is not None and value <= bound:
        raise ValueError(f"it has to be more than {bound:g}")
    return msgspec.structs.replace(limits, **{name: value})
