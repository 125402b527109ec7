"""Several replies to one prompt: asked for at once, one chosen, the others kept."""

import asyncio

import pytest

from distill_core import events as ev
from distill_core.approval import Decision
from distill_core.errors import ModelError
from distill_core.models.base import LMResponse, ModelHandler, Usage
from distill_core.state import fold
from sessions.verify import verify
from tests.distill_core.test_session import Decider, block, go


def regenerate(more: int) -> Decision:
    return Decision(action="regenerate", by="me", more=more)


async def test_candidates_are_asked_from_the_same_prompt_and_one_is_taken(tmp_path):
    approver = Decider(regenerate(2), Decision(action="approve", by="me", chosen="s3"))
    _, kept, supervisor = await go(
        block("x = 1"),
        block("x = 2"),
        block("x = 3"),
        block("FINAL(x)"),
        approver=approver,
        log_dir=tmp_path / "s",
    )
    assert supervisor.sent[0] == supervisor.sent[1] == supervisor.sent[2]
    assert [c.candidate for c in kept.of(ev.SupervisorCalled)] == [0, 1, 2, 0]
    assert [(c.call_id, c.code) for c in kept.of(ev.CellProposed)][:3] == [
        ("s1", "x = 1"),
        ("s2", "x = 2"),
        ("s3", "x = 3"),
    ]
    assert [c.code for c in kept.of(ev.CellStarted)] == ["x = 3", "FINAL(x)"]
    first, second = kept.of(ev.DecisionMade)[:2]
    assert (first.action, first.proposal_id, first.more) == ("regenerate", "s1", 2)
    assert (second.action, second.proposal_id, second.chosen) == ("approve", "s3", "s3")
    assert second.before == ("x = 3",)
    state = verify(tmp_path / "s").state
    assert state == fold(kept.events)
    assert state.steps[0].chosen == "s3"
    assert state.replies["s4"].extends == "s3"
    assert state.prompt("s4") == supervisor.sent[3]
    assert "x = 3" in supervisor.sent[3][-2]["content"]


async def test_without_a_choice_the_first_is_taken_and_said_to_be():
    approver = Decider(regenerate(1))
    _, kept, _ = await go(block("FINAL(1)"), block("FINAL(2)"), approver=approver)
    assert kept.of(ev.DecisionMade)[1].chosen == "s1"
    assert kept.of(ev.SessionFinished)[0].answer.value == 1


async def test_a_candidate_can_be_edited_or_rejected_like_any_proposal():
    approver = Decider(
        regenerate(1), Decision(action="edit", by="me", chosen="s2", codes=("FINAL('edited')",))
    )
    result, kept, _ = await go(block("a = 1"), block("b = 2"), approver=approver)
    made = kept.of(ev.DecisionMade)[1]
    assert (made.before, made.after, result.answer) == (("b = 2",), ("FINAL('edited')",), "edited")
    assert [c.cell_id for c in kept.of(ev.CellStarted)] == ["c2"]


async def test_a_candidate_without_code_and_one_that_fails_leave_the_others_to_decide_on():
    approver = Decider(regenerate(3), Decision(action="approve", by="me", chosen="s4"))
    result, kept, _ = await go(
        block("1"), "only prose", ModelError("no route"), block("FINAL(4)"), approver=approver
    )
    assert result.answer == "4"
    proposal = approver.seen[1]
    assert [(c.call_id, c.problem) for c in proposal.candidates] == [
        ("s1", None),
        ("s2", "prose"),
        ("s4", None),
    ]
    assert len(kept.of(ev.SupervisorFailed)) == 1
    until = [e for e in kept.events if e.seq < kept.of(ev.DecisionMade)[1].seq]
    assert fold(until).steps[0].phase == "proposed"


async def test_regenerating_again_numbers_on():
    approver = Decider(regenerate(1), regenerate(1), Decision(action="approve", by="me", chosen="s2"))
    _, kept, _ = await go(block("FINAL(1)"), block("FINAL(2)"), block("FINAL(3)"), approver=approver)
    assert [c.candidate for c in kept.of(ev.SupervisorCalled)] == [0, 1, 2]
    assert len({p.proposal_id for p in approver.seen[:3]}) == 3


async def test_the_budget_bounds_candidates_and_what_there_is_stays():
    approver = Decider(regenerate(4))
    replies = [LMResponse(block(f"FINAL({n})"), Usage(prompt_tokens=1500, calls=1)) for n in range(5)]
    result, kept, _ = await go(*replies, approver=approver, limits=ev.Limits(tokens=4000))
    assert len(kept.of(ev.SupervisorCalled)) == 2
    assert result.answer == "0"


class AtOnce(ModelHandler):
    """Answers none of its calls before all of them have come."""

    model = "at once"
    native_async = True

    def __init__(self, calls: int) -> None:
        self.params = []
        self._all = asyncio.Barrier(calls)

    def chat(self, messages, **kwargs):
        raise AssertionError

    def chat_batch(self, message_batches, **kwargs):
        raise AssertionError

    def sampling(self):
        return {"temperature": 0.0, "seed": 7}

    async def achat(self, messages, *, on_delta=None, **kwargs):
        self.params.append(kwargs)
        if len(self.params) > 1:
            await self._all.wait()
        return LMResponse(text=block(f"FINAL({len(self.params)})"), usage=Usage(calls=1))


@pytest.mark.timeout(30)
async def test_candidates_are_asked_for_at_once_and_so_that_they_may_differ():
    from distill_core.runner import arun
    from tests.fakes.models import echo
    from tests.fakes.sinks import Kept

    kept, supervisor = Kept(), AtOnce(3)
    await arun("q", "d", supervisor, echo(), approver=Decider(regenerate(3)), sinks=[kept])
    assert supervisor.params == [{}, *({"seed": 7 + n, "temperature": 0.7} for n in (1, 2, 3))]
    assert [c.params["seed"] for c in kept.of(ev.SupervisorCalled)] == [7, 8, 9, 10]
