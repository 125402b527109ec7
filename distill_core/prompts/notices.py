"""Where the supervisor stands: the turn, what is left to spend, and how urgent an answer is."""

from __future__ import annotations

from collections.abc import Mapping

NEAR_END = 3
"""From this many turns left, the current one included, the notice asks for an answer."""

REQUEST = "Reply with Python code in a fenced block."
"""The last words before the model's turn: small models otherwise go on with what they read."""

_BUDGETS: tuple[tuple[str, str], ...] = (
    ("worker_calls", "{:,.0f} worker calls"),
    ("tokens", "{:,.0f} tokens"),
    ("money", "${:,.2f}"),
    ("seconds", "{:,.0f} seconds"),
)


def turn_notice(turn: int, turns: int | None, remaining: Mapping[str, float | None] | None = None) -> str:
    """The line that ends each message to the supervisor, more urgent towards the end.

    Args:
        turn: this turn, from 1.
        turns: how many there are; None if they are not limited.
        remaining: what is left of each bounded budget, by its name in `Limits` (money in US dollars, seconds
            of wall time); None or absent is unbounded.
    """
    place = f"This is turn {turn}." if turns is None else f"This is turn {turn} of {turns}."
    parts = [place, budget_line(remaining or {}), _urgency(turn, turns, remaining or {}), REQUEST]
    return " ".join(part for part in parts if part)


def budget_line(remaining: Mapping[str, float | None]) -> str:
    """What is left, as one sentence; "" if nothing is bounded."""
    known = [(remaining.get(name), words) for name, words in _BUDGETS]
    left = [words.format(max(value, 0)) for value, words in known if value is not None]
    return f"Budget left: {', '.join(left)}." if left else ""


def _urgency(turn: int, turns: int | None, remaining: Mapping[str, float | None]) -> str:
    left = None if turns is None else turns - turn + 1
    if left is not None and left <= 1:
        return (
            "It is the last turn: nothing after it is read. Reply with one code block that calls FINAL with "
            "the best answer you have, even if it is incomplete; say in the answer what is uncertain."
        )
    if left is not None and left <= NEAR_END:
        return (
            f"Only {left} turns are left, this one included. Stop exploring: settle the answer, print it, "
            "and call FINAL now or in the next block."
        )
    if any(value is not None and value <= 0 for value in remaining.values()):
        return "A budget is used up. Answer with FINAL from what you have."
    if left is not None and turns is not None and left <= turns // 2:
        return "More than half of the turns are used: work towards an answer."
    return ""
