"""Where results are used, and how sure that is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.process_steps import identify_integration_spans


def used(text: str, *results: Any, **options: Any) -> list[tuple[str, str]]:
    return [(i.span.of(text), i.path) for i in identify_integration_spans(text, results, **options)]


@pytest.mark.parametrize(
    ("text", "result", "found"),
    [
        ("It is 2,448.20 miles away.", {"distance": 2448.2}, [("2,448.20", "distance")]),
        ("It is −12.5 there.", {"t": -12.5}, [("−12.5", "t")]),
        ("Booked at HOTEL  le bristol.", {"hotel": "Hotel Le Bristol"}, [("HOTEL  le bristol", "hotel")]),
        ("Your id is XEHM4B.", {"ids": ["59XX6W", "XEHM4B"]}, [("XEHM4B", "ids.1")]),
        ("12345 is not 123 or 45.", {"n": 123}, [("123", "n")]),
        ("Version 3.11.7 and 1,234 of it.", {"n": 11.7, "m": 234}, []),
        ("Nothing of it.", {"a": True, "b": None, "c": ""}, []),
    ],
)
def test_values_are_found_however_they_are_written(
    text: str, result: Any, found: list[tuple[str, str]]
) -> None:
    assert used(text, result) == found
    assert used(text, json.dumps(result)) == found


def test_the_longest_wins_and_nothing_overlaps() -> None:
    text = "We saw Chicken and Rice Casserole."
    assert used(text, {"a": "Chicken", "b": "Chicken and Rice Casserole"}) == [
        ("Chicken and Rice Casserole", "b")
    ]


def test_words_shared_with_a_text_are_found_as_one_run() -> None:
    result = "In section 9 the supplier's total liability is capped at the fees paid in twelve months."
    text = "So the Supplier's total liability is capped at the fees paid, they say."
    (found,) = identify_integration_spans(text, [result])
    assert found.span.of(text) == "the Supplier's total liability is capped at the fees paid"


def test_what_was_known_before_counts_less() -> None:
    (new,) = identify_integration_spans("It is Paris then.", [{"city": "Paris"}])
    (old,) = identify_integration_spans(
        "It is Paris then.", [{"city": "Paris"}], known="The weather in Paris?"
    )
    assert old.confidence == pytest.approx(new.confidence / 2, abs=0.001)
    assert identify_integration_spans("It is Paris.", [{"city": "Paris"}], known="Paris?", least=0.5) == []


def test_a_small_number_says_little_and_a_long_one_much() -> None:
    few, many = (identify_integration_spans(f"It is {n}.", [{"n": n}])[0].confidence for n in (7, 61234))
    assert few < 0.3 < 0.9 < many


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=200),
    st.lists(
        st.text(max_size=60) | st.integers() | st.floats() | st.dictionaries(st.text(), st.text()), max_size=4
    ),
    st.text(max_size=40),
)
def test_spans_are_in_order_apart_and_sure_to_some_degree(text: str, results: list[Any], known: str) -> None:
    found = identify_integration_spans(text, results, known=known)
    ends = 0
    for integration in found:
        assert ends <= integration.span.start < integration.span.end <= len(text)
        assert 0 <= integration.confidence <= 1
        ends = integration.span.end
