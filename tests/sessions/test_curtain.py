"""Annotators are blind to one another until they are done, in lists, filters, searches and statistics too."""

import pytest

from sessions import Store, curtain, parse
from sessions.stats import stats
from tests.sessions.disks import resize, tiny
from tests.sessions.homes import invent, judge


@pytest.fixture
def home(tmp_path):
    judge(
        invent(tmp_path, "a"), by="ada", rating=5, labels=("good",), comment="a splendid citation", done=True
    )
    judge(invent(tmp_path, "b"), by="bob", rating=1)
    invent(tmp_path, "c")
    return tmp_path


def seen(home, reader, words=""):
    with Store(home, reader=reader) as store:
        return {row.session_id: (row.rating, row.labels, row.closed) for row in store.list(parse(words))}


def found(home, reader, words):
    with Store(home, reader=reader) as store:
        return [hit.where for hit in store.search(parse(words))]


def test_an_annotator_sees_that_others_judged_and_not_what(home):
    judge(home / "sessions" / "a", by="eve", rating=2, labels=("bad",))
    assert seen(home, "eve") == {"a": (2, ("bad",), ("ada",)), "b": (None, (), ("bob",)), "c": (None, (), ())}


def test_once_done_they_see_those_who_are_done(home):
    for name in ("a", "b"):
        judge(home / "sessions" / name, by="eve", rating=2)
        judge(home / "sessions" / name, by="eve", done=True)
    assert seen(home, "eve", "-unreviewed") == {"a": (3.5, ("good",), ()), "b": (2, (), ("bob",))}


def test_what_is_closed_is_closed_where_nothing_can_be_written(tmp_path):
    with tiny(tmp_path / "home", "2m") as home:
        judge(invent(home, "a"), by="ada", rating=5)
        Store(home).close()
        resize(home, "ro")
        assert seen(home, "eve") == {"a": (None, (), ("ada",))}


def test_taking_done_back_closes_the_curtain_again(home):
    with Store(home, reader="eve") as store:
        done = judge(home / "sessions" / "a", by="eve", done=True)
        store.catch_up()
        assert store.row("a").rating == 5
        judge(home / "sessions" / "a", by="eve", retracts=done.seq)
        store.catch_up()
        assert store.row("a").rating is None


def test_whoever_is_no_annotator_sees_everything(home):
    assert seen(home, "") == {"a": (5, ("good",), ()), "b": (1, (), ()), "c": (None, (), ())}


def test_an_annotator_alone_sees_their_own(home):
    assert seen(home, "bob", "id:b") == {"b": (1, (), ())}


@pytest.mark.parametrize(
    "words", ["rating:5", "rating:any", "label:good", "label:any", "splendid", "splend*"]
)
def test_no_filter_gives_away_what_is_closed(home, words):
    assert list(seen(home, "", words))[-1:] == ["a"]
    assert seen(home, "eve", words) == {}


@pytest.mark.parametrize("words", ["splendid", "splend*"])
def test_no_search_finds_what_is_closed(home, words):
    assert found(home, "", words) == ["comment"]
    assert found(home, "eve", words) == []


def test_leaving_out_what_holds_the_words_does_not_tell_either(home):
    assert "a" not in seen(home, "", "-splendid")
    assert list(seen(home, "eve", "-splendid")) == list(seen(home, "eve", ""))


def test_a_session_that_holds_the_words_elsewhere_is_found_there(home):
    judge(home / "sessions" / "a", by="ada", comment="What a question!")
    assert "a" in seen(home, "eve", "What")
    assert found(home, "eve", "What id:a") == ["question"]


def test_what_is_closed_does_not_sort(home):
    with Store(home, reader="eve") as store:
        assert [row.session_id for row in store.list(order="rating", descending=False)] == ["a", "b", "c"]


def test_statistics_count_everything_of_many_and_nothing_closed_of_one(home):
    with Store(home, reader="eve") as store:
        assert (stats(store).rated, stats(store).labels) == (2, {"good": 1})
        alone = stats(store, parse("id:a"))
    assert (alone.rated, alone.labels, alone.ratings) == (0, {}, {})


def test_what_others_judge_while_the_curtain_is_drawn_is_closed_the_next_time(home, monkeypatch):
    closed_to = curtain.closed_to

    def meanwhile(reader, annotations):
        monkeypatch.undo()
        judge(home / "sessions" / "c", by="ada", rating=4)
        Store(home).close()
        return closed_to(reader, annotations)

    with Store(home, reader="eve") as store:
        monkeypatch.setattr(curtain, "closed_to", meanwhile)
        store.list()
        assert (store.row("c").rating, store.row("c").closed) == (None, ("ada",))
