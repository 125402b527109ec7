"""What a session has cost so far, by the prices that its record names."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from distill_core.budget import Prices
from distill_core.models.base import Usage
from distill_core.state import SessionState


def prices(state: SessionState) -> Mapping[str, Prices]:
    """Prices by role; none where the session was not told any."""
    if state.started is None:
        return {}
    try:
        return msgspec.convert(state.started.config.get("prices", {}), dict[str, Prices])
    except msgspec.ValidationError:
        return {}


def cost(known: Mapping[str, Prices], supervisor: Usage, worker: Usage) -> float | None:
    """US dollars; None where a role that was used has no price."""
    used = (("supervisor", supervisor), ("worker", worker))
    if not known or any(usage.total_tokens and role not in known for role, usage in used):
        return None
    return sum(known[role].cost(usage) for role, usage in used if role in known)
