"""A long text as rows: every character once, no row too wide, and the same rows whichever is looked at first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.document import rows as rows_module
from tui.document.rows import Rows
from tui.text import clean

TEXTS = st.text(alphabet=st.sampled_from("ab cd\n\t漢字é\u0301\U0001f600\r\u200b"), max_size=300)


def all_rows(rows: Rows) -> list[tuple[int, int]]:
    while rows.refine(1):
        pass
    return [row for y in range(rows.total) if (row := rows.row(y)) is not None]


@given(TEXTS, st.integers(2, 20))
def test_every_character_stands_in_one_row_and_none_is_too_wide(text: str, width: int) -> None:
    rows = Rows(text)
    rows.set_width(width)
    at = 0
    for start, end in all_rows(rows):
        assert text[at:start] in ("", "\n")
        assert cell_len(clean(text[start:end].rstrip(" ").replace("\t", " "))) <= width
        at = end
    assert text[at:] in ("", "\n")


@given(TEXTS, st.integers(2, 20), st.integers(0, 299))
def test_the_row_of_a_character_shows_it(text: str, width: int, offset: int) -> None:
    rows = Rows(text)
    rows.set_width(width)
    if offset < len(text):
        row = rows.row(rows.row_of(offset))
        assert row is not None
        assert row[0] <= offset <= row[1]
        assert row[1] > offset or text[offset] == "\n"


def test_rows_are_broken_between_words() -> None:
    text = "one two three four five"
    rows = Rows(text)
    rows.set_width(9)
    assert [text[a:b] for a, b in all_rows(rows)] == ["one two ", "three ", "four five"]


def test_what_is_estimated_becomes_exact_wherever_one_begins() -> None:
    text = "".join(f"line {n} {'word ' * (n % 40)}\n" for n in range(6000))
    assert len(text) > 10 * rows_module.BLOCK
    one, other = Rows(text), Rows(text)
    for rows in (one, other):
        rows.set_width(50)
    middle = other.row_of(len(text) // 2)
    found = other.row(middle)
    assert found is not None
    assert found[0] <= len(text) // 2 <= found[1]
    assert all_rows(one) == all_rows(other)
    assert one.row(one.total) is None
    assert one.row(-1) is None


def test_a_line_of_ten_megabytes_is_rows_like_any_other() -> None:
    text = "L" * 10_000_000
    rows = Rows(text)
    rows.set_width(100)
    assert rows.row(rows.row_of(9_999_999)) is not None
    assert rows.row(0) == (0, 100)


def test_an_empty_text_has_no_rows() -> None:
    rows = Rows("")
    rows.set_width(10)
    assert (rows.total, rows.row(0), rows.row_of(5)) == (0, None, 0)
    assert not rows.refine(1)
