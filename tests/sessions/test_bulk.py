"""Several sessions judged at once: beside what was said before, and taken back as one."""

import pytest

from sessions import Store
from sessions.bulk import Bulk
from tests.sessions.homes import invent, judge


@pytest.fixture
def store(tmp_path):
    for name in ("a", "b"):
        invent(tmp_path, name)
    judge(tmp_path / "sessions" / "a", by="ada", labels=("good",))
    judge(tmp_path / "sessions" / "a", by="bob", labels=("slow",))
    with Store(tmp_path) as store:
        yield store


def labels(store):
    return {row.session_id: row.labels for row in store.list()}


def test_a_label_stands_beside_those_that_the_person_gave_before(store):
    bulk = Bulk(store, "ada")
    assert bulk.label(["a", "b"], "short").words == "2 sessions labelled 'short'"
    assert labels(store) == {"a": ("good", "short", "slow"), "b": ("short",)}
    bulk.label(["a"], "short")
    assert labels(store)["a"] == ("good", "short", "slow")


def test_undo_takes_back_what_was_done_to_all_of_them(store):
    bulk = Bulk(store, "ada")
    bulk.label(["a", "b"], "short")
    bulk.rate(["a", "b"], 2)
    assert bulk.undo().words == "taken back: 2 sessions rated 2"
    assert [row.rating for row in store.list()] == [None, None]
    bulk.undo()
    assert labels(store) == {"a": ("good", "slow"), "b": ()}
    assert bulk.undo() is None


def test_a_session_that_is_gone_is_named_and_the_others_are_done(store):
    done = Bulk(store, "ada").rate(["gone", "b"], 4)
    assert done.words == "1 session rated 4"
    assert len(done.failed) == 1
    assert done.failed[0].startswith("gone: ")
    assert store.row("b").rating == 4
