"""What goes wrong in a session costs that much and no more, and is on record."""

import asyncio
import sys
import threading

import msgspec
import pytest

from distill_core import events as ev
from distill_core.approval import AutoApprover, Decision, PersonApprover, PolicyApprover
from distill_core.errors import ConfigError, DistillError, DivergenceError, LogError, ModelError
from distill_core.models.base import LMResponse, ModelHandler
from distill_core.models.openai import OpenAIHandler
from distill_core.models.recorded import RecordedHandler
from distill_core.reading import read_session
from distill_core.recorder import FolderTaken, SessionLog
from distill_core.runner import arun, run
from distill_core.session import Session
from distill_core.signals import Notice
from distill_core.specification import SessionSpec
from distill_core.state import fold
from tests.distill_core.test_session import Decider, block, go
from tests.fakes.models import Answering, Scripted, echo
from tests.fakes.openai_server import Reply, serve
from tests.fakes.sinks import Kept


async def test_retries_cannot_overshoot_the_number_of_calls():
    with serve(lambda body: Reply(status=503, headers={"retry-after-ms": "1"}), key=None) as server:
        worker = OpenAIHandler("w", server.base_url)
        await arun(
            "q",
            "c",
            Scripted(block("worker_batch([str(i) for i in range(10)])"), block("FINAL(1)")),
            worker,
            limits=ev.Limits(worker_calls=10),
        )
        assert len(server.bodies) == 10
        await worker.aclose()


async def test_a_worker_that_diverges_ends_the_session(tmp_path):
    worker = RecordedHandler([([{"role": "user", "content": "recorded"}], LMResponse("r"))])
    code = block("try:\n    worker('something else')\nexcept Exception:\n    print('went on')")
    with pytest.raises(DivergenceError):
        await go(code, block("FINAL(1)"), worker=worker, log_dir=tmp_path / "s")
    state = fold(read_session(tmp_path / "s").events)
    assert state.finished.status == "diverged"


async def test_a_supervisor_that_diverges_leaves_a_finished_log(tmp_path):
    supervisor = RecordedHandler([([{"role": "user", "content": "recorded"}], LMResponse("r"))])
    with pytest.raises(DivergenceError):
        await arun("q", "c", supervisor, echo(), log_dir=tmp_path / "s")
    assert fold(read_session(tmp_path / "s").events).finished.status == "diverged"


async def test_an_approver_that_breaks_leaves_a_finished_log():
    class Broken:
        async def decide(self, proposal):
            raise RuntimeError("no such luck")

    kept = Kept()
    with pytest.raises(RuntimeError):
        await arun("q", "c", Scripted(block("1")), echo(), approver=Broken(), sinks=[kept])
    assert kept.of(ev.SessionFinished)[0].reason == "RuntimeError: no such luck"


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("print('candidate: 42')\n1/0", ev.Limits()),
        ("print('candidate: 42')\nwhile True: pass", ev.Limits(seconds=1)),
    ],
)
async def test_what_a_failed_cell_printed_is_a_partial_result_too(code, limits):
    result, _, _ = await go(block(code), limits=limits, max_iterations=1)
    assert (result.answer, result.partial) == ("candidate: 42", True)


async def test_when_time_is_up_a_person_is_asked_while_the_cell_goes_on():
    more = ev.Limits(seconds=60)
    approver = Decider(
        Decision(action="approve", by="me"), Decision(action="raise_budget", by="me", limits=more)
    )
    code = "import time\ntime.sleep(1.5)\nFINAL('in the end')"
    result, kept, _ = await go(block(code), limits=ev.Limits(seconds=0.7), approver=approver)
    assert (result.status, result.answer) == ("finished", "in the end")
    assert len(kept.of(ev.BudgetChanged)) == 1


async def test_a_supervisor_that_does_not_answer_is_asked_again_if_somebody_wants_it():
    approver = Decider(Decision(action="try_again", by="me"), Decision(action="try_again", by="me"))
    supervisor = Scripted(ModelError("nobody there"), ModelError("still nobody"), block("FINAL(6)"))
    kept = Kept()
    result = await arun("q", "c", supervisor, echo(), approver=approver, sinks=[kept])
    assert (result.status, result.answer, result.iterations) == ("finished", "6", 1)
    assert supervisor.sent[0] == supervisor.sent[1] == supervisor.sent[2]
    decided = [(d.proposal_id, d.action) for d in kept.of(ev.DecisionMade)]
    assert decided[:2] == [("failed:s1", "try_again"), ("failed:s2", "try_again")]
    assert [p.found for p in approver.seen[:2]] == ["nobody there", "still nobody"]
    (step,) = fold(kept.events).steps
    assert list(step.calls) == ["s1", "s2", "s3"]


