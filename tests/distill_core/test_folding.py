"""A log folded at once comes to the same state as one folded event by event."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core import events as ev
from distill_core.folding import fold_whole
from distill_core.reading import read_session
from distill_core.state import EMPTY, apply, fold
from sessions.example_sessions import example_folders
from tests.sessions.export.inventing import sessions


def step_by_step(events):
    state = EMPTY
    for event in events:
        state = apply(state, event)
    return state


def both_tell_the_same(events):
    """The same state, or the same that is missing."""
    try:
        told = step_by_step(events)
    except KeyError as error:
        with pytest.raises(KeyError, match=str(error.args[0])):
            fold_whole(events)
    else:
        assert msgspec.structs.asdict(fold_whole(events)) == msgspec.structs.asdict(told)


@settings(deadline=None)
@given(sessions(), st.data())
def test_any_session_and_any_beginning_of_it(events, data):
    events = events[: data.draw(st.integers(0, len(events)))]
    assert fold_whole(events) == step_by_step(events)


@settings(deadline=None)
@given(sessions(), st.data())
def test_what_is_taken_back(events, data):
    judged = [e.seq for e in events if isinstance(e, ev.Annotated | ev.WorkerCallOverridden)]
    last = events[-1].seq
    for number in range(data.draw(st.integers(0, 3))):
        if not judged:
            break
        judged.append(last + number + 1)
        # Also itself, as a log from elsewhere might say.
        target = data.draw(st.sampled_from(judged))
        events = (*events, ev.Retracted(step=0, seq=judged[-1], retracts=target, by="ada"))
    assert fold_whole(events) == step_by_step(events)


@pytest.mark.parametrize("folder", example_folders(), ids=lambda folder: folder.name)
def test_the_example_sessions(folder):
    events = read_session(folder).events
    assert fold_whole(events) == step_by_step(events) == fold(events)


def test_every_event_that_changes_a_state_is_known():
    from distill_core.folding import _TAKE

    changing = {
        ev.CellInterrupted,
        ev.WorkerCallsCancelled,
        ev.SessionResumed,
        ev.PrimitiveCalled,
        ev.StateRebuilt,
        ev.WorkerCallRefused,
        ev.InstructionGiven,
    }
    assert set(_TAKE) == set(ev.STREAM) - changing


@settings(deadline=None)
@given(sessions(), st.data())
def test_what_speaks_of_something_that_is_missing_is_refused_alike(events, data):
    gone = data.draw(st.integers(1, len(events) - 1)) if len(events) > 1 else 0
    events = events[:gone] + events[gone + 1 :]
    both_tell_the_same(events)


@settings(deadline=None)
@given(sessions(), st.data())
def test_what_stands_before_the_first_step_is_refused_alike(events, data):
    at = data.draw(st.integers(0, len(events) - 1))
    events = (*events[:at], msgspec.structs.replace(events[at], step=0), *events[at + 1 :])
    both_tell_the_same(events)
