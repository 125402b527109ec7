"""A further question in the same REPL state: what is asked, what is kept, what the session comes to."""

import pytest

from distill_core import events as ev
from distill_core.approval import Decision
from distill_core.playbook.transcript import read
from distill_core.reading import read_session
from distill_core.state import fold
from sessions.verify import verify
from tests.distill_core.test_session import Decider, block, go

APPROVE = Decision(action="approve", by="me")
FURTHER = Decision(action="follow_up", by="me", guidance="and why?")


async def test_a_follow_up_goes_on_in_the_same_state_with_the_new_question(tmp_path):
    result, kept, supervisor = await go(
        block("found = 42\nFINAL('because')"),
        block("FINAL(f'{query} {found}')"),
        approver=Decider(APPROVE, FURTHER),
        log_dir=tmp_path / "s",
    )
    assert result.answer == "and why? 42"
    assert (result.status, result.partial) == ("finished", False)
    assert "and why?" in supervisor.sent[1][-1]["content"]
    assert "accepted your answer" in supervisor.sent[1][-1]["content"]
    made = kept.of(ev.DecisionMade)[1]
    assert (made.action, made.proposal_id, made.guidance) == ("follow_up", "final:c1", "and why?")
    state = verify(tmp_path / "s").state
    assert [(q.text, q.answer.text if q.answer else None, q.step) for q in state.questions] == [
        ("what?", "because", 0),
        ("and why?", "and why? 42", 1),
    ]
    assert state.question == "and why?"


async def test_the_accepted_answer_can_be_corrected_before_the_next_question():
    decision = Decision(action="follow_up", by="me", guidance="more?", answer="41 really")
    _, kept, _ = await go(block("FINAL(42)"), block("FINAL(2)"), approver=Decider(APPROVE, decision))
    made = kept.of(ev.DecisionMade)[1]
    assert (made.before, made.after) == (("42",), ("41 really",))
    assert fold(kept.events).questions[0].answer == ev.Final(value="41 really", text="41 really")


async def test_a_follow_up_without_an_answer_keeps_the_one_before_and_says_it_is_partial():
    result, kept, _ = await go(
        block("FINAL('first')"), "prose", "prose", "prose", approver=Decider(APPROVE, FURTHER)
    )
    assert (result.status, result.answer, result.partial) == ("no_code", "prose", True)
    stopped = Decider(APPROVE, FURTHER, Decision(action="stop", by="me"))
    result, kept, _ = await go(block("FINAL('first')"), block("1"), approver=stopped)
    assert (result.status, result.answer, result.partial) == ("stopped", "first", True)
    assert fold(kept.events).questions[1].answer is None


async def test_proposals_say_which_question_they_answer_and_what_was_spent():
    approver = Decider(APPROVE, FURTHER)
    await go(block("FINAL(worker('a'))"), block("FINAL(1)"), approver=approver)
    finals = [p for p in approver.seen if p.proposal_id.startswith("final:")]
    assert [p.question for p in finals] == ["what?", "and why?"]
    assert finals[0].spent.worker_calls == 1


async def test_the_answer_dictionary_of_the_rlm_dialect_answers_once():
    result, _, _ = await go(
        block("answer['content'] = 'one'\nanswer['ready'] = True"),
        block("seen = True"),
        block("answer['content'] = 'two'\nanswer['ready'] = True"),
        approver=Decider(APPROVE, FURTHER),
        dialect="rlm",
    )
    assert result.answer == "two"


@pytest.mark.parametrize("question", ["Who?", "Who signed?\n\nThis is turn 3 of 5."])
async def test_the_playbook_reads_the_new_question_and_starts_over(question, tmp_path):
    decision = Decision(action="follow_up", by="me", guidance=question)
    await go(
        block("FINAL(1)"), block("FINAL(2)"), approver=Decider(APPROVE, decision), log_dir=tmp_path / "s"
    )
    talk = read(fold(read_session(tmp_path / "s").events).prompt("s2"))
    assert talk.question == "Who?" if question == "Who?" else talk.question.startswith("Who signed?")
    assert talk.turns == ()