@pytest.mark.parametrize("approver", [Decider(Decision(action="stop", by="me")), AutoApprover()])
async def test_a_supervisor_that_does_not_answer_ends_the_session_if_nobody_wants_more(approver):
    kept = Kept()
    with pytest.raises(ModelError, match="nobody there"):
        await arun(
            "q", "c", Scripted(ModelError("nobody there"), "x"), echo(), approver=approver, sinks=[kept]
        )
    assert kept.of(ev.SessionFinished)[0].status == "failed"


async def test_a_failed_cell_troubles_its_step_even_if_a_later_one_runs():
    approver = Decider()
    await go(block("1/0") + block("print('fine')"), block("FINAL(1)"), approver=approver)
    assert [p.troubled for p in approver.seen] == [False, True, False]


async def test_interrupting_a_batch_of_a_plain_handler_gives_its_places_back():
    started = threading.Event()
    release = threading.Event()

    def answer(prompt):
        if prompt == "slow":
            started.set()
            release.wait(5)
        return "ok"

    kept = Kept()
    session = Session(
        SessionSpec(query="q", context="c", limits=ev.Limits(tokens=100_000)),
        supervisor=Scripted(block("worker_batch(['slow', 'slow'])"), block("FINAL(worker('quick'))")),
        worker=Answering(answer),
        approver=Decider(),
        sinks=[kept],
    )
    running = asyncio.create_task(session.run())
    await asyncio.to_thread(started.wait, 10)
    session.interrupt("me")
    await asyncio.sleep(0.3)
    release.set()
    result = await asyncio.wait_for(running, 20)
    assert result.answer == "ok"
    calls = fold(kept.events).calls
    assert all(call.phase != "running" for call in calls.values())


async def test_a_handler_that_answers_wrongly_fails_its_calls_only():
    class Wrong(ModelHandler):
        def chat(self, messages, **kwargs):
            return "a string"

        def chat_batch(self, message_batches, **kwargs):
            return ["a string" for _ in message_batches]

    result, _, _ = await go(
        block("FINAL([type(r).__name__ for r in worker_batch(['a', 'b'])])"), worker=Wrong()
    )
    assert result.answer == '["WorkerError", "WorkerError"]'


