"""A past session played on the screen of a live one: which of its moments is shown, and the way to another.

Forwards, the model takes the events between; backwards, it is put back to a copy of itself from before the moment and
takes what is missing. So every pane shows that moment and knows nothing of its being past.

What was thought of the session is none of what happened in it: judgements are no moments, and stand in `whole` alone.
"""

from __future__ import annotations

import copy
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

from distill_core import events as ev
from distill_core.plurals import count
from distill_core.state import SessionState, fold
from tui.headless.progress import told
from tui.lines import Line, Span
from tui.live import decision
from tui.live.model import LiveModel

Fork: TypeAlias = tuple[str, ...]
"""The arguments of `distill-tui fork` by which a person wants to go on from a past session."""

LONGEST = 2.0
"""Seconds that nothing happens at normal speed, at most: nobody watches a model think twice."""

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
COPY_EVERY = 1000
"""Events between two copies of the model to go back to."""

_DETAILS = frozenset(
    {
        ev.MessageAdded,
        ev.CellOutput,
        ev.PrimitiveCalled,
        ev.WorkerCallStarted,
        ev.WorkerCallReturned,
        ev.WorkerCallFailed,
        ev.WorkerCallRefused,
    }
)
"""What comes in crowds: a run of them is one moment."""


class Playback:
    """Where a past session stands on the screen.

    Args:
        events: all of it, in order.
        begin: the moment to begin with, as a number of events; the last if not given.

    Attributes:
        events: what happened, in order: all but judgements.
        fork: what the person wants on leaving, as arguments of `distill-tui fork`; None where nothing.
    """

    def __init__(self, events: Sequence[ev.Event], begin: int | None = None) -> None:
        self.events, self._judged = _parted(events)
        self.at = 0
        self.fork: Fork | None = None
        self.playing = False
        self.speed = 1.0
        self._begin = len(self.events) if begin is None else begin
        self._copies: dict[int, dict[str, Any]] = {}
        self._moments = _moments(self.events)
        self._steps = _steps(self.events)
        self._clock = 0.0

    @cached_property
    def whole(self) -> SessionState:
        """The state at the end with every judgement, whichever moment is shown."""
        return fold(sorted((*self.events, *self._judged), key=lambda event: event.seq))

    @cached_property
    def _due(self) -> list[float]:
        """When each event is shown, in seconds of playing."""
        return _due(self.events)

    # ------------------------------------------------------------ going

    def open(self, model: LiveModel) -> None:
        """Show the moment to begin with."""
        self._forward(model, self._begin)

    def show(self, model: LiveModel, at: int) -> None:
        """Show the moment after `at` events."""
        at = max(1, min(at, len(self.events)))
        if at < self.at:
            self._back(model, at)
        self._forward(model, at)

    def move(self, model: LiveModel, by: int) -> None:
        """Go on (`by` 1) or back (-1) by a moment."""
        moments = self._moments
        place = bisect_right(moments, self.at) if by > 0 else bisect_left(moments, self.at) - 1
        self.show(model, moments[max(0, min(place, len(moments) - 1))])

    def step(self, model: LiveModel, by: int) -> None:
        """Go on or back to the end of a step."""
        ends = self._steps
        place = bisect_right(ends, self.at) if by > 0 else bisect_left(ends, self.at) - 1
        self.show(model, ends[max(0, min(place, len(ends) - 1))])

    def jump(self, model: LiveModel, step: int) -> bool:
        """Show the end of step number `step`; False if there is none."""
        if not 0 <= step < len(self._steps):
            return False
        self.show(model, self._steps[step])
        return True

    def toggle(self, model: LiveModel) -> None:
        """Play, or hold; at the end, play from the beginning."""
        if not self.playing and self.at >= len(self.events):
            self.show(model, 1)
        self.playing = not self.playing
        self._clock = self._due[self.at - 1] if self.at else 0.0

    def change_speed(self, by: int) -> None:
        """Faster or slower by one of `SPEEDS`."""
        place = SPEEDS.index(self.speed) + by
        self.speed = SPEEDS[max(0, min(place, len(SPEEDS) - 1))]

    def tick(self, model: LiveModel, seconds: float) -> bool:
        """Play for `seconds` of the person's time; whether anything happened."""
        if not self.playing:
            return False
        self._clock += seconds * self.speed
        target = bisect_right(self._due, self._clock)
        moved = target > self.at
        self._forward(model, target)
        if self.at >= len(self.events):
            self.playing = False
            return True
        return moved

    def _forward(self, model: LiveModel, at: int) -> None:
        far = at - self.at > 2 * COPY_EVERY
        while self.at < at:
            if self.at % COPY_EVERY == 0 and self.at not in self._copies:
                self._copies[self.at] = {name: copy.copy(value) for name, value in vars(model).items()}
            if far and self.at % COPY_EVERY == 0 and at - self.at >= COPY_EVERY:
                model.take_past(self.events[self.at : self.at + COPY_EVERY])
                self.at += COPY_EVERY
                continue
            model.take(self.events[self.at])
            self.at += 1
        judged = self._judged
        if self.at == len(self.events) and (not judged or judged[0].seq > self.events[-1].seq):
            # The same as folding it all again, which takes long.
            self.__dict__.setdefault("whole", fold(judged, model.state))
        if far:
            model.begin_anew(model.changes())

    def _back(self, model: LiveModel, at: int) -> None:
        place = max(copied for copied in self._copies if copied <= at)
        changes = model.changes()
        vars(model).update({name: copy.copy(value) for name, value in self._copies[place].items()})
        self.at = place
        model.begin_anew(changes)

    # ------------------------------------------------------------ telling

    @property
    def session_id(self) -> str:
        """The session's id; empty where it has no beginning."""
        first = self.events[0] if self.events else None
        return first.session_id if isinstance(first, ev.SessionStarted) else ""

    @property
    def step_shown(self) -> int:
        """The step that the moment belongs to, from 1."""
        return max(1, next((n for n, end in enumerate(self._steps) if end >= self.at), self.steps))

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return len(self._steps) - 1

    @property
    def now(self) -> datetime:
        """When the moment was."""
        return self.events[self.at - 1].timestamp if self.at else ev.EPOCH

    def happened(self, model: LiveModel) -> list[Line]:
        """What happened at the moment; at the end, what came of it all."""
        if model.state.finished is not None or not self.at:
            return decision.lines(model)
        event = self.events[self.at - 1]
        words = told(event, model.state) or str(type(event).__struct_config__.tag).replace("_", " ")
        return [((f"{event.timestamp:%H:%M:%S} ", "muted"), (words, "heading"))]

    def line(self, width: int) -> Line:
        """Where it stands, in a line: playing or not, how far, which moment, when."""
        state: Span = ("▶ playing", "active") if self.playing else ("‖ past", "muted")
        place = bisect_left(self._moments, self.at) + 1
        step = max((n for n, end in enumerate(self._steps) if end <= self.at), default=0)
        reached = f"{step} of {count(self.steps, 'step')}"
        told = f" moment {place:,} of {len(self._moments):,} · {reached} · {self.now:%Y-%m-%d %H:%M:%S}"
        speed = f" · {self.speed:g}×"
        room = max(8, width - len(told) - len(speed) - len(state[0]) - 4)
        done = round(room * self.at / max(1, len(self.events)))
        return (
            state,
            (speed, "muted"),
            ("  ", ""),
            ("━" * done, "active" if self.playing else ""),
            ("─" * (room - done), "rule"),
            (told, "muted"),
        )


