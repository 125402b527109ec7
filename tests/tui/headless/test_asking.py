"""A person at a plain prompt: what is shown, and what each line that they type decides."""

import asyncio

import pytest

from distill_core.analysis import analyse
from distill_core.approval import BudgetProposal, FinalProposal, ProposedCell, StepProposal
from distill_core.events import Final, Limits
from distill_core.raising import raised
from tui.headless import Asker

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
        (BUDGET, ["x"], "stop", ""),
    ],
)
async def test_a_line_decides(proposal, lines, action, words):
    decision = await decided(proposal, *lines)
    assert decision.action == action
    assert (decision.guidance or decision.answer or "") == words
    assert decision.by == "ann"


@pytest.mark.parametrize("proposal", [STEP, ANSWER, BUDGET])
async def test_the_end_of_the_input_stops_the_session(proposal):
    decision = await decided(proposal)
    assert (decision.action, decision.reason) == ("stop", "the input ended")


async def test_a_raised_budget_has_room_for_more():
    decision = await decided(BUDGET, "r")
    assert decision.action == "raise_budget"
    assert decision.limits.worker_calls == 15


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
