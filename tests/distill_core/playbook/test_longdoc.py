"""Real documents, real questions: the playbook with a worker that knows the answer when it sees the evidence."""

import pytest

from benchmarks.longdoc_cases import Case, correct, document, load_cases, with_needles
from distill_core.playbook import PlaybookSupervisor
from distill_core.runner import arun
from tests.fakes.gold_worker import GoldWorker


def gold_worker(case, **options):
    """The stub for a case; gold that is no text has no words to find in a piece."""
    gold = case.gold if isinstance(case.gold, list) else [case.gold]
    return GoldWorker([str(one) for one in gold], case.evidence, **options)


@pytest.mark.parametrize("tells_probabilities", [True, False])
@pytest.mark.parametrize("case_id", ["ld-16", "ld-18", "ld-27", "ld-28", "ld-30"])
async def test_the_right_answer_is_reached(shared, case_id, tells_probabilities):
    folder = shared / "data" / "longdoc"
    case = next(case for case in load_cases(folder) if case.id == case_id)
    text = document(case, folder)
    worker = gold_worker(case, tells_probabilities=tells_probabilities)
    result = await arun(case.question, text, PlaybookSupervisor(), worker)
    assert correct(case, result.answer), result.answer
    assert result.status == "finished"
    for line in result.answer.split("\nEvidence:\n")[1:]:
        quote = line.split("“")[1].split("”")[0]
        assert quote in " ".join(text.split())


async def test_every_needle_and_count_case_is_tried_here(shared):
    cases = load_cases(shared / "data" / "longdoc")
    tried = {case.id for case in cases if "needle" in case.kind or "count" in case.kind}
    assert tried == {"ld-27", "ld-28", "ld-30"}


@pytest.mark.parametrize("depth", [0.0, 0.31, 0.999])
async def test_a_needle_is_found_wherever_it_lies(shared, depth):
    text = (shared / "data" / "longdoc" / "docs" / "kjv_bible.txt").read_text("utf-8")
    needle = "One of the special magic numbers for teal-lantern is: 7071067."
    text = with_needles(text, [{"depth": depth, "text": needle}])
    asked = "What are all the special magic numbers for teal-lantern mentioned in the provided text?"
    result = await arun(asked, text, PlaybookSupervisor(), GoldWorker(["7071067"]))
    assert result.answer.startswith("7071067")


async def test_the_stub_answers_nothing_that_it_was_not_sent():
    worker = GoldWorker(["5240080"])
    assert worker.reply("no number here\n---\nQuestion: the number? It is not 5240080?") == "NONE"
    assert worker.reply("It is 5240080.\n---\nQuestion: the number?").startswith("5240080")
    both = GoldWorker(
        ["20,300"], ["20,000 fell in the first town that day.", "300 fell in the second town that day."]
    )
    assert both.reply("Of houses, 300 fell in the second town that day.\n---\n?").startswith("Of houses, 300")
    assert both.reply(
        "20,000 fell in the first town that day. 300 fell in the second town that day.\n---\n?"
    ).startswith("20,300")


def case(scorer, gold):
    return Case(id="x", kind="", document="", question="", gold=gold, scorer=scorer, document_chars=0)


@pytest.mark.parametrize(
    ("scorer", "gold", "right", "wrong"),
    [
        ("mcq_number", "3", "3\n\nEvidence:\n- “1 of 4”", "four"),
        ("contains_any_normalised", ["20,300"], "It is 20,300.", "120,300"),
        ("string_match_all (RULER)", ["52", "64"], "64, 52", "52\n\nEvidence:\n- “64”"),
        ("integer_exact", 5, "5", "5 or 6"),
        ("json_equal_on_keys:a,b", [{"a": 1, "b": 2, "c": 3}], '[{"a": 1, "b": 2}]', '[{"a": 1}]'),
    ],
)
def test_scorers_tell_right_from_wrong(scorer, gold, right, wrong):
    assert correct(case(scorer, gold), right)
    assert not correct(case(scorer, gold), wrong)
    assert not correct(case(scorer, gold), "")


def test_an_unknown_scorer_is_an_error():
    with pytest.raises(ValueError, match="bleu"):
        correct(case("bleu", "x"), "x")
