"""What is kept is found again: listed, filtered, searched, opened."""

import re
import shutil
import time

import pytest

from distill_core.errors import StoreError
from distill_core.recorder import utc_now
from sessions import Filter, Store, parse
from sessions.schema import SEARCHED
from tests.sessions.homes import ANSWERING, ASKING, FAILING, invent, judge, keep
from tui.cli.listing import table


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    keep(home, "s1")
    keep(home, "s2", FAILING, ASKING, ANSWERING, question="Who signed, and when?")
    third = keep(home, "s3", ANSWERING, question="Was it O'Brien's NOT-so-secret AND clause?")
    judge(third, rating=4, labels=("good", "short"), comment="concise and cited")
    judge(third, by="bob", rating=2)
    return home


@pytest.fixture
def store(home):
    with Store(home) as store:
        yield store


def names(store, words, **how):
    return [row.session_id for row in store.list(parse(words), **how)]


def test_every_folder_is_listed_newest_first(store):
    assert names(store, "") == ["s3", "s2", "s1"]
    assert names(store, "", descending=False, limit=2) == ["s1", "s2"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("errors:>0", ["s2"]),
        ("errors:0", ["s3", "s1"]),
        ("label:good", ["s3"]),
        ("-label:good", ["s2", "s1"]),
        ("label:none", ["s2", "s1"]),
        ("rating:>=3", ["s3"]),
        ("rating:none", ["s2", "s1"]),
        ("rating:1..3", ["s3"]),
        ("unreviewed", ["s2", "s1"]),
        ("-unreviewed", ["s3"]),
        ("unreviewed:ada", ["s2", "s1"]),
        ("unreviewed:carol", ["s3", "s2", "s1"]),
        ("by:policy:auto", ["s3", "s2", "s1"]),
        ("kind:research steps:3", ["s2"]),
        ("date:today", ["s3", "s2", "s1"]),
        ("date:<2020", []),
        ("cost:none", ["s3", "s2", "s1"]),
        ("status:finished id:s1", ["s1"]),
        ("worker_batch", ["s2", "s1"]),
        ('"clause seven" calls:1', ["s2", "s1"]),
        ("batch", []),
        ("work*", ["s2", "s1"]),
        ("O'Brien's NOT", ["s3"]),
        ("-worker_batch", ["s3"]),
        ('-"clause seven"', []),
        ('-"seven clause" errors:>0', ["s2"]),
        ("clause -signed -cited", ["s1"]),
        ("clause -7 --cited", []),
        ("reviewer:ada", ["s3"]),
        ("reviewer:Ada", []),
        ("unreviewed:Ada", ["s3", "s2", "s1"]),
        ("by:Policy:auto", []),
        ("cited", ["s3"]),
    ],
)
def test_a_filter_selects(store, words, found):
    assert names(store, words) == found
    assert store.count(parse(words)) == len(found)


def test_words_that_are_not_to_be_found_are_part_of_the_filter_and_of_a_search(store):
    assert str(parse('clause -cited label:any -"a b"')) == 'label:any clause -cited -"a b"'
    assert {hit.session_id for hit in store.search(parse("clause -signed"))} == {"s1", "s3"}


def test_a_folder_elsewhere_is_not_taken_for_the_session_here_that_has_its_name(store, home, tmp_path):
    elsewhere = shutil.copytree(home / "sessions" / "s1", tmp_path / "s1")
    assert store.row(str(home / "sessions" / "s1")).session_id == "s1"
    with pytest.raises(StoreError, match="is not in this home"):
        store.row(str(elsewhere))


@pytest.mark.parametrize("zone", ["Etc/GMT-14", "Etc/GMT+12"])
def test_today_is_the_day_by_which_sessions_are_dated_wherever_one_is(tmp_path, monkeypatch, zone):
    invent(tmp_path, "now", clock=utc_now)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        with Store(tmp_path) as store:
            assert names(store, "date:today") == names(store, "date:1d") == ["now"]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_times_of_any_zone_are_sorted_filtered_and_told(tmp_path):
    times = {
        "first": "0001-01-01T00:00:00+14:00",
        "early": "2026-02-01T01:00:00+05:00",
        "late": "2026-01-31T21:00:00Z",
        "last": "9999-12-31T23:59:59-12:00",
    }
    for name, when in times.items():
        log = invent(tmp_path, name) / "supervisor.jsonl"
        log.write_text(re.sub(r'"timestamp":"[^"]*"', f'"timestamp":"{when}"', log.read_text(), count=1))
    with Store(tmp_path) as store:
        assert names(store, "") == ["last", "late", "early", "first"]
        assert names(store, "date:2026-01-31") == ["late", "early"]
        assert len(list(table(store.list()))) == 5


