"""A session that died and goes on: candidates and further questions on record are gone through as they were."""

import pytest

from distill_core import events as ev
from distill_core.approval import AutoApprover, Decision
from distill_core.continuing import Earlier
from distill_core.reading import read_session
from distill_core.record import record_of
from distill_core.session import Session
from distill_core.specification import SessionSpec
from sessions.verify import verify
from tests.distill_core.test_session import Decider, block, go
from tests.fakes.models import Scripted, echo

APPROVE = Decision(action="approve", by="me")


async def go_on(folder, until: type[ev.Stamped], *replies: str, number: int = 1) -> Session:
    """Cut the log after event `number` of a kind, as if the program had died there, and go on."""
    events = read_session(folder).events
    last = [event for event in events if isinstance(event, until)][number - 1].seq
    for path in folder.glob("*.jsonl"):
        lines = [line for line in path.read_bytes().splitlines(True) if ev.decode(line).seq <= last]
        path.write_bytes(b"".join(lines))
    record = record_of(event for event in events if event.seq <= last)
    session = Session(
        SessionSpec(query="what?", context="a long document", log_dir=folder),
        supervisor=Scripted(*replies),
        worker=echo(),
        approver=Decider(),
        earlier=Earlier(record=record),
    )
    await session.run()
    return session


@pytest.mark.parametrize("until", [ev.CellStarted, ev.DecisionMade])
async def test_the_chosen_candidate_is_chosen_again(tmp_path, until):
    approver = Decider(
        Decision(action="regenerate", by="me", more=2), Decision(action="approve", by="me", chosen="s2")
    )
    replies = [block("x = 1"), block("x = 2"), block("x = 3"), block("FINAL(x)")]
    await go(*replies, approver=approver, log_dir=tmp_path / "s")
    await go_on(tmp_path / "s", until, block("FINAL(x)"), number=1 if until is ev.CellStarted else 2)
    verdict = verify(tmp_path / "s")
    assert verdict.problems == ()
    assert verdict.state.finished.answer.value == 2
    assert [d.chosen for d in verdict.state.steps[0].decisions] == [None, "s2"]


async def test_what_the_budget_refused_is_not_asked_for_again(tmp_path):
    from distill_core.models.base import LMResponse, Usage

    replies = [LMResponse(block(f"FINAL({n})"), Usage(prompt_tokens=1500, calls=1)) for n in range(5)]
    approver = Decider(Decision(action="regenerate", by="me", more=4))
    await go(*replies, approver=approver, limits=ev.Limits(tokens=4000), log_dir=tmp_path / "s")
    await go_on(tmp_path / "s", ev.CellStarted)
    state = verify(tmp_path / "s").state
    assert state.finished.answer.value == 0
    assert len(state.replies) == 2


async def test_a_further_question_is_worked_on_again(tmp_path):
    approver = Decider(APPROVE, Decision(action="follow_up", by="me", guidance="and why?"))
    replies = [block("n = 1\nFINAL(query)"), block("print(query)"), block("FINAL(f'{query} {n}')")]
    await go(*replies, approver=approver, log_dir=tmp_path / "s")
    await go_on(tmp_path / "s", ev.CellFinished, block("FINAL(f'{query} {n}')"), number=2)
    verdict = verify(tmp_path / "s")
    assert verdict.problems == ()
    assert [q.answer.text for q in verdict.state.questions] == ["what?", "and why? 1"]


@pytest.mark.parametrize("number", [1, 2])
async def test_a_refused_worker_call_leaves_one_turn_also_in_a_session_that_goes_on(tmp_path, number):
    asking = block("print(worker_batch(['a', 'b', 'c'])[0])")
    replies = [asking, block("print('no answer')"), block("FINAL('never asked')")]
    limits = ev.Limits(worker_calls=1)
    await go(*replies, approver=AutoApprover(), limits=limits, log_dir=tmp_path / "s")
    await go_on(tmp_path / "s", ev.CellFinished, *replies[number:], number=number)
    finished = verify(tmp_path / "s").state.finished
    assert (finished.status, finished.partial, finished.iterations) == ("budget", True, 2)
