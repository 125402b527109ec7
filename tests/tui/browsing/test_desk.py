"""What is typed as a filter, as it is searched for."""

from __future__ import annotations

import pytest

from tui.browsing.desk import as_typed


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("liab", "liab*"),
        ("label:good liab", "label:good liab*"),
        ("li", "li"),
        ("liability ", "liability "),
        ("liab*", "liab*"),
        ("kind:session", "kind:session"),
        ("unreviewed", "unreviewed"),
        ('"caps liab', '"caps liab'),
        ('"caps" liab', '"caps" liab*'),
        ("", ""),
    ],
)
def test_the_last_word_may_be_the_beginning_of_one(typed: str, searched: str) -> None:
    assert as_typed(typed) == searched
