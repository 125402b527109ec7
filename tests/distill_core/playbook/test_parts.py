"""The functions that programs are made of."""

import pytest

from distill_core.playbook.parts.asking import calls_left, extract, gate
from distill_core.playbook.parts.concluding import (
    all_named,
    conclude,
    distinct,
    extracts,
    most_said,
    passage,
    same,
    weigh,
)
from distill_core.playbook.parts.evidence import locate, read_reply, sentence_at, support
from distill_core.playbook.parts.ranking import fold, holding_rarest, rank, terms_of
from distill_core.playbook.parts.reading import as_text, cut, place

TALE = "The ship left at dawn. Its surgeon was Mira Vale, of Bristol.\nShe kept\na diary. The mate drowned."


@pytest.mark.parametrize(
    ("answer", "borne_out"),
    [
        ("The fee was 3.5 percent in all.", True),
        ("It took 3 percent.", False),
        ("Some 1500 staff of 3.5 percent.", True),
        ("There were 15 staff.", False),
    ],
)
def test_figures_told_in_other_words_are_borne_out_by_a_sentence_that_holds_all_of_them(answer, borne_out):
    text = "Nothing here. The fee is 3.5 percent for 1500 staff. Nor here."
    assert (support(answer, "", text, 0, len(text), ["fee"]) is not None) is borne_out


def test_a_str_is_its_own_text():
    assert as_text("abc") == ("abc", [])
    assert place(2, []) == "char 2"


def test_items_of_a_list_keep_their_place():
    text, starts = as_text(["first", {"n": 1}, "third"])
    assert text == 'first\n\n{"n": 1}\n\nthird'
    assert place(text.index("third") + 2, starts) == "item 2, char 2"
    assert place(0, starts) == "item 0, char 0"


def test_keys_of_a_dict_keep_their_place():
    text, starts = as_text({"title": "Moby", "year": 1851})
    assert text == "title: Moby\n\nyear: 1851"
    assert place(text.index("1851"), starts) == "key year, char 6"


@pytest.mark.parametrize("text", ["word " * 1000, "x" * 5000, "one line\n" * 700, "", "short", "\n" * 3000])
def test_pieces_cover_the_text_and_overlap(text):
    pieces = cut(text, 1000, 100)
    assert all(text[start : start + len(piece)] == piece and len(piece) <= 1000 for start, piece in pieces)
    covered = 0
    for start, piece in pieces:
        assert start <= covered
        covered = start + len(piece)
    assert covered == len(text)


def test_pieces_end_at_paragraphs_where_they_can():
    paragraph = "Some words stand here. " * 20 + "\n\n"
    assert all(piece.endswith("\n\n") for _, piece in cut(paragraph * 10, 1000, 50))


def test_terms_leave_out_common_words_and_endings():
    asked = "What are all the special magic numbers for quiet-harbor mentioned in the provided text?"
    assert terms_of(asked) == ["special", "magic", "number", "quiet-harbor"]


def test_quoted_phrases_are_terms_of_their_own():
    assert terms_of('Who said "the white   whale" in Picardo\'s house?')[0] == "the white whale"
    assert "picardo" in terms_of("Picardo's family")


def test_accents_and_case_do_not_count():
    assert fold("ADIYAMAN") == fold("Adıyaman") == "adiyaman"
    assert fold("Castellón") == "castellon"


def test_a_rare_term_outranks_a_common_one():
    pieces = [
        (0, "the whale, the whale"),
        (20, "the harpoon"),
        (31, "a whale and a harpoon"),
        (52, "the whale"),
    ]
    assert [index for _, index in rank(pieces, ["harpoon"])] == [1, 2]
    assert rank(pieces, ["harpoon", "whale"])[0][1] == 2
    assert rank(pieces, ["walrus"]) == []
    assert holding_rarest(pieces, ["whale", "harpoon", "walrus"]) == ("harpoon", [1, 2])
    assert holding_rarest(pieces, ["walrus"]) == ("", [])


@pytest.mark.parametrize(
    ("reply", "read"),
    [
        ("Mira Vale\n“Its surgeon was Mira Vale.”", ("Mira Vale", "Its surgeon was Mira Vale.")),
        (
            'Answer: Mira Vale\nQuote: "Its surgeon was Mira Vale."',
            ("Mira Vale", "Its surgeon was Mira Vale."),
        ),
        ("Mira Vale\n\nIts surgeon was Mira Vale.", ("Mira Vale", "Its surgeon was Mira Vale.")),
        ("5240080", ("5240080", "")),
        ('"Its surgeon was Mira Vale."', ("Its surgeon was Mira Vale.", "Its surgeon was Mira Vale.")),
        ("NONE", None),
        ("None.", None),
        ("  ", None),
        ("The text does not mention a surgeon.", None),
        ("There is no information about that.", None),
    ],
)
def test_replies_are_read(reply, read):
    assert read_reply(reply) == read


def test_quotes_are_found_across_line_breaks_and_quote_marks():
    text = "He said: “It’s\n   late – go”, and went."
    start, end = locate('"It\'s late - go"', text)
    assert text[start:end] == "It’s\n   late – go"
    assert locate("It is late", text) is None
    assert locate("...", text) is None


def test_the_sentence_around_a_place():
    at = TALE.index("Mira")
    assert TALE[slice(*sentence_at(TALE, at, at + 4))] == "Its surgeon was Mira Vale, of Bristol."


def test_an_answer_without_its_quote_needs_a_sentence_with_a_term_of_the_question():
    whole = (TALE, 0, len(TALE))
    assert support("Mira Vale", "", *whole, ["surgeon"]) is not None
    assert support("Mira Vale", "", *whole, ["captain"]) is None
    assert support("Ann Poe", "Its surgeon was Ann Poe, they say.", *whole, ["surgeon"]) is None