def test_two_sessions_that_start_at_once_never_share_a_folder(tmp_path):
    for attempt in range(40):
        folder = tmp_path / str(attempt)
        barrier = threading.Barrier(2)
        won: list[SessionLog] = []

        def start(folder=folder, barrier=barrier, won=won):
            barrier.wait()
            try:
                won.append(SessionLog(folder))
            except FolderTaken:
                pass

        threads = [threading.Thread(target=start) for _ in range(2)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert len(won) == 1
        won[0].close()


def test_runs_that_start_at_once_in_one_folder_get_folders_of_their_own(tmp_path):
    results = []

    def one():
        results.append(run("q", "c", Scripted(block("FINAL(1)")), echo(), log_dir=tmp_path / "s"))

    threads = [threading.Thread(target=one) for _ in range(3)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert {r.log_dir.name for r in results} == {"s", "s.2", "s.3"}


async def test_annotating_after_the_end_is_told_plainly(tmp_path):
    session = Session(
        SessionSpec(query="q", context="c", log_dir=tmp_path / "s"),
        supervisor=Scripted(block("FINAL(1)")),
        worker=echo(),
        approver=Decider(),
    )
    await session.run()
    with pytest.raises(LogError, match="is over"):
        session.annotate(ev.Target(kind="session"), by="me", rating=5)


async def test_annotating_and_taking_back_while_it_runs():
    kept = Kept()
    shown = []
    person = PersonApprover("ann", shown.append)
    session = Session(
        SessionSpec(query="q", context="c"),
        supervisor=Scripted(block("FINAL(1)")),
        worker=echo(),
        approver=PolicyApprover("ask", person),
        sinks=[kept],
    )
    running = asyncio.create_task(session.run())
    while not shown:
        await asyncio.sleep(0.01)
    made = session.annotate(ev.Target(kind="step", id="1"), by="ann", step=1, rating=5)
    session.retract(made.seq, by="ann", step=1)
    session.stop("ann")
    await running
    assert fold(kept.events).annotations() == []
    assert len(fold(kept.events).annotated) == 1


async def test_a_change_of_policy_is_on_record():
    kept = Kept()
    shown = []
    approver = PolicyApprover("ask", PersonApprover("ann", shown.append))
    session = Session(
        SessionSpec(query="q", context="c"),
        supervisor=Scripted(block("1"), block("FINAL(1)")),
        worker=echo(),
        approver=approver,
        sinks=[kept],
    )
    running = asyncio.create_task(session.run())
    while not shown:
        await asyncio.sleep(0.01)
    approver.switch("auto")
    approver._person.answer(shown[0].proposal_id, Decision(action="approve", by=""))
    await asyncio.wait_for(running, 10)
    assert [(e.policy, e.by) for e in kept.of(ev.PolicyChanged)] == [("auto", "ann")]
    assert fold(kept.events).policy == "auto"


async def test_a_cache_that_fails_costs_nothing_but_itself():
    class Broken:
        async def find(self, model, messages, params):
            raise OSError("disk gone")

        async def keep(self, model, messages, params, reply):
            raise OSError("disk gone")

    told = []
    session = Session(
        SessionSpec(query="q", context="c"),
        supervisor=Scripted(block("FINAL(worker('x'))")),
        worker=echo(),
        approver=Decider(),
        replies=Broken(),
        on_signal=told.append,
    )
    assert (await session.run()).answer == "W<x>"
    assert [signal.text for signal in told if isinstance(signal, Notice)] == [
        "the response cache is switched off for this session: disk gone"
    ]


async def test_a_timeout_of_the_handlers_own_is_a_failed_call_and_no_budget():
    with pytest.raises(ModelError, match="TimeoutError: the socket"):
        await go(TimeoutError("the socket"), limits=ev.Limits(seconds=60))


async def test_raising_a_bound_neither_ends_a_step_nor_makes_one():
    more = ev.Limits(worker_calls=9)
    approver = Decider(
        Decision(action="approve", by="me"), Decision(action="raise_budget", by="me", limits=more)
    )
    _, kept, _ = await go(
        block("worker('a')\nworker('b')\nFINAL(1)"), limits=ev.Limits(worker_calls=1), approver=approver
    )
    (raised,) = [e for e in kept.of(ev.DecisionMade) if e.proposal_id.startswith("budget:")]
    until = fold([e for e in kept.events if e.seq <= raised.seq])
    assert (until.steps[0].phase, until.steps[0].decisions[-1]) == ("running", raised)
    early = msgspec.structs.replace(raised, step=2)
    assert len(fold([*(e for e in kept.events if e.seq < raised.seq), early]).steps) == 1


def test_a_primitive_may_not_take_the_name_of_ours():
    with pytest.raises(DistillError, match="cannot be called budget"):
        run("q", "c", Scripted(block("1")), echo(), primitives={"budget": lambda: 1})


@pytest.mark.skipif(sys.platform != "linux", reason="copies of processes are made on Linux")
async def test_after_a_killed_cell_the_variables_are_there_and_the_supervisor_knows(tmp_path):
    supervisor = Scripted(
        block("found = ['a', 'b']"),
        block("found.append('c')\nimport os; os._exit(3)"),
        block("FINAL(str(found))"),
    )
    result = await arun("q", "c", supervisor, echo(), log_dir=tmp_path / "s")
    assert result.answer == "['a', 'b']"
    told = supervisor.sent[-1][-1]["content"]
    assert "was killed" in told
    assert "its process ended with status 3. Variables are as before it." in told
    finished = [e for e in read_session(tmp_path / "s").events if isinstance(e, ev.CellFinished)]
    assert [event.variables for event in finished] == [None, "restored", None]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"max_iterations": 0}, "max_iterations is out of range: 0 (allowed is 1 or more)"),
        ({"max_iterations": "3"}, "max_iterations is not a whole number: '3'"),
        ({"max_iterations": 2.5}, "max_iterations is not a whole number: 2.5"),
        ({"limits": ev.Limits(seconds="x")}, "the limit seconds is not a number: 'x'"),
        ({"max_iterations": 10**6}, "max_iterations is out of range: 1,000,000 (allowed is 100,000 or less)"),
        ({"max_iterations": -1}, "max_iterations is out of range: -1"),
        ({"output_limit": 0}, "output_limit is out of range: 0"),
        ({"worker_ctx_k": 0}, "worker_ctx_k is out of range: 0"),
        ({"limits": ev.Limits(seconds=-1)}, "the limit seconds is out of range: -1 (allowed is 0 or more)"),
        ({"limits": ev.Limits(money=float("nan"))}, "the limit money is out of range: nan"),
        ({"primitives": {"x": 5}}, "the primitive x is no function: int"),
    ],
)
async def test_what_no_session_can_be_made_from_is_refused_before_there_is_a_log(tmp_path, options, told):
    with pytest.raises(ConfigError) as refused:
        await go(block("FINAL(1)"), log_dir=tmp_path / "s", **options)
    assert told in str(refused.value)
    assert not (tmp_path / "s").exists()
