"""Which sessions have no end, whatever the last thing in their log looks like."""

from datetime import timedelta

import pytest

from distill_core import events as ev
from distill_core.models.base import Usage
from sessions.forking import unfinished
from tests.sessions.homes import invent


def end(answer):
    return ev.SessionFinished(
        step=0,
        status="finished",
        answer=ev.Final(value=answer, text=answer),
        partial=False,
        reason="accepted",
        iterations=0,
        supervisor_usage=Usage(),
        worker_usage=Usage(),
        cost=None,
        elapsed=1.0,
    )


def names(home):
    return [folder.name for folder in unfinished(home)]


@pytest.mark.parametrize("chars", [0, 1 << 16, 3 << 20])
def test_a_session_with_an_answer_of_any_length_has_ended(tmp_path, chars):
    invent(tmp_path, "open")
    invent(tmp_path, "over", end("a" * chars))
    assert names(tmp_path) == ["open"]


def test_an_end_that_is_torn_is_none(tmp_path):
    log = invent(tmp_path, "s", end("a")) / "supervisor.jsonl"
    log.write_bytes(log.read_bytes()[:-2])
    assert names(tmp_path) == ["s"]


def test_the_newest_is_the_one_that_began_last(tmp_path):
    for name, age in (("b", 3), ("a", 1), ("c", 2)):
        invent(tmp_path, name, clock=lambda age=age: ev.EPOCH + timedelta(days=100 - age))
    assert names(tmp_path) == ["a", "c", "b"]
