"""A replay runs every cell again with what it was answered, and says whether it came out the same."""

import json

import msgspec
import pytest

from distill_core import events as ev
from distill_core.approval import Decision
from distill_core.models.base import LMResponse, TokenLogprob, Usage
from distill_core.models.recorded import RecordedHandler
from distill_core.record import record_of
from distill_core.replaying import replay
from distill_core.respecifying import spec_of
from distill_core.session import Session
from distill_core.state import Step
from distill_core.trying_again import DecidedAgain, compare, supervisor_again
from tests.distill_core.test_session import Decider
from tests.fakes.models import Answering, Scripted, echo
from tests.fakes.recordings import DOCUMENT, block, record_in, recorded

APPROVE = Decision(action="approve", by="me")
FURTHER = Decision(action="follow_up", by="me", guidance="and why?")
RUNS = ("assay_hit_rank", "gc_content_rank", "gene_expression_hits")


async def session(folder, *replies, worker=None, approver=None, **spec):
    await recorded(folder / "s", Scripted(*replies), worker or echo(), approver, **spec)
    return record_in(folder / "s")


async def again(record, context=DOCUMENT, **options):
    return await replay(record, context, isolation="none", **options)


@pytest.mark.parametrize("name", RUNS)
async def test_real_recorded_runs_come_out_equal(shared, tmp_path, name):
    folder = shared / "data" / "replay" / name
    task = json.loads((folder / "task.json").read_text())
    turns = [json.loads(line) for line in (folder / "turns.jsonl").read_text().splitlines()]
    calls = [call for turn in turns for b in turn["blocks"] for call in b["worker_calls"]]
    answers = {call["prompt"]: call["response"] for call in calls}
    document = (folder / "document.txt").read_text()
    await recorded(
        tmp_path / "s",
        RecordedHandler([(None, LMResponse(text=turn["response"])) for turn in turns]),
        Answering(answers.__getitem__),
        query=task["question"],
        context=document,
        dialect="rlm",
        limits=ev.Limits(turns=len(turns)),
    )
    record = record_in(tmp_path / "s")
    result = await again(record, document, to_the_end=True)
    assert result.equal, result.divergences
    assert len(result.reruns) == len(record.cells) > 0


async def test_random_numbers_sets_errors_and_final_come_out_equal(tmp_path):
    record = await session(
        tmp_path,
        block("import random\nprint(random.random(), {'a', 'b', 'c', 'd'}, object())"),
        block("import sys\nprint('warn', file=sys.stderr)\n1/0"),
        block("try:\n    FINAL({'a': worker('x')})\nexcept Exception:\n    pass"),
        seed=11,
    )
    result = await again(record)
    assert result.equal, result.divergences
    assert [run.result.status for run in result.reruns] == ["ok", "error", "final"]


async def test_edited_code_is_what_runs_again_and_rejected_code_is_not(tmp_path):
    decisions = [
        Decision(action="edit", by="me", codes=("print('mine')",)),
        Decision(action="reject", by="me", guidance="no"),
        Decision(action="regenerate", by="me"),
        Decision(action="approve", by="me", chosen="s4"),
    ]
    record = await session(
        tmp_path,
        block("print('its')"),
        block("print('rejected')"),
        block("print('first candidate')"),
        block("print('second candidate')"),
        block("FINAL(1)"),
        approver=Decider(*decisions),
    )
    result = await again(record)
    assert result.equal
    assert [run.cell.code for run in result.reruns] == [
        "print('mine')",
        "print('second candidate')",
        "FINAL(1)",
    ]


async def test_code_that_reads_the_question_is_asked_the_one_it_was_asked_then(tmp_path):
    record = await session(
        tmp_path,
        block("print(query)\nFINAL(1)"),
        block("FINAL(query)"),
        approver=Decider(APPROVE, FURTHER),
    )
    result = await again(record)
    assert result.equal, result.divergences
    assert [run.result.final.text for run in result.reruns] == ["1", "and why?"]


