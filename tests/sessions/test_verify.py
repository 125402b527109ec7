"""Whether a folder is whole is told truly, also after the program was killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from distill_core import events as ev
from distill_core.errors import LogError
from distill_core.models.base import Usage
from distill_core.reading import read_session
from distill_core.runner import run
from distill_core.state import fold
from sessions.agreeing import disagreements
from sessions.judging.pointing import astray
from sessions.verify import verify
from tests.fakes.models import Scripted, echo
from tests.sessions.stories import opening

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    code = "```repl\nprint(worker('x'))\n```"
    return run("q", "text", Scripted(code, "```repl\nFINAL(1)\n```"), echo(), log_dir=tmp_path / "s").log_dir


def replace(path, old, new):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def test_a_whole_session_has_nothing_to_tell(folder):
    verdict = verify(folder)
    assert verdict.whole
    assert verdict.notes == ()
    assert verdict.events > 10


def test_a_changed_message_is_found(folder):
    replace(folder / "supervisor.jsonl", b"Python", b"Pascal")
    assert any("is not what it was" in str(p) for p in verify(folder).problems)


def test_a_changed_document_is_found(folder):
    next((folder / "documents").iterdir()).write_text("other")
    assert any("was changed" in str(p) for p in verify(folder).problems)


def test_a_lost_document_is_found(folder):
    next((folder / "documents").iterdir()).unlink()
    assert any("is not kept" in str(p) for p in verify(folder).problems)


def test_a_lost_line_is_found(folder):
    path = folder / "worker.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert not verify(folder).whole


def test_a_call_that_nothing_started_is_found(folder):
    replace(folder / "worker.jsonl", b'"call_id":"w1"', b'"call_id":"w9"')
    assert any("w1, which nothing before it mentions" in str(p) for p in verify(folder).problems)


def change(folder, stream, kind, **fields):
    """Put other `fields` into the first event of that kind."""
    path = folder / f"{stream}.jsonl"
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    next(line for line in lines if line["type"] == kind).update(fields)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


NOTHING = {"prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0, "reasoning_tokens": 0, "calls": 0}


@pytest.mark.parametrize(
    ("stream", "kind", "fields", "told"),
    [
        ("worker", "worker_call_started", {"cell_id": "c999"}, "cell c999, which nothing before it mentions"),
        ("worker", "worker_call_started", {"step": 77}, "is of step 77, and the session is at step 1"),
        ("worker", "worker_call_returned", {"step": 77}, "is of step 77, and the session is at step 1"),
        ("worker", "worker_call_returned", {"step": 2}, "ends call w1 of step 1 in step 2"),
        ("worker", "worker_call_returned", {"v": 99}, "is of schema 99"),
        ("worker", "worker_call_returned", {"v": 0}, "is of schema 0"),
        ("worker", "worker_call_returned", {"usage": {**NOTHING, "calls": -1}}, "has a usage below zero"),
        ("repl", "cell_proposed", {"call_id": "s9"}, "call s9, which nothing before it mentions"),
        ("human", "decision_made", {"proposal_id": "s9"}, "call s9, which nothing before it mentions"),
        ("human", "decision_made", {"proposal_id": "final:c9"}, "an answer of cell c9, which nothing"),
        ("human", "decision_made", {"chosen": "s9"}, "call s9, which nothing before it mentions"),
        ("supervisor", "session_finished", {"answer": {"value": "x", "text": "x"}}, "another answer than"),
        ("supervisor", "session_finished", {"worker_usage": NOTHING}, "other worker usage than its calls"),
        ("supervisor", "session_finished", {"supervisor_usage": NOTHING}, "other supervisor usage than"),
    ],
)
def test_what_contradicts_the_rest_is_found(folder, stream, kind, fields, told):
    change(folder, stream, kind, **fields)
    assert any(told in str(p) for p in verify(folder).problems), [str(p) for p in verify(folder).problems]


def of_a_cell(*events):
    """`events` behind a session's beginning and a cell that runs, numbered."""
    cell = {"step": 1, "cell_id": "c1"}
    call = {"step": 1, "call_id": "s1", "model": "big"}
    first = [
        opening("s"),
        ev.SupervisorCalled(**call, extends=None, message_ids=(), params={}),
        ev.SupervisorReplied(**call, text="well", usage=Usage(calls=1), elapsed=0.1),
        ev.CellProposed(**cell, call_id="s1", index=0, code="worker('x')"),
        ev.CellStarted(**cell, code="worker('x')"),
    ]
    return tuple(msgspec.structs.replace(e, seq=n) for n, e in enumerate((*first, *events), 1))


