"""A session end to end: real REPL, scripted supervisor, and what is on file afterwards."""

import asyncio
import threading

import pytest

from distill_core import events as ev
from distill_core.approval import Decision, PersonApprover, PolicyApprover
from distill_core.budget import Prices
from distill_core.errors import DistillError, ModelError
from distill_core.models.base import LMResponse, ModelHandler, Usage
from distill_core.reading import read_session
from distill_core.runner import arun, run
from distill_core.session import Session
from distill_core.specification import SessionSpec
from distill_core.state import fold
from sessions.verify import verify
from tests.fakes.models import Answering, Scripted, echo
from tests.fakes.sinks import Kept


def block(code: str, before: str = "I look.") -> str:
    return f"{before}\n\n```repl\n{code}\n```\n"


class Decider:
    """An approver that says what a test tells it to, then approves."""

    def __init__(self, *decisions: Decision) -> None:
        self.seen = []
        self._decisions = list(decisions)

    async def decide(self, proposal):
        self.seen.append(proposal)
        if self._decisions:
            return self._decisions.pop(0)
        action = "accept" if proposal.proposal_id.startswith("final:") else "approve"
        return Decision(action=action, by="me")


async def go(*replies, worker=None, approver=None, context="a long document", **options):
    kept = Kept()
    supervisor = Scripted(*replies)
    result = await arun(
        "what?",
        context,
        supervisor,
        worker or echo(),
        approver=approver,
        sinks=[kept],
        **options,
    )
    return result, kept, supervisor


async def test_code_runs_workers_answer_and_final_ends_it(tmp_path):
    result, kept, supervisor = await go(
        block("print(len(context), query)"),
        block("r = worker('piece')\nprint(r)"),
        block("FINAL(r)"),
        log_dir=tmp_path / "s",
    )
    assert result.answer == "W<piece>"
    assert (result.status, result.partial, result.iterations) == ("finished", False, 3)
    assert result.worker_usage.calls == 1
    assert result.supervisor_usage.calls == 3
    assert "15 what?" in supervisor.sent[1][-1]["content"]
    assert [e.seq for e in kept.events] == list(range(1, len(kept.events) + 1))
    verdict = verify(tmp_path / "s")
    assert verdict.problems == ()
    assert verdict.state == fold(kept.events)


async def test_the_exact_prompts_can_be_rebuilt_from_the_log(tmp_path):
    _, _, supervisor = await go(
        block("print('é\\x00')"), "only prose", block("print(2)"), block("FINAL(0)"), log_dir=tmp_path / "s"
    )
    state = fold(read_session(tmp_path / "s").events)
    assert [state.prompt(f"s{i}") for i in range(1, 5)] == supervisor.sent


async def test_messages_are_stored_once(tmp_path):
    _, kept, supervisor = await go(*[block(f"print({i})") for i in range(5)], block("FINAL(1)"))
    assert len(kept.of(ev.MessageAdded)) == len(supervisor.sent[-1])


@pytest.mark.parametrize(("code", "text"), [("FINAL(None)", "None"), ("FINAL(0)", "0"), ("FINAL('')", "")])
async def test_falsy_answers_are_answers(code, text):
    result, _, _ = await go(block(code))
    assert (result.status, result.answer) == ("finished", text)


async def test_several_blocks_are_cells_of_their_own_and_run_in_order():
    reply = block("a = 1\nprint('one')") + block("print('two', a)") + block("1/0") + block("print('still')")
    result, kept, supervisor = await go(reply, block("FINAL(a)"))
    assert result.answer == "1"
    assert [c.status for c in kept.of(ev.CellFinished)] == ["ok", "ok", "error", "ok", "final"]
    assert "two 1" in supervisor.sent[1][-1]["content"]
    assert "ZeroDivisionError" in supervisor.sent[1][-1]["content"]


async def test_three_replies_without_code_end_it_with_a_clear_status():
    result, kept, supervisor = await go("Let me think.", "<tool_call>{}</tool_call>", "")
    assert result.status == "no_code"
    assert result.partial
    assert "3 replies in a row" in result.reason
    assert [e.problem for e in kept.of(ev.ReplyRejected)] == ["prose", "xml_tool_call", "empty"]
    assert supervisor.sent[1][-1]["content"] != supervisor.sent[2][-1]["content"]


