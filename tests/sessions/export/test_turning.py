"""A session whose turns took the common course is traced from its events as it is from the fold."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core import events as ev
from distill_core.errors import ExportError
from sessions.export import tracing, turning
from sessions.export.trace import Trace
from tests.sessions.export.inventing import sessions

PARTS = st.sampled_from([("turns",), ("turns", "cells"), ("turns", "calls"), ("turns", "cells", "calls")])


def traced(events, reads, plainly=False):
    """The trace, or what is said of events that make none."""
    try:
        return tracing.trace_of(events, reads=reads, plainly=plainly)
    except ExportError as error:
        return str(error)


def from_the_fold(events, reads, plainly=False):
    """The same, as if no turn had taken the common course."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turning, "plain", lambda events, cells: None)
        return traced(events, reads, plainly)


@settings(deadline=None, max_examples=60)
@given(sessions(commonly=True), PARTS, st.booleans())
def test_common_turns_are_traced_as_the_fold_has_them(events, reads, plainly):
    assert turning.plain(events) is not None
    quick, slow = traced(events, reads, plainly), from_the_fold(events, reads, plainly)
    assert quick == slow
    assert repr(quick) == repr(slow)


@settings(deadline=None, max_examples=40)
@given(sessions(), PARTS)
def test_any_session_is_traced_as_the_fold_has_it(events, reads):
    assert repr(traced(events, reads)) == repr(from_the_fold(events, reads))


def changed(events, place, way):
    """The events with one of them damaged: gone, twice there, moved to the end, or of another step or thing."""
    one = events[place]
    others = [*events[:place], *events[place + 1 :]]
    if way == "gone":
        return others
    if way == "twice":
        return [*events[:place], one, *events[place:]]
    if way == "last":
        return [*others, one]
    if way == "step":
        return [*events[:place], msgspec.structs.replace(one, step=one.step + 1), *events[place + 1 :]]
    named = {name: "s1" for name in ("call_id", "cell_id", "proposal_id", "message_id") if hasattr(one, name)}
    return [*events[:place], msgspec.structs.replace(one, **named), *events[place + 1 :]]


@settings(deadline=None, max_examples=150)
@given(
    sessions(commonly=True),
    st.integers(1, 60),
    st.sampled_from(["gone", "twice", "last", "step", "named"]),
    PARTS,
)
def test_damaged_events_are_traced_or_refused_as_by_the_fold(events, place, way, reads):
    odd = changed(list(events), 1 + place % (len(events) - 1), way)
    assert repr(traced(odd, reads)) == repr(from_the_fold(odd, reads))


@settings(deadline=None, max_examples=20)
@given(sessions(commonly=True))
def test_a_judged_step_and_a_reply_without_code_are_for_the_fold(events):
    target = ev.Target(kind="step", id="1")
    judged = ev.Annotated(step=1, annotation_id="a", target=target, by="ada", mark=1)
    assert turning.plain([*events, judged]) is None
    asked = next(event for event in events if isinstance(event, ev.SupervisorCalled))
    assert (
        turning.plain([*events, ev.ReplyRejected(step=1, call_id=asked.call_id, problem="no code")]) is None
    )


def test_a_session_without_turns_has_none():
    made = turning.plain(())
    assert made is not None
    assert made.turns == ()
    assert isinstance(traced((), ("turns",)), str)
    assert not isinstance(traced((), ("turns",)), Trace)