def agreeing(*events):
    """What is wrong with `events` behind a session's beginning and a cell that runs."""
    return [problem.what for problem in disagreements(of_a_cell(*events))]


def sent(call_id="w1", **fields):
    made = {"step": 1, "cell_id": "c1", "prompt": "x", "model": "small", "params": {}}
    return ev.WorkerCallStarted(**{**made, "call_id": call_id, **fields})


def returned(response, call_id="w1"):
    made = {"step": 1, "call_id": call_id, "model": "small", "elapsed": 0.1}
    return ev.WorkerCallReturned(**made, usage=Usage(calls=1), response=response)


def failed(call_id="w1"):
    made = {"step": 1, "call_id": call_id, "model": "small", "elapsed": 0.1}
    return ev.WorkerCallFailed(**made, usage=Usage(calls=1), error="lost")


def ended(status="exhausted", calls=0):
    made = {"step": 1, "status": status, "answer": None, "partial": True, "reason": "", "iterations": 1}
    used = {"supervisor_usage": Usage(calls=1), "worker_usage": Usage(calls=calls)}
    return ev.SessionFinished(**made, **used, cost=None, elapsed=1.0)


def resumed():
    made = {"program": "p", "python": "3", "supervisor": "big", "worker": "small", "isolation": "good"}
    return ev.SessionResumed(step=1, **made)


def cancelled(batch, *calls):
    return ev.WorkerCallsCancelled(step=1, cell_id="c1", batch_id=batch, call_ids=calls, unsent=0, by="me")


def test_a_call_that_never_ended_in_a_session_that_did_is_found():
    assert agreeing(sent(), ended()) == ["call w1 never ended, and the session did"]


@pytest.mark.parametrize(
    "events",
    [
        [sent()],
        [sent(), ended("stopped")],
        [sent(), failed(), ended(calls=1)],
        [sent(copied=True), ended()],
        [sent(), resumed(), failed(), sent("w2"), failed("w2"), ended(calls=1)],
        [sent(), resumed(), failed(), sent("w2"), resumed(), failed("w2"), ended(calls=1)],
        [sent(batch_id="b1"), cancelled("b1", "w1"), failed(), ended(calls=1)],
        [sent(), failed(), sent("w2", retry_of="w1", by="me"), failed("w2"), ended(calls=2)],
    ],
    ids=["killed", "stopped", "ended", "copied", "resumed", "resumed twice", "cancelled", "sent again"],
)
def test_calls_that_did_not_come_to_a_reply_are_no_damage(events):
    assert agreeing(*events) == []


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([sent(), sent("w2", retry_of="w7")], "speaks of call w7, which nothing before it mentions"),
        ([sent(), sent("w2", retry_of="w1", prompt="y")], "sends call w1 again with another prompt"),
        ([sent(batch_id="b1"), cancelled("b1", "w7")], "speaks of call w7, which nothing before it mentions"),
        ([sent(batch_id="b1"), cancelled("b2", "w1")], "cancels call w1 as one of batch b2"),
        (
            [ev.Retracted(step=0, retracts=99, by="me")],
            "speaks of event 99, which nothing before it mentions",
        ),
    ],
)
def test_references_between_calls_are_checked(events, told):
    assert agreeing(*events)[0].startswith(told)