async def test_failed_and_refused_calls_fail_again(tmp_path):
    def answer(prompt):
        if prompt == "bad":
            raise ValueError("no such thing")
        return prompt.upper()

    code = (
        "for p in ('good', 'bad', 'over'):\n"
        "    try:\n        print(worker(p))\n"
        "    except Exception as e:\n        print(e)"
    )
    record = await session(
        tmp_path,
        block(code),
        block("print(worker_batch(['p', 'q']))"),
        block("FINAL(1)"),
        worker=Answering(answer),
        limits=ev.Limits(worker_calls=2),
    )
    result = await again(record)
    assert result.equal, result.divergences
    assert "no such thing" in result.reruns[0].result.stdout
    assert "2 of 2 worker calls are used" in result.reruns[0].result.stdout


async def test_equal_prompts_get_their_replies_in_order(tmp_path):
    count = iter(range(100))
    record = await session(
        tmp_path,
        block("print(worker_batch(['x'] * 3), worker('x'), worker_batch(['x', 'y']))"),
        block("FINAL(1)"),
        worker=Answering(lambda _: str(next(count))),
    )
    assert (await again(record)).equal


async def test_threads_may_ask_in_another_order(tmp_path):
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    print(list(pool.map(worker, [f'p{i}' for i in range(20)])))"
    )
    record = await session(tmp_path, block(code), block("FINAL(1)"))
    assert (await again(record)).equal


async def test_what_primitives_gave_is_given_again(tmp_path):
    given = iter(range(100))

    async def ticket(kind: str = "") -> int:
        """A number."""
        if kind == "gold":
            raise ValueError("sold out")
        return next(given)

    code = "print(ticket(), ticket(kind='x'), budget()['worker_calls'])\nticket('gold')"
    record = await session(tmp_path, block(code), block("FINAL(1)"), primitives={"ticket": ticket})
    result = await again(record)
    assert result.equal, result.divergences
    assert next(given) == 2


async def test_the_worker_s_probabilities_are_given_again(tmp_path):
    class Sure(Answering):
        logprobs = True

        def chat(self, messages, **kwargs):
            top = TokenLogprob(token="Yes", logprob=-0.5, top=(("Yes", -0.5), ("No", -1.0)))
            return LMResponse(text="Yes", usage=Usage(calls=1), logprobs=(top,))

    supervisor = Scripted(block("print(worker_yes(['is it?', 'really?']))"), block("FINAL(1)"))
    supervisor.primitives = ("worker_yes",)
    await recorded(tmp_path / "s", supervisor, Sure(str))
    record = record_in(tmp_path / "s")
    result = await again(record)
    assert result.equal, result.divergences
    assert "0.606" in result.reruns[0].result.stdout


async def test_an_interrupted_cell_is_cut_where_its_record_ends(tmp_path):
    control = []

    async def cut() -> str:
        """Has the cell interrupted."""
        control[0].interrupt("me")
        return "soon"

    spec_session = Session(
        spec_of(
            record_of((await session(tmp_path, block("FINAL(1)"))).events),
            DOCUMENT,
            log_dir=tmp_path / "cut",
            isolation="none",
            primitives={"cut": cut},
        ),
        supervisor=Scripted(
            block("n = 0\nprint('begun')\ncut()\nwhile True:\n    n += 1"), block("FINAL('done')")
        ),
        worker=echo(),
        approver=Decider(),
    )
    control.append(spec_session)
    await spec_session.run()
    record = record_in(tmp_path / "cut")
    assert record.cells[0].cut
    result = await again(record)
    assert result.equal, result.divergences
    assert [run.cut for run in result.reruns] == [True, False]


async def test_it_stops_at_the_first_difference_and_shows_both_sides(tmp_path):
    record = await session(
        tmp_path, block("import os\nprint('pid', os.getpid())"), block("print(2)"), block("FINAL(1)")
    )
    result = await again(record)
    assert not result.equal
    assert [run.cell.cell_id for run in result.reruns] == ["c1"]
    (difference,) = result.divergences
    assert (difference.kind, difference.recorded[:4], difference.found[:4]) == ("output", "pid ", "pid ")
    assert len((await again(record, to_the_end=True)).reruns) == 3


async def test_another_document_makes_other_prompts(tmp_path):
    record = await session(tmp_path, block("print(worker(context[:5]))"), block("FINAL(1)"))
    result = await again(record, "omega psi")
    assert [(d.kind, d.recorded, d.found) for d in result.divergences[:1]] == [("prompt", "alpha", "omega")]


