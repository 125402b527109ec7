"""Foreign text before it is drawn."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.lines import fit, pad, plain, split_lines, wrap
from tui.text import clean, escaped

ANY_TEXT = st.text(st.characters(codec=None))
OBEYED = [
    *map(chr, range(0x09)),
    *map(chr, range(0x0B, 0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
    *"\u200b\u200d\u2060\ufeff\ufe0f\u00ad\u2028\u2029",
    *"\ud800\udfff\ufffe\U000e0041",
    *"\u034f\u17b4\u180b\u2065\ufff0\ufe00\U000e0100\U000e01ef\U000e0fff\U0001bca0\U0001d173",
]


@pytest.mark.parametrize("char", OBEYED)
def test_nothing_that_a_terminal_obeys_is_left(char: str) -> None:
    assert char not in clean(f"a{char}b")


@given(ANY_TEXT)
def test_json_is_printed_so_that_a_terminal_obeys_nothing_and_a_program_reads_the_same(text: str) -> None:
    line = escaped(json.dumps({"text": text}, ensure_ascii=False))
    line.encode("utf-8")
    assert not set(OBEYED) & set(line)
    assert json.loads(line) == {"text": text}


def test_controls_are_shown_not_swallowed() -> None:
    assert clean("\x1b]52;c;aGk=\x07") == "␛]52;c;aGk=␇"


@given(ANY_TEXT)
def test_clean_keeps_positions_and_can_be_written(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) == len(text)
    cleaned.encode("utf-8")
    assert clean(cleaned) == cleaned
    assert not [c for c in cleaned if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]


def test_what_terminals_measure_differently_is_made_plain() -> None:
    assert clean("👍🏽 👨\u200d👩 ❤\ufe0f") == "👍\u200c 👨\u200c👩 ❤\ufe0e"


def test_plain_text_is_the_same_object() -> None:
    text = "naïve 漢字 🎉 é"
    assert clean(text) == text


@given(ANY_TEXT, st.integers(1, 40), st.booleans(), st.integers(0, 4))
def test_rows_are_never_wider_than_asked(text: str, width: int, words: bool, indent: int) -> None:
    for row in wrap(((text, ""),), width, words=words, indent=indent):
        assert cell_len(plain(row)) <= max(width, 2)
        assert "\n" not in plain(row)


@given(ANY_TEXT, st.integers(0, 40))
def test_a_fitted_line_fits(text: str, width: int) -> None:
    assert cell_len(plain(fit(((text, ""), (text, "muted")), width))) <= width


@given(ANY_TEXT, st.integers(1, 30))
@example("⿰0", 2)
def test_padding_is_exact(text: str, width: int) -> None:
    assert cell_len(pad(text, width)) == width
    assert cell_len(pad(text, width, right=True)) == width


def test_wide_characters_align() -> None:
    assert [plain(row) for row in wrap((("漢字漢字", ""),), 5, words=True)] == ["漢字", "漢字"]


def test_prose_breaks_between_words() -> None:
    assert [plain(row) for row in wrap((("the quick brown fox", ""),), 10, words=True)] == [
        "the quick ",
        "brown fox",
    ]


def test_code_breaks_with_a_mark() -> None:
    assert [plain(row) for row in wrap((("x" * 12, ""),), 10)] == ["x" * 10, "↪ xx"]


def test_wrapping_loses_nothing() -> None:
    text = "".join(chr(0x4E00 + i) if i % 3 else "ab" for i in range(500))
    assert "".join(plain(row).removeprefix("↪ ") for row in wrap(((text, ""),), 17)) == text


def test_a_line_of_ten_megabytes_is_cut_and_says_so() -> None:
    (line,) = split_lines("x" * 10_000_000)
    assert len(line) < 5_000
    assert line.endswith("… 9,996,000 characters more, whole in the log")


def test_a_pile_of_combining_marks_does_not_make_an_endless_row() -> None:
    rows = wrap((("a" + "\u0301" * 4_000, ""),), 20)
    assert max(len(plain(row)) for row in rows) <= 20 * 8 + 2


def test_line_ends_of_all_kinds_are_handled() -> None:
    assert split_lines("a\r\nb\rc\x0bd") == ["a", "b␍c␋d"]