@pytest.mark.parametrize("words", ["colour:red", "rating:many", "date:yesterdayish"])
def test_a_wrong_filter_is_one_clear_line(words):
    with pytest.raises(StoreError) as failure:
        parse(words)
    assert failure.value.remedy


@pytest.mark.parametrize(
    "words", ['"', "*", "AND OR NOT", "a:b", "(", "{x}", "col:", "^", "-", "''", "é", "a\0b"]
)
def test_whatever_is_typed_is_searched_for_as_text(store, words):
    filter = Filter(text=words)
    assert len(store.list(filter)) <= 3
    assert all(hit.marks for hit in store.search(filter))


def test_hits_are_marked_where_they_stand(store):
    (hit,) = store.search(parse("cited"))
    assert (hit.session_id, hit.where, hit.id) == ("s3", "comment", "")
    assert [hit.snippet[a:b] for a, b in hit.marks] == ["cited"]
    wheres = {hit.where for hit in store.search(parse("worker_batch"), each=10)}
    assert wheres == {"code", "reply", "prompt", "response", "output"}


def test_text_with_the_marks_own_characters_shows_none_of_them(tmp_path):
    keep(tmp_path, "s", "```repl\nFINAL('a \\x02 odd \\x03 b')\n```")
    with Store(tmp_path) as store:
        hit = next(h for h in store.search(parse("odd"), each=9) if h.where == "answer")
    assert "\x02" not in hit.snippet


def test_the_same_question_is_sorted_by_what_is_asked(store):
    assert names(store, "", order="steps")[0] == "s2"
    assert names(store, "", order="rating")[0] == "s3"
    assert names(store, "", order="title", descending=False)[0] == "s3"


def test_a_session_opens_by_the_beginning_of_its_name(store):
    kept = store.open("s2")
    assert len(kept.state.steps) == 3
    assert kept.context == "Clause seven caps liability."
    assert kept.events[0].session_id == "s2"
    assert store.row("last").session_id == store.home.find("last").name
    with pytest.raises(StoreError, match="several"):
        store.open("s")
    with pytest.raises(StoreError, match="no session"):
        store.open("x")


def test_what_is_added_removed_or_judged_shows_at_the_next_look(tmp_path):
    first = keep(tmp_path, "s1")
    with Store(tmp_path) as store:
        made = judge(first, rating=5, labels=("kept",))
        keep(tmp_path, "s2")
        store.catch_up()
        assert store.row("s1").rating == 5
        assert store.row("s1").labels == ("kept",)
        assert names(store, "") == ["s2", "s1"]
        judge(first, retracts=made.seq)
        store.refresh("s1")
        assert store.row("s1").rating is None
        assert names(store, "label:any") == []
        assert not store.row("s1").reviewed
        first.rename(tmp_path / "elsewhere")
        store.catch_up()
        assert names(store, "") == ["s2"]


@pytest.mark.parametrize("words", ["worker_batch", "clause", "cited", "caps O'Brien's", "nowhere", "print"])
def test_the_ways_to_search_find_the_same_sessions(store, words, monkeypatch):
    from sessions.searching import all_sessions_with, sessions_with

    expected = sorted(sessions_with(store.connection, words))
    assert all_sessions_with(store.connection, words) == expected
    monkeypatch.setattr("sessions.searching.FEW", 1)
    for part in (1, 4):
        monkeypatch.setattr("sessions.searching.MANY_LEFT", part)
        assert all_sessions_with(store.connection, words) == expected


def test_what_begins_so_is_found_like_the_whole_word(store):
    whole = names(store, "worker_batch")
    assert names(store, "worker_ba*") == whole != []
    assert [hit.session_id for hit in store.search(parse("worker_ba*"), each=1)] == whole


def test_hits_of_what_begins_so_are_looked_up_for_all_sessions_at_once(store):
    asked = []
    store.connection.set_trace_callback(asked.append)
    found = store.search(parse("clau* s*"), limit=9, each=2)
    store.connection.set_trace_callback(None)
    one_by_one = [
        hit for name in names(store, "clau* s*") for hit in store.hits(name, "clau* s*", limit=2)[:2]
    ]
    assert found == one_by_one[:9] != []
    assert sum("snippet(" in query for query in asked) <= len(SEARCHED)
    assert [h.session_id for h in store.search(parse("conci*"))] == ["s3"], "a comment that counts"
