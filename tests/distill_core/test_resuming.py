"""A session whose program died goes on from its last event, wherever that was."""

import fcntl

import msgspec
import pytest

from distill_core import events as ev
from distill_core.approval import AutoApprover, Decision
from distill_core.budget import Limits
from distill_core.errors import LogError, ModelError
from distill_core.models.base import LMResponse, Usage
from distill_core.models.cache import ResponseCache
from distill_core.reading import read_session
from distill_core.resuming import resume
from distill_core.session import Session
from distill_core.specification import SessionSpec
from distill_core.state import fold
from sessions.verify import verify
from tests.distill_core.test_session import Decider
from tests.fakes.models import Answering, Scripted, echo
from tests.fakes.recordings import DOCUMENT, block, going_on, record_in, recorded, write_log

REPLIES = (
    block("words = context.split()\nprint(len(words), budget()['worker_calls'])"),
    "I forgot the code.",
    block("said = worker_batch(words[:2])\nprint(said)") + block("print(worker(words[2]))"),
    block("FINAL('too early')"),
    ModelError("nobody there"),
    block("print(1/0)"),
    block("FINAL(said + [query])"),
)


def decisions():
    """Edits the first step, sends the first answer back, tries again where a call fails; approves the rest."""
    approve, accept = Decision(action="approve", by="me"), Decision(action="accept", by="me")
    edit = Decision(action="edit", by="me", codes=("words = context.split()\nprint('edited', len(words))",))
    back = Decision(action="send_back", by="me", guidance="look again")
    again = Decision(action="try_again", by="me")
    return [edit, approve, approve, back, again, approve, approve, accept]


def shape(events):
    """What a session is, whatever it died of: everything but numbers, times, costs and the marks of resuming."""
    state = fold(events)
    cells = [
        (c.cell_id, c.step, c.code, c.proposed, c.text(), c.status, c.traceback) for c in state.cells.values()
    ]
    calls = sorted((c.prompt, c.response, c.cell_id) for c in state.calls.values() if c.phase == "done")
    made = [
        (d.proposal_id[:5] == "final", d.action, d.before, d.after, d.guidance)
        for s in state.steps
        for d in s.decisions
    ]
    said = sorted((r.text, r.problem or "") for r in state.replies.values() if r.text is not None)
    return sorted(cells), calls, made, said, state.finished.answer, state.finished.status


@pytest.fixture(scope="module")
async def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "s"
    await recorded(folder, Scripted(*REPLIES), echo(), Decider(*decisions()))
    return folder


async def resumed_at(whole, folder, events, torn=b""):
    """Let a program die after `events`, and go on."""
    write_log(folder, events, torn)
    (folder / "documents").symlink_to(whole / "documents")
    there = fold(events)
    replies = [r for r in there.replies.values() if r.text is not None]
    made = [d for s in there.steps for d in s.decisions]
    failed = [d for d in made if d.action == "try_again"]
    worker = echo()
    await going_on(
        folder,
        resume(read_session(folder)),
        Scripted(*REPLIES[len(replies) + len(failed) :]),
        worker,
        Decider(*decisions()[len(made) :]),
    )
    return worker


@pytest.mark.parametrize("part", range(4))
async def test_it_comes_to_the_same_wherever_it_died(whole, tmp_path, part):
    events = read_session(whole).events
    assert len(events) > 60
    for last in range(1 + part, len(events), 4):
        worker = await resumed_at(whole, tmp_path / str(last), events[:last])
        after = read_session(tmp_path / str(last))
        assert shape(after.events) == shape(events), events[last - 1]
        assert verify(tmp_path / str(last)).problems == ()
        assert after.problems == ()
        assert len([e for e in after.events if isinstance(e, ev.SessionResumed)]) == 1
        there = fold(events[:last])
        answered = [c.prompt for c in there.calls.values() if c.phase == "done"]
        assert sorted(worker.prompts + answered) == sorted(["alpha", "beta", "gamma"]), (
            "no reply is paid for twice"
        )


async def test_the_exact_prompts_stay_those_of_a_session_that_never_died(whole, tmp_path):
    events = read_session(whole).events
    last = next(i for i, e in enumerate(events, 1) if isinstance(e, ev.CellFinished) and e.step == 3)
    await resumed_at(whole, tmp_path / "s", events[:last])
    before, after = fold(events), record_in(tmp_path / "s").state
    for call in ("s1", "s2", "s3", "s4"):
        assert after.prompt(call) == before.prompt(call)


