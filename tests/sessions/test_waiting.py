"""The review queue gives each session once, and knows where somebody was."""

import pytest

from sessions import Store, parse
from sessions.waiting import Place, Queue
from tests.fakes.clock import Clock
from tests.sessions.homes import invent, judge


@pytest.fixture
def home(tmp_path):
    clock = Clock()
    for name in ("a", "b", "c"):
        clock.now += 60
        invent(tmp_path, name, clock=clock.utc, supervisor="big" if name != "b" else "other")
    return tmp_path


def test_the_oldest_unjudged_comes_first_and_then_the_next(home):
    with Store(home) as store:
        queue = Queue(store, "ada")
        assert queue.next().session_id == "a"
        assert queue.next(after="a").session_id == "b"
        assert queue.next(after="c").session_id == "a"


def test_what_i_judged_is_out_and_what_others_judged_is_not(home):
    judge(home / "sessions" / "a", by="ada", rating=3)
    judge(home / "sessions" / "b", by="bob", rating=3)
    with Store(home) as store:
        assert [row.session_id for row in Queue(store, "ada").waiting()] == ["b", "c"]
        assert [row.session_id for row in Queue(store, "bob").waiting()] == ["a", "c"]


def test_the_place_is_remembered_for_each_person_and_filter(home):
    with Store(home) as store:
        Queue(store, "ada").remember(Place("b", step=4))
        Queue(store, "ada", parse("model:big")).remember(Place("c"))
    with Store(home) as store:
        assert Queue(store, "ada").place() == Place("b", step=4)
        assert Queue(store, "ada").next().session_id == "b"
        assert Queue(store, "ada", parse("model:big")).next().session_id == "c"
        assert Queue(store, "bob").next().session_id == "a"


def test_behind_a_place_that_is_judged_comes_the_next(home):
    with Store(home) as store:
        Queue(store, "ada").remember(Place("b"))
        judge(home / "sessions" / "b", by="ada", rating=1)
        store.refresh("b")
        assert Queue(store, "ada").next().session_id == "c"


def test_at_the_end_nothing_waits(home):
    for name in "abc":
        judge(home / "sessions" / name, by="ada", mark=0)
    with Store(home) as store:
        assert Queue(store, "ada").next() is None


def test_a_damaged_place_is_no_obstacle(home):
    (home / "review.json").write_text("{")
    with Store(home) as store:
        assert Queue(store, "ada").next().session_id == "a"
        Queue(store, "ada").remember(Place("a"))
        assert Queue(store, "ada").place() == Place("a")
