"""How long a session has run."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from distill_core import events as ev
from distill_core.running_time import RunningTime, running_time
from tests.fakes.scripted import START


def at(seconds: float, event: ev.Event) -> ev.Event:
    return msgspec.structs.replace(event, timestamp=START + timedelta(seconds=seconds))


RESUMED = ev.SessionResumed(step=1, program="p", python="3", supervisor="a", worker="b", isolation="strong")
JUDGED = ev.Annotated(step=1, annotation_id="a1", target=ev.Target(kind="session"), by="ada", rating=4)
CHANGED = ev.PolicyChanged(step=1, policy="auto", by="ada")
EVENTS = (
    at(0, CHANGED),
    at(40, CHANGED),
    at(5000, JUDGED),
    at(9000, RESUMED),
    at(9010, CHANGED),
    at(9015, JUDGED),
    at(9020, CHANGED),
    at(10_000, RESUMED),
    at(10_003, CHANGED),
    at(20_000, JUDGED),
)


def test_gaps_between_programs_and_later_judgements_are_no_time_of_the_session() -> None:
    time = running_time(EVENTS)
    assert time.seconds() == 40 + 20 + 3
    assert time.seconds(START + timedelta(seconds=10_010)) == 40 + 20 + 10


@pytest.mark.parametrize("cut", range(len(EVENTS) + 1))
def test_many_events_at_once_come_to_the_same(cut: int) -> None:
    time = RunningTime()
    time.take_all(EVENTS[:cut])
    time.take_all(EVENTS[cut:])
    assert time == running_time(EVENTS)
