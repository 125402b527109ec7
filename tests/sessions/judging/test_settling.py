"""Disputes: who said what, where they differ, what is settled."""

from __future__ import annotations

from pathlib import Path

from distill_core import events as ev
from distill_core.runner import run
from sessions.appending import annotate, append
from sessions.judging.judgement import Judgement
from sessions.judging.reading import judged
from sessions.judging.settling import disputes
from tests.fakes.models import Answering, Scripted
from tests.sessions.judging.test_judgement import SESSION, STEP, Book


def judged_by_two() -> Book:
    book = Book()
    book.say("ada", target=STEP, mark=1)
    book.say("bob", target=STEP, mark=1)
    book.say("ada", rating=5, labels=("correct",), scores={"faithful": 4})
    book.say("bob", rating=2, labels=("correct",), scores={"faithful": 2})
    book.say("carol", rating=1)
    for who in ("ada", "bob"):
        book.say(who, done=True)
    return book


def test_what_differs_comes_first_and_says_in_what() -> None:
    first, second = disputes(judged_by_two().state)
    assert (first.target, first.differ, first.open) == (SESSION, ("rating", "faithful"), True)
    assert list(first.said) == ["ada", "bob"]
    assert (second.target, second.differ, second.open) == (STEP, (), False)


def test_what_is_settled_is_open_no_more() -> None:
    book = judged_by_two()
    book.say("dora", rating=4, settles=True)
    first = disputes(book.state)[0]
    assert (first.open, first.settled) == (False, Judgement(rating=4))


def test_the_judgements_alone_are_those_of_the_whole_session(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    run("q?", "text", Scripted("```repl\nFINAL('yes')\n```"), Answering(str.upper), log_dir=folder)
    annotate(folder, SESSION, by="ada", rating=4)
    taken_back = annotate(folder, SESSION, by="ada", rating=1)
    append(folder, [ev.Retracted(step=0, retracts=taken_back.seq, by="ada")])
    assert [a.rating for a in judged(folder).annotations()] == [4]
    assert judged(tmp_path / "none").annotations() == []
