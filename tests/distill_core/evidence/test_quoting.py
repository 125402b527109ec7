"""Which passages of a text count as quotations."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.evidence import quotes_in


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('It says "liable for the fees of twelve months" (9.2).', "liable for the fees of twelve months"),
        ("It says “liable for the fees”.", "liable for the fees"),
        ("Es heißt „haftet nur für Vorsatz“.", "haftet nur für Vorsatz"),
        ("On lit «la responsabilité est limitée».", "la responsabilité est limitée"),
        ("He said ‘the machine will not stop’.", "the machine will not stop"),
        (
            "本文「責任は十二か月分の料金を超えないものとするものとするものとする」です",
            "責任は十二か月分の料金を超えないものとするものとするものとする",
        ),
        ("As it stands:\n> the first line\n> and the second\nThat is all.", "the first line\nand the second"),
        ('{"quote": "he said \\"no\\" to all of it"}', 'he said "no" to all of it'),
        ('"broken over\ntwo lines of text"', "broken over\ntwo lines of text"),
    ],
)
def test_a_quotation_is_found_with_its_words(text: str, words: str) -> None:
    assert [quote.text for quote in quotes_in(text)] == [words]


@pytest.mark.parametrize(
    "text",
    [
        'The word "liability" occurs.',
        'the "big one"',
        "no quotation at all",
        "don't say it's 'cause I can't",
        'a 5" pipe and a 6" pipe',
        '"a paragraph that never closes\n\nanother that opens" ',
        "",
    ],
)
def test_names_words_and_apostrophes_are_none(text: str) -> None:
    assert quotes_in(text) == []


def test_the_place_is_that_of_the_words_in_the_text() -> None:
    text = 'A “one two three four” and "five six seven eight".'
    quotes = quotes_in(text)
    assert [text[q.start : q.end] for q in quotes] == ["one two three four", "five six seven eight"]


def test_a_quotation_inside_another_is_not_told_twice() -> None:
    text = "“she said ‘never in my life again’ and left the room”"
    assert [q.text for q in quotes_in(text)] == ["she said ‘never in my life again’ and left the room"] or [
        q.text for q in quotes_in(text)
    ] == ["never in my life again"]
    assert len(quotes_in(text)) == 1


@given(st.text(alphabet=st.sampled_from('ab "“”«»‘’>\\\n'), max_size=200))
def test_any_text_gives_places_in_order_that_do_not_overlap(text: str) -> None:
    quotes = quotes_in(text)
    for one, other in pairwise(quotes):
        assert one.end <= other.start
    assert all(0 <= q.start < q.end <= len(text) for q in quotes)


def test_many_open_marks_do_not_take_forever() -> None:
    assert quotes_in('“«"' * 100_000) == []