async def test_code_in_between_starts_the_count_anew():
    result, _, _ = await go("a", "b", block("1"), "c", "d", block("FINAL('x')"))
    assert result.answer == "x"


async def test_the_last_turn_forces_an_answer_and_failing_that_gives_the_best_partial():
    result, _, supervisor = await go(block("print('first')"), block("print('candidate')"), max_iterations=2)
    assert "last turn" in supervisor.sent[1][-1]["content"]
    assert (result.status, result.partial, result.answer) == ("exhausted", True, "candidate")


async def test_an_edit_runs_the_edited_code_and_keeps_both():
    approver = Decider(Decision(action="edit", by="me", codes=("print('edited')",)))
    result, kept, supervisor = await go(block("print('original')"), block("FINAL(1)"), approver=approver)
    assert kept.of(ev.CellStarted)[0].code == "print('edited')"
    decision = kept.of(ev.DecisionMade)[0]
    assert (decision.before, decision.after) == (("print('original')",), ("print('edited')",))
    assert "print('edited')" in supervisor.sent[1][-2]["content"]
    assert "print('original')" not in supervisor.sent[1][-2]["content"]
    assert fold(kept.events).cells["c1"].proposed == "print('original')"
    assert result.status == "finished"


async def test_rejecting_runs_nothing_and_passes_the_words_on():
    approver = Decider(Decision(action="reject", by="me", guidance="use a regex {please}"))
    _, kept, supervisor = await go(block("worker('x')"), block("FINAL(1)"), approver=approver)
    assert [c.cell_id for c in kept.of(ev.CellStarted)] == ["c2"]
    assert "use a regex {please}" in supervisor.sent[1][-1]["content"]


async def test_writing_ones_own_code_is_marked_as_the_persons():
    approver = Decider(Decision(action="write", by="me", codes=("x = 5", "print(x)")))
    _, kept, _ = await go(block("print('model')"), block("FINAL(x)"), approver=approver)
    assert [(c.code, c.origin) for c in kept.of(ev.CellProposed)][1:3] == [
        ("x = 5", "person"),
        ("print(x)", "person"),
    ]
    assert [c.code for c in kept.of(ev.CellStarted)] == ["x = 5", "print(x)", "FINAL(x)"]


async def test_regenerating_asks_again_from_the_same_prompt():
    approver = Decider(Decision(action="regenerate", by="me"))
    _, kept, supervisor = await go(block("FINAL(1)"), block("FINAL(2)"), approver=approver)
    assert supervisor.sent[0] == supervisor.sent[1]
    first, second = kept.of(ev.SupervisorCalled)
    assert (second.extends, second.message_ids, second.candidate) == (first.extends, first.message_ids, 1)
    state = fold(kept.events)
    assert state.prompt("s2") == supervisor.sent[1]
    assert len(state.steps) == 1


async def test_an_answer_can_be_sent_back():
    approver = Decider(
        Decision(action="approve", by="me"), Decision(action="send_back", by="me", guidance="wrong")
    )
    result, kept, supervisor = await go(block("FINAL('a')"), block("FINAL('b')"), approver=approver)
    assert result.answer == "b"
    assert "wrong" in supervisor.sent[1][-1]["content"]
    assert len(kept.of(ev.FinalProposed)) == 2


async def test_finishing_by_hand_and_stopping():
    by_hand, _, _ = await go(block("1"), approver=Decider(Decision(action="finish", by="me", answer="mine")))
    assert (by_hand.status, by_hand.answer, by_hand.partial) == ("finished", "mine", False)
    stopped, kept, _ = await go(block("1"), approver=Decider(Decision(action="stop", by="me")))
    assert (stopped.status, stopped.partial) == ("stopped", True)
    assert kept.of(ev.SessionFinished)[0].reason == "stopped by me"


async def test_a_batch_cannot_overshoot_the_number_of_calls():
    worker = echo()
    result, kept, _ = await go(
        block("r = worker_batch([str(i) for i in range(10)])\nprint([x for x in r if isinstance(x, str)])"),
        worker=worker,
        limits=ev.Limits(worker_calls=4),
        max_iterations=1,
    )
    assert len(worker.prompts) == 4
    assert len(kept.of(ev.WorkerCallStarted)) == 4
    assert result.partial


