"""What no session can be made from, refused before anything is started or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from distill_core.errors import ConfigError
from distill_core.models.base import MOST_STEPS

if TYPE_CHECKING:
    from distill_core.specification import SessionSpec


_WHOLE = ("max_iterations", "output_limit", "worker_ctx_k", "the limit worker_calls", "the limit tokens")


def refuse(spec: SessionSpec) -> None:
    """Refuse `spec` where nothing could come of it.

    Raises:
        ConfigError: the question is no text, a number is out of range or none, or a primitive cannot be one.
    """
    if not isinstance(spec.query, str):
        raise ConfigError("the question is no text", found=type(spec.query).__name__, remedy="give a str")
    limits = msgspec.structs.asdict(spec.limits)
    numbers = [
        ("max_iterations", limits.pop("turns"), 1),
        ("output_limit", spec.output_limit, 1),
        ("worker_ctx_k", spec.worker_ctx_k, 1),
        *((f"the limit {name}", value, 0) for name, value in limits.items()),
    ]
    for name, value, least in numbers:
        # Written so that what is no number at all, as a measured NaN is not, is refused too.
        if value is None:
            continue
        whole = name in _WHOLE
        if not isinstance(value, int if whole else int | float) or isinstance(value, bool):
            kind = "a whole number" if whole else "a number"
            raise ConfigError(f"{name} is not {kind}", found=repr(value), remedy=f"give {kind}")
        if not value >= least:
            raise ConfigError(
                f"{name} is out of range", found=repr(value), remedy=f"allowed is {least} or more"
            )
    turns = spec.limits.turns
    if turns is not None and turns > MOST_STEPS:
        found, allowed = f"{turns:,}", f"allowed is {MOST_STEPS:,} or less"
        raise ConfigError("max_iterations is out of range", found=found, remedy=allowed)
    for name, function in spec.primitives.items():
        if name == "budget":
            raise ConfigError("a primitive cannot be called budget", remedy="give it another name")
        if not callable(function):
            raise ConfigError(
                f"the primitive {name} is no function",
                found=type(function).__name__,
                remedy="give something that can be called",
            )
