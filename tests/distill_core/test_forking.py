"""A fork has its parent's first steps and REPL state, and goes its own way from there. No model is asked twice."""

import asyncio

import msgspec
import pytest

from distill_core import events as ev
from distill_core.approval import AutoApprover, Decision
from distill_core.continuing import RebuildStopped
from distill_core.errors import ModelError
from distill_core.forking import ForkError, codes_of, fork
from distill_core.reading import read_session
from distill_core.record import record_of
from distill_core.respecifying import spec_of
from distill_core.session import Session
from distill_core.specification import SessionSpec
from distill_core.state import fold
from sessions.verify import verify
from tests.distill_core.test_session import Decider
from tests.fakes.models import Answering, Scripted, echo
from tests.fakes.recordings import DOCUMENT, block, going_on, record_in, recorded, write_log

REPLIES = (
    block("words = context.split()\nprint(len(words))"),
    "I forgot the code.",
    block("said = worker_batch(words[:2])\nprint(said)"),
    block("FINAL(said)"),
)


@pytest.fixture(scope="module")
async def parent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parent") / "s"
    edit = Decision(action="edit", by="me", codes=("words = context.split()\nprint('edited', len(words))",))
    await recorded(folder, Scripted(*REPLIES), echo(), Decider(edit))
    return folder


@pytest.fixture
def record(parent):
    return record_in(parent)


async def test_the_first_steps_are_copied_and_marked_and_the_rest_is_its_own(record, tmp_path):
    supervisor, worker = Scripted(block("print(said)\nFINAL(len(said))"), model="another"), echo()
    result = await going_on(tmp_path / "f", fork(record, 4, by="me"), supervisor, worker)
    assert (result.answer, result.supervisor_usage.calls, worker.prompts) == ("2", 1, [])
    events = read_session(tmp_path / "f").events
    state = fold(events)
    assert state.started.parent == ev.Parent(session_id=record.started.session_id, steps=3)
    assert state.started.session_id != record.started.session_id
    assert {e.step for e in events if e.copied} == {1, 2, 3}
    assert [s.copied for s in state.steps] == [True, True, True, False]
    assert not any(e.copied for e in events if e.step == 4)
    assert state.cells["c2"].text() == record.state.cells["c2"].text()
    assert state.calls["w1"].response == "W<alpha>"
    assert verify(tmp_path / "f").problems == ()
    assert [e.seq for e in events] == list(range(1, len(events) + 1))


async def test_the_supervisor_is_sent_the_parent_s_messages_exactly(record, tmp_path):
    supervisor = Scripted(block("FINAL(1)"))
    await going_on(tmp_path / "f", fork(record, 4), supervisor, echo())
    asked, before = supervisor.sent[0], record.state.prompt("s4")
    assert asked[:-1] == before[:-1]
    assert asked[-1]["content"] == before[-1]["content"].replace("1,998 worker calls", "2,000 worker calls")
    assert record_in(tmp_path / "f").state.prompt("s4") == asked


async def test_other_bounds_are_told_to_the_supervisor_and_kept(record, tmp_path):
    supervisor = Scripted(block("print(worker('x'))"))
    limits = ev.Limits(turns=4, worker_calls=0)
    result = await going_on(tmp_path / "f", fork(record, 4), supervisor, echo(), limits=limits)
    assert "turn 4 of 4" in supervisor.sent[0][-1]["content"]
    assert "0 worker calls" in supervisor.sent[0][-1]["content"]
    assert result.status == "exhausted"
    assert result.worker_usage.calls == 0


async def test_copied_steps_count_for_nothing_in_its_bounds(record, tmp_path):
    code = block("FINAL(worker_batch(['x', 'y']))")
    limits = ev.Limits(turns=9, worker_calls=2)
    result = await going_on(tmp_path / "f", fork(record, 4), Scripted(code), echo(), limits=limits)
    assert (result.answer, result.worker_usage.calls) == ('["W<x>", "W<y>"]', 2)
    assert record_in(tmp_path / "f").state.worker_usage.calls == 2


