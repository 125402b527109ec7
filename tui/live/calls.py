"""Which worker calls are listed, and in which order: the view that the workers pane draws.

A view is brought up to date when it is looked at. Ordering a long list takes time, so while calls come and go it is
done only so often that it takes a small part of the time; a person's own choice is obeyed at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from distill_core.state import SessionState, WorkerCall

Filter: TypeAlias = Literal["all", "running", "done", "failed", "cached", "changed"]
Order: TypeAlias = Literal["call", "time", "tokens", "state"]

FILTERS: tuple[Filter, ...] = ("all", "running", "done", "failed", "cached", "changed")
ORDERS: tuple[Order, ...] = ("call", "time", "tokens", "state")

_KEEPS: dict[Filter, Callable[[WorkerCall], bool]] = {
    "all": lambda _: True,
    "running": lambda call: call.phase == "running",
    "done": lambda call: call.phase == "done",
    "failed": lambda call: call.phase == "failed",
    "cached": lambda call: call.cached,
    "changed": lambda call: call.override is not None,
}
_RANK = {"failed": 0, "running": 1, "done": 2}
_KEYS: dict[Order, Callable[[WorkerCall], Any]] = {
    "time": lambda call: -call.elapsed,
    "tokens": lambda call: -call.usage.total_tokens,
    "state": lambda call: _RANK[call.phase],
}


class Listed(Protocol):
    """Ids in order."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> str: ...

    def __iter__(self) -> Iterator[str]: ...


SHARE = 20
"""Ordering may take one part in so many of the time."""


C = TypeVar("C")


def after(choices: Sequence[C], now: C) -> C:
    """The choice that follows, the first after the last."""
    return choices[(choices.index(now) + 1) % len(choices)]


class CallView:
    """The calls that pass a filter, in an order.

    Args:
        clock: seconds; stands in for the time.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.filter: Filter = "all"
        self.order: Order = "call"
        self._clock = clock
        self._ids: list[str] = []
        self._seen = -1
        self._not_before = 0.0

    @property
    def whole(self) -> bool:
        """Every call in the order made: then nothing has to be listed."""
        return self.filter == "all" and self.order == "call"

    def choose(self, *, filter: Filter | None = None, order: Order | None = None) -> None:
        """List other calls, or in another order."""
        self.filter = filter or self.filter
        self.order = order or self.order
        self._seen, self._not_before = -1, 0.0

    def is_behind(self, state: SessionState) -> bool:
        """Whether something has happened since the calls were listed."""
        return not self.whole and state.seq != self._seen

    def ids(self, state: SessionState) -> Listed:
        """The calls to show."""
        if self.whole:
            return state.call_order
        now = self._clock()
        if state.seq != self._seen and now >= self._not_before:
            self._ids = _listed(state, self.filter, self.order)
            self._seen = state.seq
            took = self._clock() - now
            self._not_before = now + took * SHARE
        return self._ids


def _listed(state: SessionState, filter: Filter, order: Order) -> list[str]:
    keeps, calls = _KEEPS[filter], state.calls
    found = [call for call_id in state.call_order if keeps(call := calls[call_id])]
    if order != "call":
        found.sort(key=_KEYS[order])
    return [call.call_id for call in found]
