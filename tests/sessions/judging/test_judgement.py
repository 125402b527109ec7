"""Annotations taken together: what somebody thinks of something, who may see it, undo and redo."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from distill_core import events as ev
from distill_core.state import EMPTY, SessionState, apply
from sessions.judging.history import history, to_redo, to_undo
from sessions.judging.judgement import (
    NOTHING,
    Judgement,
    change,
    done_by,
    judgement_of,
    judgements,
    labelled,
    open_to,
    overall,
    settled,
    together,
)

SESSION = ev.Target(kind="session")
STEP = ev.Target(kind="step", id="1")


class Book:
    """Annotations written one after another."""

    def __init__(self) -> None:
        self.state: SessionState = EMPTY

    def say(self, by: str = "ada", target: ev.Target = SESSION, **fields: Any) -> int:
        return self._add(ev.Annotated(step=0, annotation_id="a", target=target, by=by, **fields))

    def retract(self, seq: int | None, by: str = "ada") -> int:
        assert seq is not None
        return self._add(ev.Retracted(step=0, retracts=seq, by=by))

    def _add(self, event: Any) -> int:
        seq = self.state.seq + 1

        self.state = apply(self.state, msgspec.structs.replace(event, seq=seq))
        return seq


def test_what_is_given_last_counts_and_the_rest_stays() -> None:
    book = Book()
    book.say(rating=2, comment="meh")
    book.say(rating=4, labels=("correct",))
    assert judgement_of(book.state, SESSION, "ada") == Judgement(rating=4, comment="meh", labels=("correct",))


def test_neutral_is_not_unmarked() -> None:
    book = Book()
    book.say(mark=0)
    assert judgement_of(book.state, SESSION, "ada").mark == 0
    assert not judgement_of(book.state, SESSION, "ada").empty
    book.say(cleared=("mark",))
    assert judgement_of(book.state, SESSION, "ada").mark is None
    assert judgements(book.state.annotations()) == {}


def test_labels_that_were_changed_or_taken_away_count_no_more() -> None:
    book = Book()
    book.say(labels=("wrong", "wasteful"))
    last = book.say(labels=("correct",))
    book.say(target=STEP, labels=("elegant",))
    book.say(target=STEP, cleared=("labels",))
    book.say("bob", labels=("wrong",))
    assert [(a.by, label) for a, label in labelled(book.state)] == [("ada", "correct"), ("bob", "wrong")]
    book.retract(last)
    assert [label for _, label in labelled(book.state)] == ["wrong", "wasteful", "wrong"]


def test_a_session_is_rated_by_the_mean_of_last_ratings_until_that_is_settled() -> None:
    book = Book()
    book.say(rating=5)
    book.say("bob", target=ev.Target(kind="answer"), rating=2)
    book.say("bob", target=ev.Target(kind="answer", field="answer", start=0, end=1), rating=1)
    assert overall(book.state.annotations()) == 3.5
    book.say("bob", target=ev.Target(kind="answer"), cleared=("rating",))
    assert overall(book.state.annotations()) == 5
    book.say("carol", rating=2, settles=True)
    last = book.say("dan", rating=3, settles=True)
    assert overall(book.state.annotations()) == 3
    book.retract(last)
    assert overall(book.state.annotations()) == 2


def test_labels_that_settle_count_alone_where_they_settle() -> None:
    book = Book()
    book.say(labels=("wrong",))
    book.say(target=STEP, labels=("elegant",))
    book.say("carol", labels=("correct",), settles=True)
    assert [label for _, label in labelled(book.state)] == ["elegant", "correct"]


def test_a_preference_and_its_reason_are_no_judgement_of_the_session() -> None:
    book = Book()
    book.say(rating=5)
    book.say(reason="shorter", preference=ev.Preference(other="s2", winner="this"))
    assert judgement_of(book.state, SESSION, "ada") == Judgement(rating=5)


def test_scores_add_up_criterion_by_criterion() -> None:
    book = Book()
    book.say(scores={"faithful": 2})
    book.say(scores={"complete": 5})
    book.say(scores={"faithful": 4})
    assert judgement_of(book.state, SESSION, "ada").scores == {"faithful": 4, "complete": 5}


JUDGEMENTS = st.builds(
    Judgement,
    rating=st.none() | st.integers(1, 5),
    mark=st.none() | st.sampled_from([-1, 0, 1]),
    labels=st.lists(st.sampled_from("abc"), unique=True, max_size=2).map(tuple),
    comment=st.sampled_from(["", "x", "y"]),
    correction=st.none() | st.sampled_from(["c", "d"]),
    reason=st.sampled_from(["", "r"]),
    scores=st.dictionaries(st.sampled_from("pq"), st.floats(1, 3), max_size=2),
)


@given(JUDGEMENTS, JUDGEMENTS)
def test_one_event_makes_any_judgement_out_of_any_other(before: Judgement, after: Judgement) -> None:
    book = Book()
    for fields in (change(NOTHING, before), change(before, after)):
        if fields:
            book.say(**fields)
    assert judgement_of(book.state, SESSION, "ada") == after
    assert change(after, after) == {}


def test_annotators_are_blind_to_one_another_until_they_are_done() -> None:
    book = Book()
    book.say("ada", rating=5)
    book.say("bob", rating=1)
    assert {a.by for a in open_to(book.state, "ada")} == {"ada"}
    book.say("ada", done=True)
    assert done_by(book.state) == {"ada"}
    assert {a.by for a in open_to(book.state, "ada")} == {"ada"}
    assert {a.by for a in open_to(book.state, "bob")} == {"bob"}
    finished = book.say("bob", done=True)
    assert {a.by for a in open_to(book.state, "ada")} == {"ada", "bob"}
    book.retract(finished, "bob")
    assert {a.by for a in open_to(book.state, "bob")} == {"bob"}


def test_what_is_settled_is_apart_from_what_its_author_thinks() -> None:
    book = Book()
    book.say("ada", rating=5)
    book.say("ada", rating=3, settles=True)
    assert judgement_of(book.state, SESSION, "ada").rating == 5
    assert settled(book.state)[SESSION].rating == 3
    book.say("carol", target=STEP, mark=1)
    assert "rating" not in [a for a in open_to(book.state, "carol") if a.by != "carol"]
    assert [a.by for a in open_to(book.state, "carol")] == ["carol"]


def test_undo_and_redo_walk_back_and_forth() -> None:
    book = Book()
    one, two = book.say(rating=1), book.say(rating=2)
    for expected in (1, None):
        book.retract(to_undo(book.state, "ada"))
        assert judgement_of(book.state, SESSION, "ada").rating == expected
    assert to_undo(book.state, "ada") is None
    assert history(book.state, "ada").redo == (two, one)
    for expected in (1, 2):
        book.retract(to_redo(book.state, "ada"))
        assert judgement_of(book.state, SESSION, "ada").rating == expected
    assert to_redo(book.state, "ada") is None
    book.retract(to_undo(book.state, "ada"))
    assert judgement_of(book.state, SESSION, "ada").rating == 1


def test_something_new_ends_what_could_be_redone() -> None:
    book = Book()
    book.say(rating=1)
    book.retract(to_undo(book.state, "ada"))
    book.say(rating=3)
    assert to_redo(book.state, "ada") is None


def test_nobody_undoes_what_another_said() -> None:
    book = Book()
    book.say("bob", rating=1)
    assert to_undo(book.state, "ada") is None


@given(st.lists(st.sampled_from(["say", "undo", "redo"]), max_size=30))
def test_undo_and_redo_are_a_plain_stack(steps: list[str]) -> None:
    book = Book()
    past: list[int] = []
    future: list[int] = []
    for step in steps:
        if step == "say":
            past.append(book.state.seq)
            book.say(rating=past[-1])
            future.clear()
        elif step == "undo" and past:
            future.append(past.pop())
            book.retract(to_undo(book.state, "ada"))
        elif step == "redo" and future:
            past.append(future.pop())
            book.retract(to_redo(book.state, "ada"))
        assert [a.rating for a in book.state.annotations()] == sorted(past)
        assert (to_undo(book.state, "ada") is None) == (not past)
        assert (to_redo(book.state, "ada") is None) == (not future)


def test_the_last_word_of_nobody_is_nothing() -> None:
    assert together([]) == NOTHING
