"""Each strategy's program, run as it is written, in the real REPL."""

import json
import re

import pytest

from distill_core import fences
from distill_core.analysis import analyse
from distill_core.errors import ConfigError
from distill_core.playbook import program, strategies
from distill_core.playbook.brief import Facts
from distill_core.repl import REPL

CHAPTERS = [
    f"Chapter {n}. On day {n} the crew rowed past island number {n} and saw nothing but gulls and weed."
    for n in range(1, 60)
]
CHAPTERS[30] += " The surgeon, Mira Vale, kept the brass key in her boot."
BOOK = "\n\n".join(CHAPTERS)
QUESTION = "Where did the surgeon keep the brass key?"


def reader(prompt):
    """Reads what it is sent: the key is in a boot where the piece says so."""
    piece = prompt.rpartition("\n---\n")[0]
    if "brass key" not in piece:
        return "NONE"
    return "in her boot\n“The surgeon, Mira Vale, kept the brass key in her boot.”"


def report(result):
    lines = [line for line in result.stdout.splitlines() if line.startswith("PLAYBOOK ")]
    return json.loads(lines[-1].removeprefix("PLAYBOOK "))


def run(*codes, context=BOOK, query=QUESTION, worker=reader, **options):
    """The results of running `codes` in one REPL."""
    with REPL(context, query, worker=worker, **options) as repl:
        return [repl.execute(code) for code in codes]


def test_every_strategy_is_listed_with_one_line():
    listed = strategies()
    assert {"probe", "search", "mapreduce", "count", "read", "answer"} <= set(listed)
    assert all(text and "\n" not in text for text in listed.values())


def test_an_unknown_strategy_is_named_with_those_there_are():
    with pytest.raises(ConfigError, match=r"telepathy.*search"):
        program("telepathy")


@pytest.mark.parametrize("name", ["probe", "search", "mapreduce", "count", "read", "answer"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        QUESTION,
        "Summarise it.",
        "List all ```keys```.",
        "Which?\n1. a\n2. b",
        'How often is "it\'s" used?',
    ],
)
def test_programs_are_one_readable_harmless_block(name, query):
    code = program(name, query)
    assert analyse(code).suspects == ()
    offered = {"context", "query", "budget", "worker_batch", "worker_yes", "FINAL"}
    assert set(analyse(code).uses) <= offered | ({"found"} if name == "answer" else set())
    assert code.startswith(f"# playbook: {name}\n# ")
    assert max(map(len, code.splitlines())) <= 120
    found = fences.extract_blocks(f"Reasons.\n\n```repl\n{code}```\n", finish_reason="stop")
    assert [block.code.strip() for block in found.blocks] == [code.strip()]


def test_the_probe_tells_what_the_document_is():
    (result,) = run(program("probe"))
    assert report(result) == {
        "did": "probe", "kind": "str", "chars": len(BOOK), "items": 0, "lines": BOOK.count("\n") + 1,
        "terms": {"surgeon": 1, "keep": 0, "brass": 1, "key": 1},
    }  # fmt: skip
    assert result.worker_calls == ()


@pytest.mark.parametrize(
    ("context", "kind"), [(CHAPTERS, "list"), (dict(enumerate(CHAPTERS)), "dict"), ("", "str"), ([], "list")]
)
def test_the_probe_copes_with_every_context(context, kind):
    context = {str(key): value for key, value in context.items()} if isinstance(context, dict) else context
    (result,) = run(program("probe"), context=context)
    told = report(result)
    assert told["kind"] == kind
    assert told["items"] == (0 if isinstance(context, str) else len(context))


def test_search_then_answer_gives_the_answer_with_its_quote_and_place():
    *_, last = run(program("search", QUESTION), program("answer", QUESTION))
    at = BOOK.index("The surgeon")
    assert last.final.value == (
        f"in her boot\n\nEvidence:\n- “The surgeon, Mira Vale, kept the brass key in her boot.” (char {at})"
    )