def _parted(events: Sequence[ev.Event]) -> tuple[tuple[ev.Event, ...], tuple[ev.Event, ...]]:
    """What happened, and what was thought of it or taken back of that."""
    judged: dict[int, ev.Event] = {}
    for event in events:
        if isinstance(event, ev.Annotated) or (isinstance(event, ev.Retracted) and event.retracts in judged):
            judged[event.seq] = event
    return tuple(event for event in events if event.seq not in judged), tuple(judged.values())


def _moments(events: Sequence[ev.Event]) -> list[int]:
    """After how many events something is worth a look."""
    details = [type(event) in _DETAILS for event in events]
    found = [n for n, (one, next_one) in enumerate(pairwise([*details, False]), 1) if not (one and next_one)]
    return found or [0]


def _steps(events: Sequence[ev.Event]) -> list[int]:
    """After how many events each step is over; the first place is before the first step."""
    ends: list[int] = []
    for number, event in enumerate(events):
        while event.step > len(ends) and not isinstance(event, ev.Retracted):
            ends.append(number)
    return [*ends, len(events)] if events else [0]


def _due(events: Sequence[ev.Event]) -> list[float]:
    """Seconds from the beginning after which each event is shown, long silences shortened."""
    due: list[float] = []
    clock = 0.0
    for number, event in enumerate(events):
        if number:
            gap = (event.timestamp - events[number - 1].timestamp).total_seconds()
            clock += max(0.0, min(gap, LONGEST))
        due.append(clock)
    return due