async def test_it_can_die_again_and_again(whole, tmp_path):
    events = list(read_session(whole).events)
    for turn, last in enumerate((12, 30, 45, 58)):
        folder = tmp_path / str(turn)
        await resumed_at(whole, folder, events[:last])
        events = list(read_session(folder).events)
    assert shape(events) == shape(read_session(whole).events)
    assert len([e for e in events if isinstance(e, ev.SessionResumed)]) == 4


async def test_a_torn_last_line_is_cut_off_before_the_next_is_written(whole, tmp_path):
    events = read_session(whole).events
    await resumed_at(whole, tmp_path / "s", events[:20], torn=b'{"type":"cell_outp')
    assert read_session(tmp_path / "s").problems == ()
    assert shape(read_session(tmp_path / "s").events) == shape(events)


async def test_the_variables_of_the_cells_are_there_again(tmp_path):
    replies = [block("import random\nx = [random.random() for _ in range(3)]\nprint(x)"), block("FINAL(x)")]
    await recorded(tmp_path / "a", Scripted(*replies), echo(), seed=7)
    events = read_session(tmp_path / "a").events
    last = next(i for i, e in enumerate(events, 1) if isinstance(e, ev.CellFinished))
    folder = write_log(tmp_path / "b", events[:last])
    result = await going_on(folder, resume(read_session(folder)), Scripted(replies[1]), echo())
    assert result.answer == record_in(tmp_path / "a").state.finished.answer.text
    rebuilt = [e for e in read_session(folder).events if isinstance(e, ev.StateRebuilt)]
    assert [(r.cells, r.way, r.diverged) for r in rebuilt] == [(1, "rerun", ())]


async def test_a_cell_under_way_goes_on_behind_what_it_had_written(tmp_path):
    code = "for p in ('a', 'b', 'c'):\n    print(p, worker(p))"
    await recorded(tmp_path / "a", Scripted(block(code), block("FINAL(p)")), echo())
    events = read_session(tmp_path / "a").events
    last = next(i for i, e in enumerate(events, 1) if isinstance(e, ev.WorkerCallStarted) and e.prompt == "c")
    folder = write_log(tmp_path / "b", events[:last])
    worker = echo()
    await going_on(folder, resume(read_session(folder)), Scripted(block("FINAL(p)")), worker)
    state = record_in(folder).state
    assert state.cells["c1"].text() == "a W<a>\nb W<b>\nc W<c>\n"
    assert worker.prompts == ["c"]
    lost = [c for c in state.calls.values() if c.phase == "failed"]
    assert [(c.prompt, c.error) for c in lost] == [("c", "the program ended before the reply came")]
    assert state.worker_usage.calls == 4, "the lost call may have been paid for"


async def test_a_cell_that_writes_otherwise_the_second_time_says_so(tmp_path):
    code = "import time\nprint(time.time_ns())\nworker('x')\nprint('end')"
    await recorded(tmp_path / "a", Scripted(block(code), block("FINAL(1)")), echo())
    events = read_session(tmp_path / "a").events
    last = next(i for i, e in enumerate(events, 1) if isinstance(e, ev.WorkerCallReturned))
    folder = write_log(tmp_path / "b", events[:last])
    await going_on(folder, resume(read_session(folder)), Scripted(block("FINAL(1)")), echo())
    text = record_in(folder).state.cells["c1"].text()
    assert "this cell ran anew, and from here on it wrote otherwise" in text
    assert text.endswith("end\n")


async def test_what_was_used_before_still_counts(tmp_path):
    replies = [block("worker('a'); worker('b')"), block("worker('c')\nFINAL(1)")]
    await recorded(tmp_path / "a", Scripted(*replies), echo(), limits=ev.Limits(worker_calls=2))
    events = read_session(tmp_path / "a").events
    last = next(i for i, e in enumerate(events, 1) if isinstance(e, ev.CellFinished))
    folder = write_log(tmp_path / "b", events[:last])
    worker = echo()
    await going_on(folder, resume(read_session(folder)), Scripted(replies[1]), worker)
    assert worker.prompts == []
    state = record_in(folder).state
    assert "2 of 2 worker calls are used" in state.cells["c2"].traceback
    assert [e.prompt for e in read_session(folder).events if isinstance(e, ev.WorkerCallRefused)] == ["c"]


async def test_a_caller_s_primitive_is_not_called_again(tmp_path):
    asked = []

    def price(item: str) -> int:
        """Its price."""
        asked.append(item)
        return len(asked)

    replies = [block("p = price('tea')\nprint(p)"), block("FINAL([p, price('jam')])")]
    await recorded(tmp_path / "a", Scripted(*replies), echo(), primitives={"price": price})
    events = read_session(tmp_path / "a").events
    last = next(i for i, e in enumerate(events, 1) if isinstance(e, ev.CellFinished))
    folder = write_log(tmp_path / "b", events[:last])
    await going_on(
        folder, resume(read_session(folder)), Scripted(replies[1]), echo(), primitives={"price": price}
    )
    assert asked == ["tea", "jam", "jam"]


