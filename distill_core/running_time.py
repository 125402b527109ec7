"""How long a session has run: from its first event on, without the time in which no program ran it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from distill_core import events as ev


class RunningTime(msgspec.Struct):
    """The time of a session, kept as its events come.

    Between a program's death (or the session's end) and the next start it does not run, and judgements, which may come
    at any time afterwards, do not make it run.

    Attributes:
        began: its first event.
        last: the last thing that it did.
        idle: seconds between the two in which it did not run.
    """

    began: datetime | None = None
    last: datetime | None = None
    idle: float = 0.0

    def take(self, event: ev.Event) -> None:
        """Take the next event."""
        kind, at = type(event), event.timestamp
        if kind is ev.Annotated or kind is ev.Retracted:
            return
        if kind is ev.SessionResumed and self.last is not None:
            self.idle += max(0.0, (at - self.last).total_seconds())
        if self.began is None:
            self.began = at
        self.last = at

    def take_all(self, events: Sequence[ev.Event]) -> None:
        """Take the next events at once: only the first, the last and those beside a gap matter."""
        gaps = [place for place, event in enumerate(events) if type(event) is ev.SessionResumed]
        if events and self.began is None:
            self.take(events[0])
        for place in gaps:
            self._take_last(events[:place])
            self.take(events[place])
        self._take_last(events)

    def _take_last(self, events: Sequence[ev.Event]) -> None:
        """Take the last of `events` that is no judgement, unless that is what begins it anew."""
        for event in reversed(events):
            if type(event) is not ev.Annotated and type(event) is not ev.Retracted:
                if type(event) is not ev.SessionResumed:
                    self.take(event)
                return

    def seconds(self, now: datetime | None = None) -> float:
        """Seconds that it has run, until `now`; default: until the last thing that it did."""
        until = now or self.last
        if self.began is None or until is None:
            return 0.0
        return max(0.0, (until - self.began).total_seconds() - self.idle)


def running_time(events: Iterable[ev.Event]) -> RunningTime:
    """The time of a session after `events`."""
    time = RunningTime()
    for event in events:
        time.take(event)
    return time
