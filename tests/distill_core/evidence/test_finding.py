"""Quotations looked up in a document: found, near, missing, and where."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.evidence import Evidence, readable

CLAUSE = "In no event shall either party be liable for more than the fees paid in the twelve months before the claim."
DOCUMENT = (
    "ARTICLE VIII — NOTICES\nAll notices shall be in writing and be sent by post to the address of the other party.\n\n"
    f"ARTICLE IX — LIABILITY\n9.2  {CLAUSE}\n\n"
    "ARTICLE X — GENERAL\nThis agreement is governed by the law of the place where the supplier has its seat.\n"
)


def passage(document: str, quote: str) -> tuple[str, str]:
    """Status of a quotation, and what stands at its place."""
    finding = Evidence(document).find(quote)
    there = "" if finding.start is None or finding.end is None else document[finding.start : finding.end]
    return finding.status, there


def test_word_for_word_is_found_at_its_place() -> None:
    assert passage(DOCUMENT, "liable for more than the fees") == ("found", "liable for more than the fees")


@pytest.mark.parametrize(
    ("document", "quote", "there"),
    [
        ("a  line\n   broken   here, and on", "line broken here", "line\n   broken   here"),
        ("a line broken here", "line\n\tbroken\u00a0here", "line broken here"),
        ("he said “no more of it” then", 'said "no more of it" then', "said “no more of it” then"),
        (
            "pages 3–5 are the supplier’s own",
            "pages 3-5 are the supplier's own",
            "pages 3–5 are the supplier’s own",
        ),
        ("the fees of twelve months and more", "“the fees of twelve months,”", "the fees of twelve months"),
        ("die Größe   des Maßes \u2028 zählt", "Größe des Maßes zählt", "Größe   des Maßes \u2028 zählt"),
    ],
)
def test_white_space_marks_and_ends_do_not_count(document: str, quote: str, there: str) -> None:
    assert passage(document, quote) == ("found", there)


def test_a_few_differences_are_near_and_the_place_is_told() -> None:
    status, there = passage(DOCUMENT, CLAUSE.replace("either party", "any party").replace("twelve", "12"))
    assert status == "near"
    assert there.startswith("In no event shall")
    assert there.endswith(("before the claim", "before the claim."))


def test_capitals_are_a_difference() -> None:
    finding = Evidence(DOCUMENT).find("in no event shall either party")
    assert finding.status == "near"
    assert 95 < finding.score < 100


def test_what_is_not_there_is_missing_and_has_no_place() -> None:
    finding = Evidence(DOCUMENT).find("the supplier may raise its prices once a year without notice")
    assert (finding.status, finding.start, finding.end) == ("missing", None, None)
    assert finding.score < 80


def test_words_left_out_are_two_parts_in_order() -> None:
    assert passage(DOCUMENT, "In no event … the fees paid in the twelve months") == (
        "found",
        "In no event shall either party be liable for more than the fees paid in the twelve months",
    )
    assert passage(DOCUMENT, "In no event [...] paid in the twelve months")[0] == "found"


def test_parts_in_the_wrong_order_are_near_at_most() -> None:
    assert passage(DOCUMENT, "the law of the place … In no event shall either")[0] == "near"


def test_a_part_that_is_missing_makes_the_whole_missing() -> None:
    assert passage(DOCUMENT, "In no event shall … purple elephants dance tonight on the roof")[0] == "missing"


@pytest.mark.parametrize("quote", ["", "   ", "…", '"."', "... ..."])
def test_nothing_is_missing(quote: str) -> None:
    assert Evidence(DOCUMENT).find(quote).status == "missing"


def test_in_an_empty_document_everything_is_missing() -> None:
    assert Evidence("").find("anything at all, really").status == "missing"


def test_a_long_passage_with_an_insertion_is_near_where_it_is() -> None:
    source = random.Random(7)
    words = ["".join(source.choices("etaoinshr", k=source.randint(2, 8))) for _ in range(3000)]
    document = " ".join(source.choices(words, k=60_000))
    start = document.index(" ", 150_000) + 1
    quote = document[start : start + 900] + " inserted here " + document[start + 900 : start + 1800]
    finding = Evidence(document).find(quote)
    assert finding.status == "near"
    assert finding.start is not None
    assert abs(finding.start - start) < 20
    longer = document[start : start + 900] + " inserted here " + document[start + 900 : start + 9000]
    assert Evidence(document).find(longer).status == "near"


def test_every_quotation_of_a_text_is_looked_up() -> None:
    text = f"The cap is “{CLAUSE}” and not “a cap of one hundred dollars in all”."
    assert [finding.status for finding in Evidence(DOCUMENT).of(text)] == ["found", "missing"]


@given(st.text(alphabet=st.sampled_from("ab \n\t“”'İΣéﬁ"), max_size=80), st.data())
def test_any_slice_of_a_document_is_found_in_it(document: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(document)))
    end = data.draw(st.integers(start, len(document)))
    finding = Evidence(document).find(document[start:end])
    if document[start:end].strip(" \n\t“”'"):
        assert finding.status == "found"
        assert finding.start is not None
        assert finding.end is not None
        assert 0 <= finding.start < finding.end <= len(document)
    else:
        assert finding.status == "missing"


def test_places_are_right_across_the_pieces_that_a_long_document_is_worked_on_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("distill_core.evidence.normal._PIECE", 7)
    document = "".join(f"word{n}  \n \t line{n}\u2019s\n" for n in range(200))
    evidence = Evidence(document)
    for n in (0, 3, 99, 199):
        finding = evidence.find(f"word{n} line{n}'s")
        assert finding.status == "found"
        assert document[finding.start : finding.end] == f"word{n}  \n \t line{n}\u2019s"


def test_strings_of_a_list_and_a_dict_are_looked_up_too() -> None:
    document = readable(
        [{"title": "Notes", "body": "The committee met.\nIt decided on the freeze at once."}, 3]
    )
    assert passage(document, "decided on the freeze")[0] == "found"
    assert "[0].title: Notes" in document
    assert "[1]: 3" in document
    assert readable("as it stands\n") == "as it stands\n"
