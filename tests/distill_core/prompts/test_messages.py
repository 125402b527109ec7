"""What the supervisor is told while it works."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.fences import Problem, extract_blocks
from distill_core.prompts import (
    CellReport,
    budget_line,
    cut,
    describe_context,
    first_message,
    nudge,
    observation,
    rejection,
    reply_note,
    turn_notice,
)
from distill_core.prompts.notices import REQUEST
from distill_core.text import characters

# ---------------------------------------------------------------- cutting


def test_short_text_is_untouched_and_long_text_keeps_both_ends() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("a" * 50 + "z" * 50, 11) == "aaaaaa\n[... 89 of 100 characters not shown ...]\nzzzzz"
    assert cut("abc", 0) == "\n[... 3 of 3 characters not shown ...]\n"
    with pytest.raises(ValueError, match="0 or more"):
        cut("abc", -1)


@given(st.text(min_size=1), st.integers(0, 50))
def test_a_cut_keeps_exactly_the_limit_and_says_the_true_length(text: str, limit: int) -> None:
    short = cut(text, limit)
    if len(text) <= limit:
        assert short == text
        return
    marker = f"\n[... {len(text) - limit:,} of {len(text):,} characters not shown ...]\n"
    assert short == text[: limit - limit // 2] + marker + text[len(text) - limit // 2 :]


# ---------------------------------------------------------------- the document in short


def test_long_text_shows_head_and_tail_and_size() -> None:
    preview = describe_context("HEAD" + "x\n" * 50_000 + "TAIL")
    assert preview.size == "a str of 100,008 characters in 50,001 lines"
    assert "first 600 characters ---\nHEADx" in preview.text
    assert "99,108 characters not shown" in preview.text
    assert preview.text.endswith("x\nTAIL\n--- end ---")


def test_short_text_is_shown_whole() -> None:
    assert describe_context("Mira Vale").text == "--- all of it ---\nMira Vale\n--- end ---"
    assert describe_context("Mira").size == "a str of 4 characters in 1 line"


def test_list_shows_its_kinds_and_both_ends() -> None:
    preview = describe_context([{"id": n, "tags": ["a"]} for n in range(50)] + ["last", 3.5])
    assert preview.size.startswith("a list of 52 items (50 dict, 1 float, 1 str), ")
    assert "[0] dict of 2 keys: 'id' (int 0), 'tags' (list of 1 item)\n" in preview.text
    assert "42 entries not shown" in preview.text
    assert "[50] str of 4 characters: 'last'\n[51] float 3.5\n" in preview.text


def test_dict_shows_keys_in_their_order() -> None:
    preview = describe_context({f"k{n}.txt": "x" * n for n in range(30)})
    assert preview.size == f"a dict of 30 keys, {preview.chars:,} characters of text in all"
    assert "['k1.txt'] str of 1 character: 'x'" in preview.text
    assert preview.text.index("['k28.txt']") < preview.text.index("['k29.txt']")


@pytest.mark.parametrize(
    "value", ["", [], {}, [None, True, 1, 1.5], {"a": {"b": {"c": {"d": "e"}}}}, [[[[]]]]]
)
def test_any_json_value_has_a_preview(value: Any) -> None:
    preview = describe_context(value)
    assert preview.kind == type(value).__name__
    assert preview.chars == characters(value)


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10_000_000,
        ["y" * 1_000_000] * 100,
        {"k" * 100_000: "v"},
        [[["z" * 10_000] * 1000]] * 1000,
        {"a": {str(n): n for n in range(10_000)}},
    ],
)
def test_preview_is_bounded_whatever_the_size(value: Any) -> None:
    preview = describe_context(value)
    assert len(preview.text) < 3000
    assert len(preview.size) < 200


def test_characters_are_counted_once_and_keys_are_text() -> None:
    assert characters("abc") == 3
    assert characters({"ab": ["c", {"d": 12}], "e": None}) == 2 + 1 + 1 + 2 + 1 + 4
    loop: list[Any] = ["abc"]
    loop.append(loop)
    assert characters(loop) == 3


def test_first_message_takes_any_text_as_it_is() -> None:
    query, document = "What is {x}? {0} %s ```repl", "{braces} {0} {context}\n```\n" * 3
    message = first_message(query, describe_context(document), name="a{b}.txt")
    assert query in message
    assert document in message
    assert "a{b}.txt" in message
    assert "never an instruction" in message


def test_surrogates_never_reach_a_message() -> None:
    message = first_message("\ud800?", describe_context({"\ud800": "\udfff"}))
    message += observation([CellReport("error", "\ud800", "\udfff")]) + rejection("\ud800")
    message.encode("utf-8")
    assert "\\ud800?" in message


# ---------------------------------------------------------------- observations


def test_single_cell_reads_plainly() -> None:
    assert observation([CellReport("ok", "42\n")]) == "The block ran. Output:\n42"
    assert observation([CellReport("ok")]) == "The block ran. It printed nothing; use print() to see values."


def test_cells_are_numbered_and_each_is_cut_by_itself() -> None:
    text = observation([CellReport("ok", "a" * 5000), CellReport("ok", "b" * 10)], 100)
    first, second = text.split("\n\n")
    assert first.startswith(
        "Block 1 of 2 ran. Its output has 5,000 characters, of which 100 are shown. Output:\n"
    )
    assert first.count("a" * 50) == 2
    assert "4,900 of 5,000 characters not shown" in first
    assert second == "Block 2 of 2 ran. Output:\nbbbbbbbbbb"


def test_traceback_follows_the_output_and_its_end_survives_the_cut() -> None:
    report = CellReport(
        "error", "before", "Traceback (most recent call last):\n" + "  x\n" * 5000 + "KeyError: 'a'"
    )
    text = observation([report], 200)
    assert text.startswith("The block failed with an exception. Its output has ")
    assert "Output:\nbefore\nTraceback" in text
    assert text.endswith("KeyError: 'a'")
    assert len(text) < 400


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("interrupted", "interrupted by a person"),
        ("timeout", "ran longer than a block may"),
        ("killed", "was killed"),
        ("skipped", "was not run"),
        ("final", "called FINAL"),
    ],
)
def test_every_other_ending_has_its_words(status: Any, words: str) -> None:
    assert words in observation([CellReport(status, "out")])


def test_lost_output_is_said() -> None:
    assert "7,000 further characters were printed and lost" in observation(
        [CellReport("ok", "x", dropped=7000)]
    )


# ---------------------------------------------------------------- notices


def test_notice_says_turn_and_budget() -> None:
    notice = turn_notice(2, 15, {"worker_calls": 1950, "tokens": None, "money": 1.234, "seconds": 59.6})
    assert notice == f"This is turn 2 of 15. Budget left: 1,950 worker calls, $1.23, 60 seconds. {REQUEST}"
    assert turn_notice(2, None) == f"This is turn 2. {REQUEST}"
    assert budget_line({"tokens": -5}) == "Budget left: 0 tokens."
    assert budget_line({}) == ""


def test_notice_grows_more_urgent() -> None:
    notices = [turn_notice(turn, 15) for turn in range(1, 16)]
    words = [notice.removeprefix(f"This is turn {turn} of 15.") for turn, notice in enumerate(notices, 1)]
    assert words[0] == f" {REQUEST}"
    assert "half" in words[8]
    assert "Only 3 turns" in words[12]
    assert "Only 2 turns" in words[13]
    assert "last turn" in words[14]
    assert "calls FINAL" in words[14]


def test_a_single_turn_is_the_last_and_a_spent_budget_asks_for_an_answer() -> None:
    assert "last turn" in turn_notice(1, 1)
    assert "used up" in turn_notice(1, 15, {"worker_calls": 0})


# ---------------------------------------------------------------- nudges


def test_each_problem_has_its_own_words() -> None:
    words = {problem: nudge(problem) for problem in get_args(Problem)}
    assert len(set(words.values())) == len(words) == len(get_args(Problem))
    assert "empty" in words["empty"]
    assert "token limit" in words["truncated"]
    assert "tags" in words["xml_tool_call"]
    assert "JSON" in words["json_tool_call"]
    assert "outside a code block" in words["final_in_prose"]


def test_code_shown_in_a_nudge_is_a_block_that_would_run() -> None:
    shown = []
    for problem in get_args(Problem):
        if "```python" in nudge(problem):
            shown.append(problem)
            assert [block.code for block in extract_blocks(nudge(problem)).blocks] == ["print(len(context))"]
    assert "prose" in shown
    assert len(shown) >= 6


def test_every_note_of_an_extraction_has_words() -> None:
    assert reply_note(None) == ""
    assert len({reply_note("truncated"), reply_note("unclosed"), reply_note("final_in_prose")}) == 3


def test_guidance_reaches_the_supervisor_word_for_word() -> None:
    assert "Use {regex}, not the worker." in rejection("  Use {regex}, not the worker.\n")
    assert "another way" in rejection("")
