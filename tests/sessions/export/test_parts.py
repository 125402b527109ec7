"""A format gets the parts of a session that it says it reads; what more there is makes no difference to its rows."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core.reading import read_session
from sessions.example_sessions import example_folders
from sessions.export.formats import all_formats
from sessions.export.rows import RULES
from sessions.export.trace import Part
from sessions.export.tracing import trace_of
from tests.sessions.export.inventing import sessions
from tests.sessions.export.tokens import options_for

ALL: tuple[Part, ...] = ("turns", "cells", "calls")
PARTLY = [one for one in all_formats() if set(one.reads) < set(ALL)]


def rows(made, events, reads, keep):
    options = msgspec.structs.replace(options_for(made.name), keep=frozenset(RULES if keep else ()))
    return list(made.rows(trace_of(events, reads=reads), options))


@pytest.mark.parametrize("made", PARTLY, ids=lambda made: made.name)
@settings(deadline=None, max_examples=15)
@given(events=sessions(), keep=st.booleans())
def test_rows_do_not_hang_on_what_is_not_read(made, events, keep):
    partly, whole = (rows(made, events, reads, keep) for reads in (made.reads, ALL))
    assert partly == whole


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("made", PARTLY, ids=lambda made: made.name)
def test_nor_do_those_of_the_example_sessions(made, keep):
    told = [read_session(folder).events for folder in example_folders()]
    partly, whole = ([rows(made, events, reads, keep) for events in told] for reads in (made.reads, ALL))
    assert partly == whole
    assert any(partly)


@settings(deadline=None, max_examples=40)
@given(sessions())
def test_cells_that_are_not_read_tell_nothing_but_how_they_ended(events):
    turns = trace_of(events, reads=("turns",)).turns
    for turn, told in zip(turns, trace_of(events).turns, strict=True):
        assert [cell.status for cell in turn.cells] == [cell.status for cell in told.cells]
        # A span of a judgement counts letters of them.
        if not any(made.target.start is not None for made in turn.judgements):
            assert not any(cell.code or cell.proposed or cell.output or cell.traceback for cell in turn.cells)
            assert turn.decision is None or not (turn.decision.before or turn.decision.after)
