"""Several sessions judged at once: beside what was said before, and taken back as one."""

import pytest

from distill_core.errors import StoreError
from sessions import Store
from sessions.bulk import Bulk
from sessions.database import UnwritableIndex
from sessions.trash import sweep
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


@pytest.fixture
def lost(store, monkeypatch):
    """Sessions that the index cannot be brought up to date with."""
    names = set()
    refresh = store.refresh

    def refused(session_id):
        if session_id in names:
            raise StoreError("the index is full")
        refresh(session_id)

    monkeypatch.setattr(store, "refresh", refused)
    return names


def test_what_was_written_counts_though_the_list_does_not_show_it_yet(store, lost):
    lost.add("b")
    bulk = Bulk(store, "ada")
    done = bulk.rate(["a", "b"], 4)
    assert (done.words, done.failed) == ("2 sessions rated 4", ())
    assert done.unlisted == ("b: the index is full",)
    undone = bulk.undo()
    assert (undone.words, undone.failed) == ("taken back: 2 sessions rated 4", ())
    assert bulk.undo() is None


def test_an_index_that_cannot_be_written_is_told_once_whatever_was_done(store, monkeypatch):
    def full(session_id):
        raise UnwritableIndex("cannot write the index")

    monkeypatch.setattr(store, "refresh", full)
    assert Bulk(store, "ada").rate(["a", "b"], 4).unlisted == ("cannot write the index",)


def test_what_could_not_be_taken_back_can_be_tried_again(store):
    bulk = Bulk(store, "ada")
    bulk.rate(["a", "b"], 4)
    folder = store.home.folder("b")
    away = folder.rename(store.home.path / "away")
    undone = bulk.undo()
    assert (undone.words, len(undone.failed)) == ("taken back: 1 session rated 4", 1)
    away.rename(folder)
    store.catch_up()
    assert {row.session_id: row.rating for row in store.list()} == {"a": None, "b": 4}
    assert bulk.undo().words == "taken back: 1 session rated 4"
    assert store.row("b").rating is None


def test_a_removal_that_could_not_be_taken_back_can_be_tried_again(store):
    bulk = Bulk(store, "ada")
    bulk.trash(["a"])
    (store.home.sessions / "a").mkdir()
    assert len(bulk.undo().failed) == 1
    (store.home.sessions / "a").rmdir()
    assert bulk.undo().failed == ()
    assert [row.session_id for row in store.list()] == ["b", "a"] or len(store.list()) == 2


def test_what_another_program_took_away_does_not_stand_before_what_was_done_earlier(store):
    bulk = Bulk(store, "ada")
    bulk.rate(["b"], 4)
    bulk.trash(["a"])
    sweep(store.home, trash=True)
    assert [len(bulk.undo().failed) for _ in range(2)] == [1, 1]
    assert bulk.undo().words == "taken back: 1 session rated 4"
    assert store.row("b").rating is None