async def test_edited_code_runs_in_the_place_of_the_step_s_own(record, tmp_path):
    assert codes_of(record, 3) == ("said = worker_batch(words[:2])\nprint(said)",)
    codes = ("said = worker_batch(words)\nprint(said)",)
    worker, supervisor = echo(), Scripted(block("FINAL(len(said))"))
    result = await going_on(tmp_path / "f", fork(record, 3, codes=codes, by="me"), supervisor, worker)
    assert result.answer == "4"
    assert worker.prompts == ["alpha", "beta", "gamma", "delta"]
    state = record_in(tmp_path / "f").state
    assert state.started.parent.steps == 2
    made = state.steps[2].decisions[0]
    assert (made.action, made.by, made.after, made.copied) == ("edit", "me", codes, False)
    assert state.replies["s3"].text == REPLIES[2]
    assert [step.copied for step in state.steps] == [True, True, False, False]
    assert len(supervisor.sent) == 1
    assert codes[0] in supervisor.sent[0][-2]["content"]


async def test_an_edit_of_the_first_step_needs_nothing_rebuilt(record, tmp_path):
    result = await going_on(
        tmp_path / "f", fork(record, 1, codes=("FINAL('at once')",), by="me"), Scripted(), echo()
    )
    assert (result.answer, result.iterations) == ("at once", 1)
    assert not [e for e in read_session(tmp_path / "f").events if isinstance(e, ev.StateRebuilt)]


async def test_words_of_the_person_stand_in_front_of_the_step(record, tmp_path):
    supervisor = Scripted(block("FINAL(1)"))
    await going_on(
        tmp_path / "f", fork(record, 4, instruction="Count the vowels.", by="me"), supervisor, echo()
    )
    last = supervisor.sent[0][-1]["content"]
    assert last.index("says:\n\nCount the vowels.") < last.index("This is turn 4")
    events = read_session(tmp_path / "f").events
    assert [(e.step, e.text, e.by) for e in events if isinstance(e, ev.InstructionGiven)] == [
        (4, "Count the vowels.", "me")
    ]
    assert supervisor.sent[0] == fold(events).prompt("s4")


async def test_behind_an_answer_the_words_send_it_back(record, tmp_path):
    supervisor = Scripted(block("FINAL(said + ['better'])"))
    await going_on(tmp_path / "f", fork(record, 5, instruction="Only two?", by="me"), supervisor, echo())
    assert "did not accept it. They say:\n\nOnly two?" in supervisor.sent[0][-1]["content"]
    state = record_in(tmp_path / "f").state
    assert state.finished.answer.text == '["W<alpha>", "W<beta>", "better"]'
    assert [d.action for d in state.steps[3].decisions] == ["approve", "send_back"]
    assert [step.copied for step in state.steps] == [True, True, True, True, False]


async def test_a_step_whose_model_did_not_answer_is_drafted_anew(tmp_path):
    dead = Scripted(REPLIES[0], ModelError("m at 127.0.0.1:9 failed", found="cannot connect"))
    await recorded(tmp_path / "s", dead, echo(), Decider())
    failed = record_in(tmp_path / "s")
    assert (len(failed.state.steps), failed.state.finished.status) == (2, "failed")
    forked = fork(failed, 3, by="me")
    result = await going_on(tmp_path / "f", forked, Scripted(block("FINAL(words)")), echo())
    assert (result.status, result.iterations) == ("finished", 2)
    assert [s.copied for s in fold(read_session(tmp_path / "f").events).steps] == [True, False]


async def test_a_fork_of_a_fork_names_the_fork(record, tmp_path):
    await going_on(tmp_path / "f", fork(record, 4), Scripted(block("print(1)"), block("FINAL(1)")), echo())
    first = record_in(tmp_path / "f")
    await going_on(tmp_path / "g", fork(first, 5), Scripted(block("FINAL(said)")), echo())
    second = record_in(tmp_path / "g").state
    assert second.started.parent == ev.Parent(
        session_id=first.started.session_id, steps=4, family=record.started.session_id
    )
    assert second.finished.answer.text == '["W<alpha>", "W<beta>"]'


async def test_judgements_bounds_and_policies_stay_with_the_parent(parent, tmp_path):
    events = list(read_session(parent).events)
    extra = [
        ev.Annotated(step=1, annotation_id="a1", target=ev.Target(kind="step", id="1"), by="me", rating=3),
        ev.PolicyChanged(step=1, policy="auto", by="me"),
        ev.BudgetChanged(step=1, before=ev.Limits(), after=ev.Limits(turns=99), by="me"),
    ]
    extra.append(ev.Retracted(step=1, retracts=len(events) + 1, by="me"))
    events += [msgspec.structs.replace(e, seq=len(events) + i) for i, e in enumerate(extra, 1)]
    await going_on(tmp_path / "f", fork(record_of(events), 4), Scripted(block("FINAL(1)")), echo())
    kinds = {type(e) for e in read_session(tmp_path / "f").events}
    assert not kinds & {ev.Annotated, ev.PolicyChanged, ev.BudgetChanged, ev.Retracted}