def test_search_reads_the_best_pieces_only():
    (result,) = run(program("search", QUESTION), context=BOOK * 30)
    assert report(result)["read"] == 10 < report(result)["pieces"]
    assert len(result.worker_calls) == 10


def test_what_the_gate_refuses_is_not_read():
    seen = []

    def worker_yes(prompts):
        seen.extend(prompts)
        return [1.0 if "brass key" in prompt.rpartition("\n---\n")[0] else 0.0 for prompt in prompts]

    (result,) = run(program("search", QUESTION), primitives={"worker_yes": worker_yes})
    assert len(seen) == report(result)["read"]
    assert len(result.worker_calls) == 1
    assert report(result)["verified"] == 1


def test_a_worker_that_tells_no_probabilities_reads_everything():
    (result,) = run(
        program("search", QUESTION), primitives={"worker_yes": lambda prompts: [None] * len(prompts)}
    )
    assert len(result.worker_calls) == report(result)["read"]
    assert report(result)["verified"] == 1


def test_a_piece_that_was_overlooked_is_asked_again_about_its_closest_lines():
    def overlooks(prompt):
        return reader(prompt) if len(prompt) < 1_200 else "NONE"

    *_, last = run(program("search", QUESTION), program("answer", QUESTION), worker=overlooks)
    assert last.final.value.startswith("in her boot\n\nEvidence:\n- “The surgeon, Mira Vale")


def test_who_says_none_of_a_passage_that_surely_holds_the_answer_is_asked_without_a_way_out():
    text = "\n\n".join(
        f"Chapter {n}. Of {word}, and of nothing else." for n, word in enumerate(("ropes",) * 90)
    )
    book = text + "\n\nOne of the numbers for quiet-harbor is: 52400.\n\n" + text
    sure = {"worker_yes": lambda prompts: [0.8 if "52400" in prompt else 0.6 for prompt in prompts]}
    said = {"52400": "The number for quiet-harbor is: 52400.", "ropes": "The number for quiet-harbor is 17."}

    def shy(prompt):
        return "NONE" if "NONE" in prompt else next(words for mark, words in said.items() if mark in prompt)

    question = "Which is the number for quiet-harbor?"
    (result,) = run(program("search", question), worker=shy, context=book, primitives=sure)
    assert "2 passages with the rarest term asked without a way out" in result.stdout
    assert report(result)["verified"] == 1
    assert "52400" in result.stdout
    # What it makes up then is not borne out, and of a passage that it is less sure of it is not asked.
    said["52400"] = said["ropes"]
    (result,) = run(program("search", question), worker=shy, context=book, primitives=sure)
    assert report(result)["verified"] == 0
    sure["worker_yes"] = lambda prompts: [0.6] * len(prompts)
    (result,) = run(program("search", question), worker=shy, context=book, primitives=sure)
    assert "0 passages with the rarest term" in result.stdout


def test_what_is_found_is_asked_for_again_only_where_there_may_be_more():
    book = BOOK + "\n\nThe surgeon kept a diary, too."
    (one,) = run(program("search", QUESTION), context=book)
    assert (report(one)["verified"], "asked again" in one.stdout) == (1, False)
    (several,) = run(program("search", "List all that the surgeon kept."), context=book)
    assert (report(several)["verified"], "asked again" in several.stdout) == (1, True)


def test_asking_again_keeps_a_call_for_the_conclusion():
    gate = {"worker_yes": lambda prompts: [None] * len(prompts), "budget": lambda: {"worker_calls": 5}}
    (result,) = run(program("search", QUESTION), worker=lambda _: "NONE", context=BOOK * 30, primitives=gate)
    assert len(result.worker_calls) == 4  # two pieces, and their closest lines: the budget here never shrinks
    assert report(result)["asked"] == 4


def test_a_low_budget_means_fewer_pieces():
    gate = {"worker_yes": lambda prompts: [None] * len(prompts)}
    (result,) = run(
        program("search", QUESTION),
        context=BOOK * 30,
        primitives=gate | {"budget": lambda: {"worker_calls": 5}},
    )
    assert len(result.worker_calls) == 2
    (none,) = run(program("search", QUESTION), primitives={"budget": lambda: {"worker_calls": 0}})
    assert none.status == "ok"
    assert none.worker_calls == ()
    assert report(none)["next"] == "answer"


