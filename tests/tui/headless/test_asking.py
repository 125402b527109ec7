"""A person at a plain prompt: what is shown, and what each line that they type decides."""

import asyncio

import msgspec
import pytest

from distill_core import events as ev
from distill_core.analysis import analyse
from distill_core.approval import (
    BudgetProposal,
    Candidate,
    FailureProposal,
    FinalProposal,
    PolicyApprover,
    ProposedCell,
    StepProposal,
)
from distill_core.events import Final, Limits
from distill_core.raising import raised
from distill_core.session import Session
from distill_core.specification import SessionSpec
from distill_core.state import fold
from tests.fakes.models import Scripted, echo
from tests.fakes.sinks import Kept
from tui.headless import Asker, run_headless
from tui.headless.looking import Around

CODE = "import re\nprint(worker_batch([context[:10], context[10:20]]))"
STEP = StepProposal(
    proposal_id="s1",
    step=1,
    turns=15,
    reply="I look at the head first.",
    cells=(ProposedCell(cell_id="c1", code=CODE, analysis=analyse(CODE)),),
)
ANSWER = FinalProposal(proposal_id="final:c1", step=1, answer=Final(value="Mira", text="Mira"))
BUDGET = BudgetProposal(
    proposal_id="budget:worker_calls",
    step=2,
    limit="worker_calls",
    found="10 of 10 worker calls are used",
    limits=Limits(worker_calls=10),
)
FAILURE = FailureProposal(proposal_id="failed:s3", step=2, model="big", found="nobody there")


async def decided(proposal, *lines):
    """The decision after the person has typed `lines`; then the input ends."""
    typed = list(lines)

    def read(_):
        if not typed:
            raise EOFError
        return typed.pop(0)

    decision = await asyncio.wait_for(Asker("ann", read).approver.decide(proposal), 20)
    assert typed == []
    return decision


@pytest.mark.parametrize(
    ("proposal", "lines", "action", "words"),
    [
        (STEP, ["a"], "approve", ""),
        (STEP, ["approve"], "approve", ""),
        (STEP, ["r", "read the end"], "reject", "read the end"),
        (STEP, ["f", "Mira Vale"], "finish", "Mira Vale"),
        (STEP, ["x"], "stop", ""),
        (STEP, ["?", "", "a"], "approve", ""),
        (ANSWER, ["a"], "accept", ""),
        (ANSWER, ["r", "the surname too"], "send_back", "the surname too"),
        (ANSWER, ["x"], "stop", ""),
        (ANSWER, ["u", "and where?"], "follow_up", "and where?"),
        (STEP, ["g", "3"], "regenerate", ""),
        (STEP, ["g", "many", "a"], "approve", ""),
        (STEP, ["d", "v", "k", "p", "a"], "approve", ""),
        (BUDGET, ["x"], "stop", ""),
    ],
)
async def test_a_line_decides(proposal, lines, action, words):
    decision = await decided(proposal, *lines)
    assert decision.action == action
    assert (decision.guidance or decision.answer or "") == words
    assert decision.by == "ann"


@pytest.mark.parametrize("proposal", [STEP, ANSWER, BUDGET, FAILURE])
async def test_the_end_of_the_input_stops_the_session(proposal):
    decision = await decided(proposal)
    assert (decision.action, decision.reason) == ("stop", "the input ended")


async def test_a_raised_budget_has_room_for_more():
    decision = await decided(BUDGET, "r")
    assert decision.action == "raise_budget"
    assert decision.limits.worker_calls == 15


async def test_a_supervisor_that_does_not_answer_is_asked_again(capsys):
    decision = await decided(FAILURE, "a", "t")
    assert decision.action == "try_again"
    said = capsys.readouterr().err
    assert "the supervisor big did not answer: nobody there" in said
    assert "'a' is none of these" in said


@pytest.mark.parametrize(
    ("limits", "name", "value"),
    [
        (Limits(turns=1), "turns", 2),
        (Limits(worker_calls=0), "worker_calls", 1),
        (Limits(money=2.0), "money", 3.0),
        (Limits(money=0.0), "money", 1.0),
        (Limits(seconds=0), "seconds", 1.0),
        (Limits(tokens=1000), "tokens", 1500),
    ],
)
def test_raising_gives_half_as_much_again_and_always_more(limits, name, value):
    assert getattr(raised(limits, name), name) == value