def test_pieces_that_the_gate_refuses_are_not_read():
    pieces = [(0, "a"), (1, "b"), (2, "c")]
    assert [r[2] for r in gate(pieces, "q?", lambda prompts: [0.1, 0.9, 0.6])] == ["b", "c"]
    assert [r[2] for r in gate(pieces, "q?", lambda prompts: [0.1, 0.3, 0.2])] == ["b", "c"]
    assert [r[2] for r in gate(pieces, "q?", lambda prompts: [None] * 3)] == ["a", "b", "c"]
    assert [r[2] for r in gate(pieces, "q?", None)] == ["a", "b", "c"]
    assert gate([], "q?", lambda prompts: [1 / 0]) == []


def test_the_piece_stands_first_and_the_question_last():
    sent = []
    gate([(0, "PIECE")], "Question: who? Answer Yes or No.", lambda prompts: sent.extend(prompts) or [1.0])
    extract(
        [(1.0, 0, "PIECE")],
        "Say.\nQuestion: who?",
        lambda prompts: sent.extend(prompts) or ["NONE"],
        "PIECE",
        [],
    )
    assert all(prompt.startswith("PIECE\n") for prompt in sent)
    assert sent[1].endswith("Question: who?")


def test_failed_calls_are_counted_and_are_no_answers(capsys):
    passing = [(1.0, 0, TALE), (1.0, 0, TALE)]
    error = RuntimeError("endpoint down")
    notes, failed = extract(passing, "?", lambda prompts: [error, "Mira Vale"], TALE, ["surgeon"])
    assert failed == 1
    assert [note["answer"] for note in notes] == ["Mira Vale"]
    assert "endpoint down" in capsys.readouterr().out


def test_a_sentence_read_twice_counts_once():
    notes, _ = extract([(1.0, 0, TALE), (0.9, 0, TALE)], "?", lambda p: ["Mira Vale"] * 2, TALE, ["surgeon"])
    assert len(notes) == 1
    assert notes[0]["verified"]
    assert TALE[notes[0]["start"] :].startswith("Its surgeon")


def test_an_answer_whose_quote_is_nowhere_is_marked():
    notes, _ = extract([(1.0, 0, TALE)], "?", lambda p: ["Ann Poe\n“The cook was Ann Poe.”"], TALE, ["cook"])
    assert notes == [{"answer": "Ann Poe", "quote": "", "start": 0, "verified": False, "chance": 1.0}]


def test_the_budget_bounds_calls():
    assert calls_left({}, 9) == 9
    assert calls_left({"worker_calls": None}, 9) == 9
    assert calls_left({"worker_calls": 3}, 9) == 3
    assert calls_left({"worker_calls": 0}, 9) == 0


def test_answers_that_agree():
    assert same("Mira Vale", "mira vale.")
    assert same("Mira Vale", "It was Mira Vale")
    assert not same("20", "20,300")
    assert not same("in", "inside")
    assert distinct(["5", "7", "5."]) == ["5", "7"]
    assert most_said(["a man", "Mira Vale", "Mira Vale, the surgeon"]) == "Mira Vale"


def test_lists_are_joined_without_losing_or_repeating_anything():
    assert all_named(["1111111", "1111111, 2222222", "Ann and Bo.", "20,300; bo"]) == [
        "1111111", "2222222", "Ann", "Bo", "20,300",
    ]  # fmt: skip
    assert all_named([]) == []


def note(start, quote, answer="x", verified=True):
    return {"start": start, "quote": quote, "answer": answer, "verified": verified}


def test_notes_are_weighed_by_their_own_passage():
    notes = [note(0, "The ship left", "a"), note(23, "Its surgeon", "b"), note(0, "", "c", verified=False)]
    sent = []
    kept = weigh(notes, TALE, "Yes or No?", lambda prompts: sent.extend(prompts) or [0.2, 0.9, 0.6])
    assert [one["answer"] for one in kept] == ["b", "c"]
    assert sent[0] == f"{passage(notes[0], TALE)}\n\n---\nYes or No?"
    assert sent[2].startswith("c\n")
    assert [one["answer"] for one in weigh(notes, TALE, "?", lambda prompts: [0.1, 0.2, 0.3])] == [
        "c",
        "b",
        "a",
    ]
    assert weigh(notes, TALE, "?", lambda prompts: [0.1, None, 0.3]) == notes
    assert weigh(notes, TALE, "?", None) == notes


def test_extracts_fit_their_prompts():
    text = "word " * 2000
    notes = [note(i * 500, text[i * 500 : i * 500 + 100]) for i in range(20)]
    prompts = extracts(notes, text, 1500)
    assert len(prompts) > 1
    assert all(len(prompt) <= 1500 for prompt in prompts)
    assert prompts[-1].rpartition("\n")[2].startswith("[20]")


def test_many_extracts_are_folded_until_one_prompt_holds_them():
    text = "word " * 2000
    notes = [note(i * 500, text[i * 500 : i * 500 + 100]) for i in range(20)]
    rounds = []
    ask_all = lambda prompts: rounds.append(len(prompts)) or ["part"] * len(prompts)  # noqa: E731
    assert conclude(notes, text, "Sum up.", ask_all, 1500, 100) == "part"
    assert rounds[0] > 1
    assert rounds[-1] == 1


def test_a_conclusion_is_not_begun_without_the_calls_for_it():
    assert conclude([note(0, "word")], "word", "?", lambda prompts: ["x"], 1000, 0) is None
    assert conclude([note(0, "word")], "word", "?", lambda prompts: [RuntimeError("no")], 1000, 5) is None
    assert conclude([], "word", "?", lambda prompts: ["x"], 1000, 5) is None