def test_failed_calls_do_not_end_the_search():
    calls = []

    def flaky(prompt):
        calls.append(prompt)
        if len(calls) % 2:
            raise RuntimeError("endpoint busy")
        return reader(prompt)

    (result,) = run(program("search", QUESTION), worker=flaky)
    assert result.status == "ok"
    assert report(result)["failed"] > 0


def test_what_nobody_read_is_not_concluded_from():
    def down(prompt):
        raise RuntimeError("connection refused")

    first, last = run(program("search", QUESTION), program("answer", QUESTION), worker=down)
    assert report(first)["failed"] == report(first)["asked"] > 0
    assert last.final is None
    assert "worker calls was answered, so nothing was read" in last.traceback


def test_what_the_document_does_not_say_is_not_found():
    first, _, last = run(
        program("search", QUESTION), program("mapreduce", QUESTION), program("answer", QUESTION),
        context=(BOOK * 30).replace("brass key", "iron nail"),
    )  # fmt: skip
    assert report(first)["next"] == "mapreduce"
    assert last.final.value.startswith("Not found")


def test_an_answer_without_a_quote_in_the_document_is_marked():
    *_, last = run(
        program("search", QUESTION), program("answer", QUESTION),
        worker=lambda prompt: "under a stone\n“It lay under a stone by the well.”",
    )  # fmt: skip
    assert last.final.value == "under a stone (unverified: no quote for it was found in the document)"


def test_mapreduce_reads_every_piece():
    first, last = run(program("mapreduce", QUESTION, room=700), program("answer", QUESTION, room=700))
    assert report(first)["read"] == report(first)["pieces"] > 5
    assert last.final.value.startswith("in her boot\n\nEvidence:\n- “The surgeon")


def test_a_summary_is_folded_from_all_pieces():
    rounds = []

    def summarise(prompt):
        rounds.append(prompt)
        return "Gulls and weed everywhere."

    asked = "Summarise the document."
    first, last = run(
        program("mapreduce", asked, room=700),
        program("answer", asked, room=700),
        query=asked,
        worker=summarise,
    )
    assert len(first.worker_calls) == report(first)["pieces"]
    assert last.final.value.startswith("Gulls and weed everywhere.")
    assert len(last.worker_calls) >= 1


def test_a_small_document_is_read_in_one_call():
    first, last = run(program("read", QUESTION), program("answer", QUESTION), context=CHAPTERS[30])
    assert len(first.worker_calls) == 1
    assert last.final.value.startswith("in her boot")


def test_evidence_in_a_list_names_item_and_place():
    *_, last = run(program("search", QUESTION), program("answer", QUESTION), context=CHAPTERS)
    assert f"(item 30, char {CHAPTERS[30].index('The surgeon')})" in last.final.value


def test_evidence_in_a_dict_names_key_and_place():
    *_, last = run(
        program("search", QUESTION), program("answer", QUESTION), context={"log": BOOK, "crew": ["Ann", "Bo"]}
    )
    assert "(key log, char " in last.final.value


def test_all_matches_are_found_and_those_of_other_names_left_out():
    numbers = {3: ("quiet-harbor", 1111111), 20: ("amber-ledger", 2222222), 44: ("quiet-harbor", 3333333)}
    needles = {
        n: f" One of the special magic numbers for {key} is: {number}."
        for n, (key, number) in numbers.items()
    }
    text = "\n\n".join(chapter + needles.get(n, "") for n, chapter in enumerate(CHAPTERS * 20))
    asked = "What are all the special magic numbers for quiet-harbor mentioned in the provided text?"

    def any_number(prompt):
        piece = prompt.rpartition("\n---\n")[0]
        found = re.findall(r"One of the special magic numbers for \S+ is: \d+", piece)
        return f"{', '.join(line.split()[-1] for line in found)}\n“{found[0]}”" if found else "NONE"

    *_, last = run(
        program("search", asked), program("answer", asked), context=text, query=asked, worker=any_number
    )
    head = last.final.value.split("\n\nEvidence")[0]
    assert {"1111111", "3333333"} <= set(head.replace(",", " ").split())