async def test_asking_less_is_a_difference_too(tmp_path):
    record = await session(tmp_path, block("r = [worker(w) for w in context.split()]"), block("FINAL(1)"))
    result = await again(record, "alpha beta")
    assert [(d.kind, d.recorded) for d in result.divergences] == [("calls", "gamma")]


# ---------------------------------------------------------------- another worker


async def with_worker(record, worker, folder):
    spec = spec_of(record, DOCUMENT, log_dir=folder, isolation="none", kind="replay")
    replaying = Session(
        spec, supervisor=supervisor_again(record), worker=worker, approver=DecidedAgain(record)
    )
    return await replaying.run()


async def test_another_worker_runs_the_same_code_and_is_compared(tmp_path):
    edit = Decision(action="edit", by="me", codes=("r = worker_batch(context.split())\nprint(r)",))
    record = await session(
        tmp_path, block("print('its')"), "prose", block("FINAL(r)"), approver=Decider(edit)
    )
    other = Answering(lambda prompt: "W<alpha>" if prompt == "alpha" else prompt.upper())
    result = await with_worker(record, other, tmp_path / "other")
    assert result.answer == '["W<alpha>", "BETA", "GAMMA", "DELTA"]'
    assert result.supervisor_usage.total_tokens == 0
    now = record_in(tmp_path / "other").state
    assert (now.started.kind, now.steps[0].decisions[0].by) == ("replay", "replay")
    found = compare(record.state, now)
    assert (found.same, len(found.pairs)) == (1, 4)
    assert [(p.before, p.now) for p in found.pairs[1:2]] == [("W<beta>", "BETA")]


async def test_another_worker_is_asked_the_further_questions_too(tmp_path):
    corrected = Decision(action="follow_up", by="me", guidance="and why?", answer="mine")
    record = await session(
        tmp_path,
        block("FINAL(worker('a'))"),
        block("FINAL(f'{query} {worker(query)}')"),
        approver=Decider(APPROVE, corrected),
    )
    result = await with_worker(record, Answering(str.upper), tmp_path / "other")
    assert (result.status, result.answer) == ("finished", "and why? AND WHY?")
    questions = record_in(tmp_path / "other").state.questions
    assert [(q.text, q.answer.text) for q in questions] == [("what?", "mine"), ("and why?", result.answer)]


@pytest.mark.parametrize(
    ("decisions", "came_to"),
    [
        ([APPROVE, Decision(action="accept", by="me", answer="corrected")], ("finished", "corrected")),
        ([Decision(action="finish", by="me", answer="by hand")], ("finished", "by hand")),
        ([APPROVE, Decision(action="stop", by="me")], ("stopped", "A")),
        ([Decision(action="stop", by="me")], ("stopped", "")),
    ],
    ids=["a corrected answer", "finished by hand", "stopped at the answer", "stopped at the code"],
)
async def test_another_worker_s_session_ends_by_the_same_decision(tmp_path, decisions, came_to):
    record = await session(tmp_path, block("FINAL(worker('a'))"), approver=Decider(*decisions))
    result = await with_worker(record, Answering(str.upper), tmp_path / "other")
    assert (result.status, result.answer) == came_to


async def test_code_that_nobody_decided_on_is_not_run_with_another_worker(tmp_path):
    record = await session(tmp_path, block("print(worker('a'))"), block("worker('never')"))
    undecided = record_of(
        e
        for e in record.events
        if e.step < 2
        or isinstance(e, (ev.SupervisorCalled, ev.SupervisorReplied, ev.CellProposed, ev.MessageAdded))
    )
    other = echo()
    assert (await with_worker(undecided, other, tmp_path / "other")).status == "stopped"
    assert other.prompts == ["a"]


async def test_a_session_that_a_bound_ended_is_tried_with_another_worker(tmp_path):
    much = LMResponse(text=block("print(worker('a'))"), usage=Usage(prompt_tokens=4900, calls=1))
    record = await session(tmp_path, much, block("never"), limits=ev.Limits(tokens=5000))
    assert record.state.finished.status == "budget"
    # A step at which nothing was asked of the supervisor.
    steps = record.state.steps.append(Step(number=2))
    state = msgspec.structs.replace(record.state, steps=steps)
    assert supervisor_again(msgspec.structs.replace(record, state=state)).left == 1
    assert supervisor_again(record).left == 1