async def test_a_batch_cannot_overshoot_tokens():
    usage = Usage(prompt_tokens=30, completion_tokens=70, calls=1)
    worker = Answering(lambda p: "ok", usage=usage, sampling={"max_tokens": 70})
    result, _, _ = await go(
        block("worker_batch(['some words'] * 500)"),
        worker=worker,
        limits=ev.Limits(tokens=9000),
        max_iterations=1,
    )
    assert len(worker.prompts) > 10
    assert result.supervisor_usage.total_tokens + result.worker_usage.total_tokens <= 9000


async def test_a_person_may_raise_a_budget():
    raised = ev.Limits(worker_calls=9, turns=15)
    approver = Decider(
        Decision(action="approve", by="me"), Decision(action="raise_budget", by="me", limits=raised)
    )
    result, kept, _ = await go(
        block("FINAL(len([x for x in worker_batch(['a', 'b', 'c']) if isinstance(x, str)]))"),
        approver=approver,
        limits=ev.Limits(worker_calls=1),
    )
    assert result.value == 3
    assert kept.of(ev.BudgetChanged)[0].after == raised


async def test_money_is_told_and_bounds():
    price = {"worker": Prices(prompt=1e6 / 10, completion=0.0)}
    result, kept, _ = await go(
        block("worker('a')"), block("FINAL(1)"), prices=price, limits=ev.Limits(money=100.0)
    )
    assert result.cost == pytest.approx(1.0)
    assert kept.of(ev.SessionFinished)[0].cost == pytest.approx(1.0)


async def test_wall_time_ends_a_running_cell():
    result, kept, _ = await go(block("while True: pass"), limits=ev.Limits(seconds=1.0))
    assert result.status == "budget"
    assert result.elapsed < 10
    assert kept.of(ev.CellFinished)[0].status == "interrupted"


async def test_a_failing_worker_is_a_value_in_the_batch_and_an_event():
    def answer(prompt):
        if prompt == "bad":
            raise ValueError("no such luck")
        return prompt

    result, kept, _ = await go(
        block("r = worker_batch(['a', 'bad', 'c'])\nFINAL([type(x).__name__ for x in r])"),
        worker=Answering(answer),
    )
    assert result.answer == '["str", "WorkerError", "str"]'
    assert "no such luck" in kept.of(ev.WorkerCallFailed)[-1].error


async def test_a_supervisor_that_fails_at_once_raises_and_the_log_says_why(tmp_path):
    with pytest.raises(ModelError, match="no key"):
        await go(ModelError("no key"), log_dir=tmp_path / "s")
    state = verify(tmp_path / "s").state
    assert state.finished.status == "failed"
    assert "no key" in state.replies["s1"].error


async def test_a_supervisor_that_fails_later_leaves_the_partial_result():
    result, _, _ = await go(block("print('half')"), ModelError("gone"))
    assert (result.status, result.answer, result.partial) == ("failed", "half", True)


@pytest.mark.parametrize("context", [["a", {"b": 1}], {"k": [1, 2]}, "text"])
async def test_the_context_keeps_its_type(context, tmp_path):
    result, _, _ = await go(block("FINAL(type(context).__name__)"), context=context, log_dir=tmp_path / "s")
    assert result.answer == type(context).__name__
    assert verify(tmp_path / "s").problems == ()


async def test_a_primitive_is_told_to_the_supervisor_and_runs_on_the_host():
    def lookup(name: str, *, limit: int = 3) -> list[str]:
        """Find entries whose title holds `name`."""
        return [name] * limit

    result, _, supervisor = await go(block("FINAL(lookup('x', limit=2))"), primitives={"lookup": lookup})
    assert result.answer == '["x", "x"]'
    assert "Find entries whose title" in supervisor.sent[0][0]["content"]


async def test_budget_tells_the_code_what_is_left():
    result, _, _ = await go(
        block("worker('x')\nFINAL(budget()['worker_calls'])"), limits=ev.Limits(worker_calls=5)
    )
    assert result.value == 4


async def test_a_call_that_a_stop_cut_short_has_not_failed():
    asked = asyncio.Event()

    class Silent(Scripted):
        async def achat(self, *args, **kwargs):
            asked.set()
            await asyncio.Event().wait()

    kept = Kept()
    session = Session(
        SessionSpec(query="q", context="c"),
        supervisor=Silent(block("1")),
        worker=echo(),
        approver=Decider(),
        sinks=[kept],
    )
    running = asyncio.create_task(session.run())
    await asked.wait()
    session.stop("me")
    result = await asyncio.wait_for(running, 10)
    (cut,) = kept.of(ev.SupervisorFailed)
    assert (cut.error, cut.cut) == ("stopped by me", True)
    assert result.elapsed == kept.of(ev.SessionFinished)[0].elapsed