async def test_the_person_sees_what_the_step_will_do(capsys):
    await decided(STEP, "a")
    shown = capsys.readouterr()
    assert "step 1 of 15" in shown.err
    assert STEP.reply in shown.err
    assert "2 worker calls; imports: re" in shown.err
    assert shown.out == ""


async def test_what_a_model_says_cannot_reach_the_terminal_as_a_command(capsys):
    hostile = StepProposal(
        proposal_id="s1", step=1, turns=None, reply="\x1b]52;c;aGk=\x07\x1b[2J\u202eevil", cells=()
    )
    await decided(hostile, "a")
    shown = capsys.readouterr().err
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "evil" in shown


TWO = msgspec.structs.replace(
    STEP,
    proposal_id="s3",
    call_id="s1",
    candidates=(
        Candidate(call_id="s1", reply=STEP.reply, cells=STEP.cells),
        Candidate(call_id="s2", reply="only words", problem="prose"),
        Candidate(
            call_id="s3",
            reply="Another way.",
            cells=(ProposedCell(cell_id="c2", code="x = 1", analysis=analyse("x = 1")),),
        ),
    ),
)


@pytest.mark.parametrize(
    ("lines", "chosen"), [(["a"], "s1"), (["c", "3", "a"], "s3"), (["c", "2", "c", "9", "a"], "s1")]
)
async def test_a_candidate_is_chosen_by_its_number(lines, chosen, capsys):
    assert (await decided(TWO, *lines)).chosen == chosen
    shown = capsys.readouterr().err
    assert "candidate 2 has nothing to run: no code block in it" in shown
    assert "candidate 3:\nAnother way." in shown


async def test_code_of_ones_own_comes_from_the_editor(monkeypatch):
    begun = []

    def edit(text, **_):
        begun.append(text)
        return "print('mine')\n"

    monkeypatch.setattr("click.edit", edit)
    decision = await decided(STEP, "w", "count")
    assert (decision.action, decision.codes) == ("write", ("print('mine')",))
    assert begun[0].startswith("# playbook: count")


def test_a_whole_session_is_decided_and_looked_into_at_the_prompt(tmp_path, capsys):
    lines = [
        *("d", "a"),
        *("v", "t", "len(found) + 40", "", "k", "w1", "o", "better", "p", "1", "r", "now answer"),
        *("u", "and then?", "a", "a"),
    ]
    asker = Asker("ann", lambda _: lines.pop(0))
    cells = ["found = worker_batch(['a', 'b'])", "print(1)", "FINAL(len(found))", "FINAL(query)"]
    policy = PolicyApprover("ask", asker.approver)
    kept = Kept()
    session = Session(
        SessionSpec(query="what?", context="a b c", log_dir=tmp_path / "s"),
        supervisor=Scripted(*[f"```repl\n{code}\n```" for code in cells]),
        worker=echo(),
        approver=policy,
        sinks=[kept],
    )
    asker.around = Around(session=session, policy=policy, state=lambda: fold(kept.events))
    outcome = run_headless(session)
    shown = capsys.readouterr().err
    assert outcome.result.answer == "and then?"
    assert "dry run: 2 worker calls" in shown
    assert "found: list of 2" in shown
    assert "42" in shown
    assert "w1 done: W<a>" in shown
    made = [(d.action, d.by) for d in kept.of(ev.DecisionMade)]
    assert made == [
        ("approve", "ann"),
        ("reject", "ann"),
        ("approve", "policy:steps"),
        ("follow_up", "ann"),
        ("approve", "ann"),
        ("accept", "ann"),
    ]
    assert kept.of(ev.WorkerCallOverridden)[0].response == "better"


@pytest.mark.parametrize("proposal", [STEP, ANSWER, BUDGET], ids=["step", "answer", "budget"])
async def test_a_question_mark_tells_what_each_letter_does(proposal, capsys):
    decision = await decided(proposal, "?", "x")
    assert decision.action == "stop"
    told = capsys.readouterr().err
    assert "run the code as it is" in told
    assert "none of these" not in told