def test_two_answers_are_settled_over_their_evidence():
    text = (
        BOOK + "\n\n" + "The cook said that the brass key was in the galley, but he lied. " + "Gulls. " * 600
    )

    def torn(prompt):
        piece, _, _ = prompt.rpartition("\n---\n")
        if piece.startswith("[1]"):
            assert "in her boot" in piece
            assert "the galley" in piece
            return "in her boot"
        if "the galley" in piece and "in her boot" not in piece:
            return "in the galley\n“the brass key was in the galley”"
        return reader(prompt)

    *_, last = run(program("search", QUESTION), program("answer", QUESTION), context=text, worker=torn)
    assert last.final.value.startswith("in her boot\n\nEvidence:\n- “The surgeon")
    assert "galley" not in last.final.value


def test_a_choice_is_answered_by_its_number():
    asked = f"{QUESTION}\n1. in a box\n2. in her boot\n3. nowhere"

    def chooses(prompt):
        return "2. in her boot" if "1. in a box" in prompt.rpartition("\n---\n")[2] else reader(prompt)

    first, last = run(program("search", asked), program("answer", asked), query=asked, worker=chooses)
    assert all("1. in a box" not in call.prompt for call in first.worker_calls)
    assert last.final.value.startswith("2\n\nEvidence:\n- “The surgeon")


def test_a_question_that_wants_only_the_answer_gets_only_that():
    asked = QUESTION + " Return only the place."
    *_, last = run(program("search", asked), program("answer", asked), query=asked)
    assert last.final.value == "in her boot"


def test_a_probe_of_a_person_narrows_the_terms():
    facts = Facts(kind="str", chars=10, terms={"surgeon": 0, "brass": 2})
    assert "TERMS = ['brass']" in program("search", QUESTION, facts=facts)
    assert "TERMS = ['left boot', 'left', 'boot', 'brass']" in program(
        "search", QUESTION, facts=facts, guidance='Try "left boot".'
    )


COUNTED = "Cat cat concatenate\ncat-flap CAT's\nno dog here; big\ndog. big dog, Big Dog\n"


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ('How many times does the word "cat" occur in this text (case-insensitive, whole word)?', 4),
        ('How many times does the word "cat" occur, case-sensitive?', 2),
        ('How often does the string "cat" appear?', 5),
        ("How many times does the substring 'cat' appear (case-sensitive)?", 3),
        ("How many times does the word cat occur?", 4),
        ('Count the occurrences of "big dog".', 3),
        ('How many times is the phrase "Big Dog" used, matching case exactly, case sensitive?', 1),
        ("How often is the big dog mentioned?", 3),
        ('How many lines contain the word "cat"?', 2),
        ("How many matches? Count the regex `c.t\\b`.", 4),
        ("How many lines are there in this text?", 4),
        ("How many words are in this document?", 14),
        ('How many times does the word "walrus" occur?', 0),
    ],
)
def test_exact_counts(asked, count):
    (result,) = run(program("count", asked), context=COUNTED, query=asked, worker=None)
    assert result.final.value == count
    assert result.worker_calls == ()


def test_a_count_shows_where():
    (result,) = run(program("count", 'How often does the word "surgeon" occur?'))
    assert f"(char {BOOK.index('The surgeon')}" not in result.stdout
    assert (
        f"“The surgeon, Mira Vale, kept the brass key in her boot.” (char {BOOK.index('surgeon')})"
        in result.stdout
    )


def test_a_count_in_a_list_names_the_item():
    (result,) = run(program("count", 'How often does the word "surgeon" occur?'), context=CHAPTERS)
    assert result.final.value == 1
    assert "(item 30, char" in result.stdout