async def test_stop_cuts_a_running_cell_short():
    kept = Kept()
    session = Session(
        SessionSpec(query="q", context="c"),
        supervisor=Scripted(block("print('begun')\nwhile True: pass")),
        worker=echo(),
        approver=Decider(),
        sinks=[kept],
    )
    running = asyncio.create_task(session.run())
    while not kept.of(ev.CellOutput):
        await asyncio.sleep(0.01)
    session.stop("me")
    result = await asyncio.wait_for(running, 10)
    assert (result.status, result.reason) == ("stopped", "stopped by me")


async def test_an_interrupt_ends_the_cell_and_the_session_goes_on():
    kept = Kept()
    session = Session(
        SessionSpec(query="q", context="c"),
        supervisor=Scripted(block("x = 1\nprint('begun')\nwhile True: pass"), block("FINAL(x)")),
        worker=echo(),
        approver=Decider(),
        sinks=[kept],
    )
    running = asyncio.create_task(session.run())
    while not kept.of(ev.CellOutput):
        await asyncio.sleep(0.01)
    session.interrupt("me")
    result = await asyncio.wait_for(running, 10)
    assert result.value == 1
    assert kept.of(ev.CellInterrupted)[0].by == "me"
    assert kept.of(ev.CellFinished)[0].status == "interrupted"


async def test_a_person_decides_from_another_thread():
    shown = []
    person = PersonApprover("ann", shown.append)
    kept = Kept()
    session = Session(
        SessionSpec(query="q", context="c"),
        supervisor=Scripted(block("FINAL(7)")),
        worker=echo(),
        approver=PolicyApprover("ask", person),
        sinks=[kept],
    )
    running = asyncio.create_task(session.run())
    for action in ("approve", "accept"):
        while not shown:
            await asyncio.sleep(0.01)
        proposal = shown.pop()
        threading.Thread(
            target=person.answer, args=(proposal.proposal_id, Decision(action=action, by=""))
        ).start()
    result = await asyncio.wait_for(running, 10)
    assert result.value == 7
    assert [d.by for d in kept.of(ev.DecisionMade)] == ["ann", "ann"]
    assert all(d.took > 0 for d in kept.of(ev.DecisionMade))


async def test_pausing_holds_it_at_the_next_boundary():
    session = Session(
        SessionSpec(query="q", context="c"),
        supervisor=Scripted(block("FINAL(1)")),
        worker=echo(),
        approver=Decider(),
    )
    session.pause()
    running = asyncio.create_task(session.run())
    await asyncio.sleep(0.3)
    assert not running.done()
    session.resume()
    assert (await asyncio.wait_for(running, 10)).value == 1


def test_run_works_from_plain_python(tmp_path):
    result = run("q", "c", Scripted(block("FINAL(1)")), echo(), log_dir=tmp_path / "s")
    assert result.answer == "1"


async def test_run_works_inside_a_running_loop():
    assert run("q", "c", Scripted(block("FINAL(1)")), echo()).answer == "1"


def test_run_works_in_threads_and_several_at_once():
    answers = []

    def one(n):
        answers.append(run("q", "c", Scripted(block(f"FINAL({n})")), echo()).answer)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(3)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(answers) == ["0", "1", "2"]


async def test_two_runs_at_once_in_one_loop():
    results = await asyncio.gather(go(block("FINAL('a')")), go(block("FINAL('b')")))
    assert [r.answer for r, _, _ in results] == ["a", "b"]


def test_a_folder_that_holds_a_session_is_left_alone(tmp_path):
    first = run("q", "c", Scripted(block("FINAL(1)")), echo(), log_dir=tmp_path / "s")
    second = run("q", "c", Scripted(block("FINAL(2)")), echo(), log_dir=tmp_path / "s")
    assert first.log_dir == tmp_path / "s"
    assert second.log_dir == tmp_path / "s.2"
    assert verify(second.log_dir).state.finished.answer.value == 2


def test_an_unwritable_folder_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DistillError) as failure:
        run("q", "c", Scripted(block("FINAL(1)")), echo(), log_dir=tmp_path / "file" / "s")
    assert "\n" not in str(failure.value)


