"""Who decides by which policy, and how a policy gives way to a person."""

import pytest

from distill_core import events as ev
from distill_core.analysis import analyse
from distill_core.approval import (
    CheapBound,
    Decision,
    FinalProposal,
    PersonApprover,
    PolicyApprover,
    ProposedCell,
    StepProposal,
)
from distill_core.errors import ConfigError
from distill_core.forecast import Forecast, Foresight
from tests.distill_core.test_session import Decider, block, go


def proposal(code: str, forecast: Forecast | None = None) -> StepProposal:
    async def look() -> Forecast:
        assert forecast is not None
        return forecast

    return StepProposal(
        proposal_id="s1",
        step=1,
        turns=None,
        reply=code,
        cells=(ProposedCell(cell_id="c1", code=code, analysis=analyse(code)),),
        foresight=Foresight(look) if forecast is not None else None,
    )


async def by(policy: PolicyApprover, proposed) -> str:
    return (await policy.decide(proposed)).by


MANY = "worker_batch([context[i] for i in range(9)])"


@pytest.mark.parametrize(
    ("code", "forecast", "decides"),
    [
        ("print(1)", None, "policy:cheap"),
        ("open('x')", None, "person"),
        ("worker('a')", None, "policy:cheap"),
        (MANY, None, "person"),
        (MANY, Forecast(call_id="s1", worker_calls=9, cost=0.01), "policy:cheap"),
        (MANY, Forecast(call_id="s1", worker_calls=9), "policy:cheap"),
        (MANY, Forecast(call_id="s1", worker_calls=21, cost=0.01), "person"),
        (MANY, Forecast(call_id="s1", worker_calls=9, cost=0.2), "person"),
        (MANY, Forecast(call_id="s1", worker_calls=9, complete=False), "person"),
        ("worker('a')", Forecast(call_id="s1", worker_calls=1, cost=3.0), "person"),
        ("worker('a')", Forecast(call_id="s1", ran=False, complete=False), "policy:cheap"),
    ],
)
async def test_cheap_approves_what_is_harmless_and_asks_little(code, forecast, decides):
    policy = PolicyApprover("cheap", Decider(Decision(action="approve", by="person")))
    assert await by(policy, proposal(code, forecast)) == decides


async def test_cheap_leaves_the_answer_to_the_person():
    policy = PolicyApprover("cheap", Decider(Decision(action="accept", by="person")), bound=CheapBound())
    final = FinalProposal(proposal_id="final:c1", step=1, answer=ev.Final(value=1, text="1"))
    assert await by(policy, final) == "person"


async def test_the_next_steps_are_approved_and_then_a_person_decides_again():
    person = Decider(*[Decision(action="approve", by="person")] * 2, Decision(action="accept", by="person"))
    policy = PolicyApprover("ask", person)
    policy.approve_next(2)
    _, kept, _ = await go(block("1"), block("2"), block("3"), block("FINAL(4)"), approver=policy)
    assert [d.by for d in kept.of(ev.DecisionMade)] == ["policy:steps", "policy:steps", *["person"] * 3]
    changed = kept.of(ev.PolicyChanged)
    assert [(c.policy, c.by, c.steps) for c in changed] == [("ask", "policy:steps", None)]


async def test_switching_takes_a_grant_of_steps_back():
    switched = []
    policy = PolicyApprover("ask", PersonApprover("ada", lambda _: None))
    policy.on_switch = lambda *told: switched.append(told)
    policy.approve_next(5)
    assert policy.name == "auto for 5 more"
    policy.switch("ask")
    assert (policy.name, policy.steps) == ("ask", 0)
    assert switched == [("steps", "ada", 5), ("ask", "ada", None)]


def test_steps_need_a_person_and_a_number():
    with pytest.raises(ConfigError, match="needs a person"):
        PolicyApprover("auto").approve_next(3)
    with pytest.raises(ConfigError, match="number of steps: 0"):
        PolicyApprover("ask", Decider()).approve_next(0)


async def test_a_person_is_shown_the_proposal_before_anything_is_tried():
    order = []

    async def look() -> Forecast:
        order.append("tried")
        person.answer("s1", Decision(action="approve", by=""))
        return Forecast(call_id="s1")

    person = PersonApprover("ada", lambda _: order.append("shown"))
    shown = StepProposal(proposal_id="s1", step=1, turns=None, reply="", cells=(), foresight=Foresight(look))
    assert (await person.decide(shown)).by == "ada"
    assert order == ["shown", "tried"]


async def test_a_policy_that_asks_nobody_tries_nothing():
    async def look() -> Forecast:
        raise AssertionError("tried")

    shown = StepProposal(proposal_id="s1", step=1, turns=None, reply="", cells=(), foresight=Foresight(look))
    assert await by(PolicyApprover("auto"), shown) == "policy:auto"
