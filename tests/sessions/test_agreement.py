"""Agreement of annotators: against published values, and where it is undefined."""

from __future__ import annotations

import pytest

from distill_core import events as ev
from distill_core.config.rubric import load_rubric
from sessions.agreement import Agreement, agreement, cohen, measured, number
from tests.sessions.judging.test_judgement import Book

STEPS = [ev.Target(kind="step", id=str(n)) for n in range(1, 6)]


def by_question(*books: Book, everyone: bool = True) -> dict[str, Agreement]:
    named = [(f"s{n}", book.state) for n, book in enumerate(books)]
    return {a.question: a for a in agreement(named, load_rubric(), everyone=everyone)}


def test_alpha_is_that_of_the_literature() -> None:
    # The example of Krippendorff's "Computing Krippendorff's Alpha-Reliability" (2011), section C.
    table = {
        "A": "1 2 3 3 2 1 4 1 2 . . .",
        "B": "1 2 3 3 2 2 4 1 2 5 . 3",
        "C": ". 3 3 3 2 3 4 2 2 5 1 .",
        "D": "1 2 3 3 2 4 4 1 2 5 1 .",
    }
    values: dict[object, dict[str, float]] = {}
    for by, row in table.items():
        for unit, value in enumerate(row.split()):
            if value != ".":
                values.setdefault(unit, {})[by] = float(value)
    for measure, alpha in (("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)):
        assert measured("x", values, measure).alpha == pytest.approx(alpha, abs=0.0005)  # type: ignore[arg-type]
    assert measured("x", values, "nominal").units == 11


def test_kappa_is_that_of_a_worked_example() -> None:
    pairs = [(1.0, 1.0)] * 20 + [(1.0, 0.0)] * 5 + [(0.0, 1.0)] * 10 + [(0.0, 0.0)] * 15
    assert cohen(pairs) == pytest.approx(0.4)
    assert cohen([(1.0, 0.0), (0.0, 1.0)]) == -1.0


def test_what_is_undefined_says_so_and_why() -> None:
    same = measured("mark", {1: {"a": 1.0, "b": 1.0}, 2: {"a": 1.0, "b": 1.0}}, "ordinal")
    assert (same.alpha, same.why) == (None, "everybody always said the same")
    assert same.kappas[0].kappa is None
    alone = measured("mark", {1: {"a": 1.0}, 2: {"b": 0.0}}, "ordinal")
    assert (alone.alpha, alone.why, alone.units) == (None, "nothing was judged by two", 0)
    assert alone.kappas == ()
    assert [number(v) for v in (None, -0.25, 1.0)] == ["n/a", "−0.25", "1.00"]


def test_marks_of_steps_and_labels_are_compared_thing_by_thing() -> None:
    book = Book()
    for step, marks in zip(STEPS, [(1, 1), (-1, -1), (0, 1), (1, 1)], strict=False):
        for by, mark in zip(("ada", "bob"), marks, strict=True):
            book.say(by, target=step, mark=mark)
    book.say("ada", labels=("wrong",))
    book.say("bob", labels=("wrong", "wasteful"))
    found = by_question(book)
    assert found["mark"].units == 4
    assert 0 < (found["mark"].alpha or 0) < 1
    assert found["mark"].kappas[0].units == 4
    assert found["label: wrong"].why == "everybody always said the same"
    assert found["label: wasteful"].alpha == pytest.approx(0.0)
    assert "rating" not in found


def test_only_those_who_are_done_count_unless_asked_otherwise() -> None:
    book = Book()
    book.say("ada", rating=5)
    book.say("bob", rating=1)
    book.say("ada", done=True)
    assert by_question(book, everyone=False)["rating"].units == 0
    book.say("bob", done=True)
    assert by_question(book, everyone=False)["rating"].units == 1


def test_sessions_are_taken_together_and_what_settles_does_not_count() -> None:
    one, other = Book(), Book()
    for book, (a, b) in ((one, (5, 4)), (other, (1, 1))):
        book.say("ada", scores={"faithful": a})
        book.say("bob", scores={"faithful": b})
        book.say("carol", scores={"faithful": 3}, settles=True)
    found = by_question(one, other)["faithful"]
    assert (found.units, found.annotators, found.measure) == (2, ("ada", "bob"), "ordinal")
    assert (found.alpha or 0) > 0.5