async def test_hidden_reasoning_is_kept_and_not_sent_again():
    thinking = LMResponse(text=block("print(1)"), reasoning="hm", usage=Usage(calls=1))
    _, kept, supervisor = await go(thinking, block("FINAL(1)"))
    assert kept.of(ev.SupervisorReplied)[0].reasoning == "hm"
    assert "hm" not in supervisor.sent[1][-2]["content"]


class Plain(ModelHandler):
    """The least that a handler may be, written as the documents show it."""

    def __init__(self, text):
        self.text = text
        self.total_usage = Usage()

    def chat(self, messages, **kwargs):
        return LMResponse(self.text, Usage(prompt_tokens=3, completion_tokens=1), "plain", 0.1)

    def chat_batch(self, message_batches, **kwargs):
        return [self.chat(messages, **kwargs) for messages in message_batches]


async def test_a_handler_with_just_chat_and_chat_batch_is_enough():
    supervisor = Plain(block("FINAL(worker('a') + worker_batch(['b'])[0])"))
    result = await arun("q", "c", supervisor, Plain("ok"))
    assert result.answer == "okok"
    assert (result.worker_usage.calls, result.worker_usage.total_tokens) == (2, 8)
    assert result.supervisor_usage.calls == 1


async def test_the_rlm_dialect_takes_final_var_in_prose():
    result, _, _ = await go(block("x = llm_query('hi')"), "Done.\n\nFINAL_VAR(x)", dialect="rlm")
    assert result.answer == "W<hi>"


async def test_worker_calls_that_the_budget_refused_leave_one_turn_to_answer_in():
    asking = block("said = worker_batch(['a', 'b', 'c'])\nprint(said[0])")
    limits = ev.Limits(worker_calls=1)
    supervisor = Scripted(asking, block("FINAL('from a alone')"), block("FINAL('never asked')"))
    result = await arun("q", "c", supervisor, echo(), limits=limits, max_iterations=9)
    assert (result.status, result.partial, result.answer) == ("budget", True, "from a alone")
    assert "1 of 1 worker calls are used" in result.reason
    assert "turn 2 of 2" in supervisor.sent[1][-1]["content"]
    supervisor = Scripted(asking, block("print('no answer')"), block("FINAL('never asked')"))
    result = await arun("q", "c", supervisor, echo(), limits=limits)
    assert (result.status, result.iterations, result.answer) == ("budget", 2, "no answer")
    # A person who accepts the answer has looked at it.
    approver = PolicyApprover(
        "ask", Decider(Decision(action="approve", by="me"), Decision(action="stop", by="me"))
    )
    supervisor = Scripted(asking, block("FINAL(1)"))
    result = await arun("q", "c", supervisor, echo(), limits=limits, approver=approver)
    assert (result.status, result.partial) == ("finished", False)


async def test_a_call_too_large_for_the_budget_is_no_reason_to_end():
    asking = block("try:\n    worker('x' * 200_000)\nexcept Exception as e:\n    print(e)")
    supervisor = Scripted(asking, block("print(worker('small'))"), block("print(1)"), block("FINAL('done')"))
    result = await arun("q", "c", supervisor, echo(), limits=ev.Limits(tokens=20_000), max_iterations=9)
    assert (result.status, result.answer, result.iterations) == ("finished", "done", 4)


async def test_who_sends_an_answer_back_gives_another_turn():
    over = block("said = worker_batch(['a', 'b', 'c'])\nFINAL('first')")
    decisions = [
        Decision(action="approve", by="me"),
        Decision(action="stop", by="me"),
        Decision(action="send_back", by="me", guidance="look again"),
        Decision(action="approve", by="me"),
        Decision(action="follow_up", by="me", guidance="and why?"),
    ]
    supervisor = Scripted(over, block("FINAL('second')"), block("FINAL('third')"))
    limits = ev.Limits(worker_calls=1)
    result = await arun("q", "c", supervisor, echo(), limits=limits, approver=Decider(*decisions))
    assert (result.status, result.answer, result.iterations) == ("finished", "third", 3)


async def test_what_the_budget_refused_is_told_as_that_also_where_a_batch_goes_out_whole():
    limits = ev.Limits(worker_calls=0)
    _, kept, _ = await go(block("print(worker_batch(['a', 'b']))"), block("FINAL(1)"), limits=limits)
    text = "".join(e.text for e in kept.of(ev.CellOutput))
    assert text.count("0 of 0 worker calls are used") == 2