async def test_what_a_person_had_said_for_a_worker_is_what_the_code_gets_again(parent, tmp_path):
    events = list(read_session(parent).events)
    place = next(i for i, e in enumerate(events) if isinstance(e, ev.CellFinished) and e.cell_id == "c2")
    events.insert(
        place, ev.WorkerCallOverridden(step=3, call_id="w1", response="MINE", by="me", reached_cell=True)
    )
    changed = [
        msgspec.structs.replace(e, text=e.text.replace("W<alpha>", "MINE"))
        if isinstance(e, ev.CellOutput)
        else e
        for e in events
    ]
    record = record_of(msgspec.structs.replace(e, seq=i) for i, e in enumerate(changed, 1))
    result = await going_on(tmp_path / "f", fork(record, 4), Scripted(block("FINAL(said)")), echo())
    assert result.answer == '["MINE", "W<beta>"]'


# ---------------------------------------------------------------- divergence


@pytest.fixture
async def clock(tmp_path):
    """A session whose second step prints the time."""
    replies = [
        block("x = 1\nprint(x)"),
        block("import time\nt = time.time_ns()\nprint(t)"),
        block("FINAL(t)"),
    ]
    await recorded(tmp_path / "clock", Scripted(*replies), echo())
    return record_in(tmp_path / "clock")


async def test_where_a_cell_prints_something_else_it_stops_and_leaves_nothing(clock, tmp_path):
    with pytest.raises(RebuildStopped) as caught:
        await going_on(tmp_path / "f", fork(clock, 3), Scripted(), echo())
    difference = caught.value.rerun.differences[0]
    assert (difference.step, difference.cell_id, difference.kind) == (2, "c2", "output")
    assert difference.recorded != difference.found
    assert difference.recorded.strip().isdigit()
    assert not (tmp_path / "f").exists()


async def test_the_person_may_go_on_all_the_same_and_that_is_on_record(clock, tmp_path):
    seen = []

    async def all_right(rerun):
        seen.append(rerun.cell.cell_id)
        return True

    result = await going_on(
        tmp_path / "f", fork(clock, 3, go_on=all_right), Scripted(block("FINAL(x)")), echo()
    )
    assert (result.answer, seen) == ("1", ["c2"])
    rebuilt = next(e for e in read_session(tmp_path / "f").events if isinstance(e, ev.StateRebuilt))
    assert rebuilt.diverged[0].startswith("step 2, cell c2: it prints something else: recorded '")


async def test_or_go_on_from_that_step_with_what_it_prints_now(clock, tmp_path):
    supervisor = Scripted(block("FINAL(t)"))
    result = await going_on(tmp_path / "f", fork(clock, 2, at="decision"), supervisor, echo())
    state = record_in(tmp_path / "f").state
    assert state.cells["c2"].text().strip() == result.answer
    assert result.answer in supervisor.sent[0][-1]["content"]
    assert state.started.parent.steps == 1
    assert len(state.steps[1].decisions) == 1


async def test_a_prompt_that_is_not_on_record_is_not_asked(tmp_path):
    replies = [block("import os\nprint(worker(str(os.getpid())))"), block("FINAL(1)")]
    await recorded(tmp_path / "a", Scripted(*replies), Answering(lambda _: "yes"))
    record, worker = record_in(tmp_path / "a"), echo()
    with pytest.raises(RebuildStopped) as caught:
        await going_on(tmp_path / "f", fork(record, 2), Scripted(), worker)
    difference = caught.value.rerun.differences[0]
    assert (difference.kind, difference.recorded.isdigit(), difference.found.isdigit()) == (
        "prompt",
        True,
        True,
    )
    assert worker.prompts == []


# ---------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("step", "more", "words"),
    [
        (0, {}, "no step 0"),
        (6, {}, "no step 6 to fork at: 4 steps"),
        (2, {"codes": ("1",)}, "step 2 has no code to edit"),
        (3, {"codes": ("1",), "instruction": "x"}, "exclude one another"),
    ],
)
def test_a_fork_that_makes_no_sense_is_refused(record, step, more, words):
    with pytest.raises(ForkError, match=words):
        fork(record, step, **more)


