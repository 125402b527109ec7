"""The review queue: whose judgement counts, which session is next, and that a judged one stays where it stands."""

import pytest

from sessions import Store
from sessions.waiting import Queue, next_waiting
from tests.fakes.clock import Clock
from tests.sessions.homes import invent, judge


@pytest.fixture
def home(tmp_path):
    clock = Clock()
    for name in ("a", "b", "c"):
        clock.now += 60
        invent(tmp_path, name, clock=clock.utc, supervisor="big" if name != "b" else "other")
    return tmp_path


def names(queue):
    return [row.session_id for row in queue.rows]


def test_the_oldest_comes_first(home):
    queue = Queue(home, "ada")
    assert names(queue) == ["a", "b", "c"]
    assert (queue.at, queue.left) == (0, 3)


def test_next_goes_on_and_round_the_end(home):
    queue = Queue(home, "ada")
    seen = [queue.at]
    while len(seen) < 4 and queue.next_unreviewed():
        seen.append(queue.at)
    assert seen == [0, 1, 2, 0]
    queue.next_unreviewed(-1)
    assert queue.at == 2


def test_what_i_judged_is_passed_over_and_what_others_judged_is_not(home):
    judge(home / "sessions" / "b", by="ada", rating=3)
    judge(home / "sessions" / "c", by="bob", rating=3)
    with Store(home) as store:
        rows = store.list(order="started", descending=False)
    assert next_waiting(rows, "ada", 0) == 2
    assert next_waiting(rows, "bob", 0) == 1
    assert next_waiting(rows[1:2], "ada", 0) is None
    assert next_waiting([], "ada", 0) is None


def test_a_session_that_is_judged_stays_in_the_queue_until_it_is_looked_at_again(home):
    queue = Queue(home, "ada", "unreviewed:ada")
    judge(home / "sessions" / "a", by="ada", mark=0)
    queue.refresh("a")
    assert (names(queue), queue.left) == (["a", "b", "c"], 2)
    queue.look()
    assert names(queue) == ["b", "c"]


def test_a_session_that_i_have_begun_to_judge_is_there_again_until_i_am_done(home):
    mine = "unreviewed:ada"
    judge(home / "sessions" / "b", by="ada", mark=0)
    queue = Queue(home, "ada", mine)
    queue.return_to("b")
    assert (names(queue), queue.at) == (["a", "b", "c"], 1)
    judge(home / "sessions" / "b", by="ada", done=True)
    queue = Queue(home, "ada", mine)
    queue.return_to("b")
    assert (names(queue), queue.at) == (["a", "c"], 1), "then it goes on with the next one"
    queue.return_to("gone")
    assert queue.at == 1


def test_the_place_stays_at_the_session_when_the_filter_changes(home):
    queue = Queue(home, "ada")
    queue.go_to("c")
    queue.narrow("model:big")
    assert (names(queue), queue.at) == (["a", "c"], 1)
    queue.go_to("gone")
    assert queue.at == 1


def test_at_the_end_nothing_waits(home):
    for name in "abc":
        judge(home / "sessions" / name, by="ada", mark=0)
    queue = Queue(home, "ada")
    assert queue.left == 0
    assert not queue.next_unreviewed()