async def test_a_session_that_is_over_is_not_resumed(whole):
    with pytest.raises(LogError, match=r"is over: finished.*distill-tui fork "):
        resume(read_session(whole))


async def test_a_damaged_log_is_not_resumed(whole, tmp_path):
    events = [e for e in read_session(whole).events[:30] if e.seq != 11]
    folder = write_log(tmp_path / "s", events)
    with pytest.raises(LogError, match="damaged"):
        resume(read_session(folder))


async def test_a_session_that_still_runs_elsewhere_is_left_alone(whole, tmp_path):
    folder = write_log(tmp_path / "s", read_session(whole).events[:20])
    before = {p.name: p.read_bytes() for p in folder.glob("*.jsonl")}
    with (folder / "supervisor.jsonl").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(LogError, match="another program writes"):
            await going_on(folder, resume(read_session(folder)), Scripted(), echo())
    assert {p.name: p.read_bytes() for p in folder.glob("*.jsonl")} == before


async def test_a_log_that_grew_since_it_was_read_is_left_alone(whole, tmp_path):
    events = read_session(whole).events
    folder = write_log(tmp_path / "s", events[:20])
    earlier = resume(read_session(folder))
    with (folder / "human.jsonl").open("ab") as file:
        file.write(
            ev.encode(msgspec.structs.replace(ev.PolicyChanged(step=1, policy="auto", by="x"), seq=21))
            + b"\n"
        )
    with pytest.raises(LogError, match="has changed"):
        await going_on(folder, earlier, Scripted(), Answering(str))


async def test_an_answer_given_by_hand_is_there_when_the_program_died_right_after(tmp_path):
    by_hand = Decision(action="finish", by="me", answer="the cap is in clause seven")
    await recorded(tmp_path / "a", Scripted(block("x = 1")), echo(), Decider(by_hand))
    events = read_session(tmp_path / "a").events
    (made,) = [e for e in events if isinstance(e, ev.DecisionMade)]
    assert (made.before, made.after) == (("x = 1",), (by_hand.answer,))
    folder = write_log(tmp_path / "b", [e for e in events if e.seq <= made.seq])
    result = await going_on(folder, resume(read_session(folder)), Scripted(), echo())
    assert (result.status, result.answer) == ("finished", by_hand.answer)


async def test_calls_that_kept_replies_answered_count_as_much_after_resuming(tmp_path):
    code = block("said = worker_batch(['a', 'b'])\nprint(budget()['worker_calls'])")
    asks = block("FINAL(budget()['worker_calls'])")
    for name in ("first", "again"):
        spec = SessionSpec(query="what?", context=DOCUMENT, isolation="none", log_dir=tmp_path / name)
        kept = ResponseCache(tmp_path / "replies.db")
        models = {"supervisor": Scripted(code, asks), "worker": echo()}
        await Session(spec, **models, approver=AutoApprover(), replies=kept).run()
        kept.close()
    events = read_session(tmp_path / "again").events
    cached = [e for e in events if isinstance(e, ev.WorkerCallReturned) and e.cached]
    assert len(cached) == 2
    last = next(e.seq for e in events if isinstance(e, ev.CellFinished))
    folder = write_log(tmp_path / "died", [e for e in events if e.seq <= last])
    result = await going_on(folder, resume(read_session(folder)), Scripted(asks), echo())
    assert result.answer == record_in(tmp_path / "again").state.finished.answer.text


async def test_tokens_that_no_server_reported_count_as_much_after_resuming(tmp_path):
    asks = block("FINAL(budget()['tokens'])")
    said = [
        LMResponse(text=code, model="silent", usage=Usage(calls=1))
        for code in (block("print(worker('a' * 300))"), asks)
    ]
    worker = Answering(lambda prompt: f"W<{prompt}>", usage=Usage(calls=1))
    bound = Limits(tokens=50_000)
    spec = SessionSpec(
        query="what?", context=DOCUMENT, isolation="none", log_dir=tmp_path / "a", limits=bound
    )
    whole = await Session(spec, supervisor=Scripted(*said), worker=worker, approver=AutoApprover()).run()
    events = read_session(tmp_path / "a").events
    last = next(e.seq for e in events if isinstance(e, ev.CellFinished))
    folder = write_log(tmp_path / "died", [e for e in events if e.seq <= last])
    there = await going_on(folder, resume(read_session(folder)), Scripted(said[1]), worker)
    assert there.answer == whole.answer
    assert int(whole.answer) < 49_000