def pointing(**target):
    """What is wrong with a judgement of `target`, in a session with a call, its reply, and an answer."""
    answered = ev.FinalProposed(step=1, cell_id="c1", answer=ev.Final(value="yes", text="yes"))
    judged = ev.Annotated(step=1, annotation_id="a", target=ev.Target(**target), by="ada", mark=1)
    events = of_a_cell(sent(), returned("four"), answered, judged)
    return [problem.what for problem in astray(events, fold(events))]


@pytest.mark.parametrize(
    "target",
    [
        {"kind": "session"},
        {"kind": "session", "id": "s"},
        {"kind": "answer"},
        {"kind": "answer", "field": "answer", "start": 0, "end": 3},
        {"kind": "step", "id": "1"},
        {"kind": "step"},
        {"kind": "step", "id": "s1", "field": "reply", "start": 0, "end": 4},
        {"kind": "cell", "id": "c1", "field": "code"},
        {"kind": "worker_call", "id": "w1", "field": "response", "start": 1, "end": 4},
    ],
)
def test_a_judgement_of_what_is_there_is_none_to_tell(target):
    assert pointing(**target) == []


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ({"kind": "session", "id": "other"}, "judges session other, which the session does not have"),
        ({"kind": "step", "id": "2"}, "judges step 2, which"),
        ({"kind": "step", "id": "s9"}, "judges step s9, which"),
        ({"kind": "cell", "id": "c9"}, "judges cell c9, which"),
        ({"kind": "worker_call", "id": "w9"}, "judges worker call w9, which"),
        ({"kind": "cell", "id": "c1", "field": "answer"}, "marks words of the answer of cell c1, which has"),
        (
            {"kind": "worker_call", "id": "w1", "field": "response", "start": 1, "end": 5},
            "marks characters 1 to 5 of the response of worker call w1, which has 4",
        ),
        (
            {"kind": "answer", "field": "answer", "start": 2, "end": 2},
            "marks characters 2 to 2 of the answer",
        ),
        ({"kind": "answer", "field": "answer", "start": 2}, "marks characters 2 to None of the answer"),
    ],
)
def test_a_judgement_of_what_is_not_there_is_told(target, told):
    assert pointing(**target)[0].startswith(told)


def test_a_session_that_never_finished_is_noted_not_blamed(folder):
    path = folder / "supervisor.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    verdict = verify(folder)
    assert verdict.whole
    assert "it never finished" in verdict.notes


def test_an_empty_folder_is_no_session(tmp_path):
    with pytest.raises(LogError, match="no session"):
        verify(tmp_path)


@pytest.fixture
def begin():
    """Begins a busy session in a program of its own; gives its process id."""
    command = [sys.executable, "-m", "tests.fakes.busy_session"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as beginner:

        def begun(folder, told):
            beginner.stdin.write(f"{folder} {told}\n")
            beginner.stdin.flush()
            return int(beginner.stdout.readline())

        yield begun
        beginner.stdin.close()


@pytest.mark.timeout(300)
def test_killed_at_fifty_random_moments_it_verifies_and_nothing_seen_is_missing(tmp_path, begin):
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    checked = 0
    for attempt in range(50):
        folder = tmp_path / str(attempt)
        told = tmp_path / f"{attempt}.told"
        told.touch()
        program = begin(folder, told)
        try:
            # Wait for its first event, so that the moment falls into the session and not into start-up.
            while told.stat().st_size == 0 and Path(f"/proc/{program}").exists():
                time.sleep(0.005)
            time.sleep(dice.uniform(0, 0.2))
        finally:
            os.kill(program, signal.SIGKILL)
            while Path(f"/proc/{program}").exists():
                time.sleep(0.001)
        verdict = verify(folder)
        assert verdict.whole, (seed, attempt, [str(p) for p in verdict.problems])
        seen = [int(line) for line in told.read_bytes().split(b"\n")[:-1]]
        kept = {e.seq for e in read_session(folder).events}
        assert set(seen) <= kept, (seed, attempt)
        checked += len(seen)
    assert checked > 1000
