"""Real documents, real questions: the playbook with a worker that knows the answer when it sees the evidence."""

import json
import sys

import pytest

from benchmarks import longdoc
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


@pytest.mark.parametrize("tells_probabilities", [True, False])
async def test_all_needles_of_a_key_are_found(shared, tells_probabilities):
    text = (shared / "data" / "longdoc" / "docs" / "kjv_bible.txt").read_text("utf-8")
    gold = ["1000003", "2000003", "3000017", "4000037", "5000011"]
    needles = [
        {"depth": 0.05 + 0.2 * n, "text": f"One of the special magic numbers for teal-lantern is: {value}."}
        for n, value in enumerate(gold)
    ]
    needles.append({"depth": 0.051, "text": "One of the special magic numbers for teal-lantern is: 6000011."})
    needles.append({"depth": 0.5, "text": "One of the special magic numbers for grey-lantern is: 9999991."})
    asked = "What are all the special magic numbers for teal-lantern mentioned in the provided text?"
    worker = GoldWorker([*gold, "6000011", "9999991"], tells_probabilities=tells_probabilities)
    result = await arun(asked, with_needles(text, needles), PlaybookSupervisor(), worker)
    head = result.answer.split("\nEvidence")[0]
    assert all(value in head for value in [*gold, "6000011"])
    assert "9999991" not in head


TINY = {
    "id": "tiny-1", "kind": "exact count", "document": "docs/a.txt", "question": 'How often does the word "owl" occur?',
    "gold": 2, "scorer": "integer_exact", "document_chars": 12,
}  # fmt: skip


def test_the_benchmark_prints_a_row_for_each_case(tmp_path, monkeypatch, capsys):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("owl, no, owl")
    wrong = TINY | {"id": "tiny-2", "gold": 3}
    (tmp_path / "cases.jsonl").write_text(json.dumps(TINY) + "\n" + json.dumps(wrong) + "\n")
    monkeypatch.setattr(
        sys, "argv", ["longdoc", "--cases", str(tmp_path), "--log-dir", str(tmp_path / "logs")]
    )
    longdoc.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[:4] == ["tiny-1", "probe", "count", "right"]
    assert lines[3].split()[:4] == ["tiny-2", "probe", "count", "WRONG"]
    assert lines[4] == "1 of 2 right"
    assert (tmp_path / "logs" / "tiny-1" / "repl.jsonl").exists()


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
