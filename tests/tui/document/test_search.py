"""Search in a long text: case, white space, both ways round, across the pieces it is done in."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tui.document.search import CHUNK, Match, Search


def matches(text: str, words: str) -> list[Match]:
    search = Search(text, words)
    while search.work(1):
        pass
    return search.between(0, len(text))


def test_case_counts_only_where_capitals_are_typed() -> None:
    text = "Fees, fees and FEES"
    assert [m.start for m in matches(text, "fees")] == [0, 6, 15]
    assert [m.start for m in matches(text, "Fees")] == [0]


def test_white_space_stands_for_any() -> None:
    assert matches("the\n   twelve\tmonths", "the twelve months") == [Match(0, 20)]


def test_signs_are_only_signs() -> None:
    assert [m.start for m in matches("a.b (c) a+b [x", "(c)")] == [4]
    assert [m.start for m in matches("a.b axb", "a.b")] == [0]


def test_it_goes_on_from_a_place_and_around() -> None:
    search = Search("cat dog cat dog", "dog")
    assert search.after(0, 1) == Match(4, 7)
    assert search.after(5, 1) == Match(12, 15)
    assert search.after(13, 1) == Match(4, 7)
    assert search.before(12, 1) == Match(4, 7)
    assert search.before(4, 1) == Match(12, 15)


def test_a_match_across_two_pieces_is_found_once() -> None:
    text = "x" * (CHUNK - 3) + "needle" + "y" * CHUNK + "needle"
    assert [m.start for m in matches(text, "needle")] == [CHUNK - 3, 2 * CHUNK + 3]
    search = Search(text, "needle")
    assert search.after(CHUNK, 1) == Match(2 * CHUNK + 3, 2 * CHUNK + 9)
    assert search.place(Match(CHUNK - 3, CHUNK + 3)) == 0
    while search.work(1):
        pass
    assert search.place(Match(2 * CHUNK + 3, 2 * CHUNK + 9)) == 2


def test_what_is_nowhere_is_nowhere() -> None:
    search = Search("abc" * CHUNK, "needle")
    while search.work(1):
        pass
    assert search.count == 0
    assert search.after(0, 1) is None
    assert Search("abc", "   ").after(0, 1) is None


@given(
    st.text(alphabet=st.sampled_from("aAbİß \n"), max_size=60), st.text(alphabet="ab", min_size=1, max_size=2)
)
def test_it_finds_what_a_plain_search_finds(text: str, words: str) -> None:
    low = text.lower()
    plain = [m.start() for m in re.finditer(re.escape(words), low if len(low) == len(text) else text)]
    assert [m.start for m in matches(text, words)] == plain
