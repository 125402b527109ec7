"""The bundled examples: each is long enough, holds its evidence once, and knows a right answer from a wrong one."""

from __future__ import annotations

import pytest

from distill_core.errors import DocumentError
from distill_core.examples import DEFAULT, Example, example, examples


@pytest.mark.parametrize("one", examples().values(), ids=list(examples()))
def test_every_example_can_be_answered_from_its_document(one: Example) -> None:
    text = " ".join(one.text().split())
    assert len(one.text()) >= 20_000
    assert text.count(one.evidence) == 1
    assert one.right(one.evidence)
    assert one.evidence not in one.question
    assert one.licence
    assert len(one.provenance.split()) > 20


def test_the_document_is_the_book_and_nothing_else() -> None:
    text = example().text()
    assert text.startswith(
        "THE TIME MACHINE\n\nby H. G. Wells\n\n\nI\n\nThe Time Traveller (for so it will be"
    )
    assert text.endswith("And the whole tableful\nturned towards the door.\n")
    assert "<" not in text


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("Two years", True),
        ("It took 2 years.", True),
        ("twenty years", False),
        ("12", False),
        ("NONE", False),
    ],
)
def test_a_right_answer_is_told_from_a_wrong_one(answer: str, right: bool) -> None:
    assert example().right(answer) is right


def test_an_unknown_example_is_one_line() -> None:
    with pytest.raises(DocumentError, match=f"no example is called 'x' .known: {DEFAULT}"):
        example("x")