async def test_a_resumed_session_can_be_forked(parent, tmp_path):
    from distill_core.resuming import resume

    events = read_session(parent).events
    last = next(i for i, e in enumerate(events, 1) if isinstance(e, ev.WorkerCallStarted))
    folder = write_log(tmp_path / "died", events[:last])
    await going_on(folder, resume(read_session(folder)), Scripted(REPLIES[3]), echo())
    result = await going_on(
        tmp_path / "f", fork(record_in(folder), 4), Scripted(block("FINAL(said)")), echo()
    )
    assert result.answer == '["W<alpha>", "W<beta>"]'
    kept = read_session(tmp_path / "f").events
    assert not [e for e in kept if isinstance(e, ev.WorkerCallFailed | ev.SessionResumed)]


# ---------------------------------------------------------------- of a session that still runs


class Forking:
    """An approver that forks the session when its step 3 waits, and lets the fork run before it goes on."""

    def __init__(self, folder, supervisor, worker, isolation):
        self.session = None
        self.result = None
        self._folder, self._models, self._isolation = folder, (supervisor, worker), isolation

    async def decide(self, proposal):
        if proposal.step == 3 and self.result is None:
            record = record_in(self.session.folder)
            earlier = fork(record, 3, codes=("box.append('fork')\nFINAL(box)",), branch=self.session.branch)
            supervisor, worker = self._models
            child = Session(
                spec_of(record, DOCUMENT, log_dir=self._folder, isolation=self._isolation),
                supervisor=supervisor,
                worker=worker,
                approver=AutoApprover(),
                earlier=earlier,
            )
            self.result = await child.run()
        action = "accept" if proposal.proposal_id.startswith("final:") else "approve"
        return Decision(action=action, by="me")


async def test_a_fork_of_a_running_session_takes_its_variables_from_a_checkpoint(tmp_path):
    worker = echo()
    approver = Forking(tmp_path / "f", Scripted(), worker, "auto")
    replies = [
        block("import time\nbox = [time.time_ns()]"),
        block("box.append(worker('x'))"),
        block("FINAL(box)"),
    ]
    session = Session(
        SessionSpec(query="what?", context=DOCUMENT, log_dir=tmp_path / "p"),
        supervisor=Scripted(*replies),
        worker=worker,
        approver=approver,
    )
    approver.session = session
    result = await session.run()
    parent, child = result.answer[1:-1].split(", "), approver.result.answer[1:-1].split(", ")
    assert child == [*parent, '"fork"'], "the very objects, and no mark on the parent"
    assert worker.prompts == ["x"]
    rebuilt = [e for e in read_session(tmp_path / "f").events if isinstance(e, ev.StateRebuilt)]
    assert [(r.way, r.cells) for r in rebuilt] == [("checkpoint", 2)]
    assert verify(tmp_path / "f").problems == ()


class LeftBehind(Forking):
    """Forks the session when its step 3 waits, and goes on with it to its end while the fork waits in the midst."""

    task = None

    async def decide(self, proposal):
        if proposal.step == 3 and self.task is None:
            began = asyncio.Event()
            self.task = asyncio.create_task(self._fork(began))
            await began.wait()
        action = "accept" if proposal.proposal_id.startswith("final:") else "approve"
        return Decision(action=action, by="me")

    async def _fork(self, began):
        record = record_in(self.session.folder)
        earlier = fork(record, 3, codes=("box.append(1)",), branch=self.session.branch)
        supervisor, worker = self._models
        parent = self.session

        class Waiting:
            async def decide(self, proposal):
                if proposal.step == 4:
                    began.set()
                    while not any(
                        isinstance(e, ev.SessionFinished) for e in read_session(parent.folder).events
                    ):
                        await asyncio.sleep(0.01)
                return await AutoApprover().decide(proposal)

        child = Session(
            spec_of(record, DOCUMENT, log_dir=self._folder, isolation=self._isolation),
            supervisor=supervisor,
            worker=worker,
            approver=Waiting(),
            earlier=earlier,
        )
        with self.session.forked.used():
            self.result = await child.run()


async def test_a_fork_keeps_its_variables_when_the_session_it_forked_ends_first(tmp_path):
    approver = LeftBehind(tmp_path / "f", Scripted(block("FINAL(box)")), echo(), "auto")
    session = Session(
        SessionSpec(query="what?", context=DOCUMENT, log_dir=tmp_path / "p"),
        supervisor=Scripted(block("box = [7]"), block("x = 1"), block("FINAL('parent')")),
        worker=echo(),
        approver=approver,
    )
    approver.session = session
    result = await session.run()
    await approver.task
    assert (result.answer, approver.result.answer) == ("parent", "[7, 1]")
