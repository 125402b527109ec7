"""How fast worker calls come back, and what that says of those that are still to come."""

from __future__ import annotations

from datetime import datetime

import msgspec

from distill_core import events as ev

LEAST_CALLS = 3
LEAST_SECONDS = 2.0
"""Fewer calls, or a shorter time, say nothing: those that were sent together come back together."""


class Pace(msgspec.Struct):
    """The pace of one cell's calls, from its first one on. Kept replies, which take no time, do not count.

    Attributes:
        cell: the cell.
        since: when its first call was made.
        last: when a call came back last.
        ended: how many have.
    """

    cell: str = ""
    since: datetime | None = None
    last: datetime | None = None
    ended: int = 0

    def start(self, call: ev.WorkerCallStarted) -> None:
        """A call was made; that of another cell begins anew."""
        if call.cell_id != self.cell or self.since is None:
            self.cell, self.since, self.last, self.ended = call.cell_id, call.timestamp, None, 0

    def end(self, call: ev.WorkerCallReturned | ev.WorkerCallFailed) -> None:
        """A call came back, or to nothing."""
        if call.copied or (isinstance(call, ev.WorkerCallReturned) and call.cached):
            return
        self.ended += 1
        self.last = call.timestamp

    @property
    def rate(self) -> float | None:
        """Calls a second until the last one came back; None where that is too little to tell."""
        if self.since is None or self.last is None or self.ended < LEAST_CALLS:
            return None
        took = (self.last - self.since).total_seconds()
        return self.ended / took if took >= LEAST_SECONDS else None

    def left(self, calls: int, now: datetime) -> float | None:
        """Seconds until `calls` more have come back at this pace; None where it cannot be told, or they are late."""
        rate = self.rate
        if not calls or rate is None or self.last is None:
            return None
        left = calls / rate - (now - self.last).total_seconds()
        return left if left >= 1 else None
