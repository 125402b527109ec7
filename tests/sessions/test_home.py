"""How a person names a session: one grammar for every command."""

import os
from datetime import UTC, datetime

import pytest

from distill_core.errors import StoreError
from sessions.home import Home
from sessions.store import Store
from tests.sessions.homes import invent


@pytest.fixture
def home(tmp_path):
    for name in ("20260301-a", "20260301-b", "20260302-c"):
        invent(tmp_path, name)
    return Home(tmp_path)


@pytest.mark.parametrize("name", ["20260302-c", "20260302"])
def test_a_session_is_named_by_its_id_or_the_beginning_of_one(home, name):
    assert home.find(name) == home.sessions / "20260302-c"


def test_a_whole_id_is_meant_though_others_begin_so(home):
    invent(home.path, "20260302-c2")
    assert home.find("20260302-c").name == "20260302-c"


def test_last_is_the_first_of_the_list_whatever_was_written_to_since(home):
    os.utime(home.sessions / "20260301-b" / "supervisor.jsonl", (2e9, 2e9))
    assert home.find("last").name == "20260302-c"
    os.utime(home.sessions / "20260302-c" / "supervisor.jsonl", (1e9, 1e9))
    invent(home.path, "a-later-one", clock=lambda: datetime(2100, 1, 1, tzinfo=UTC))
    with Store(home.path) as store:
        assert home.find("last").name == "a-later-one" == store.list()[0].session_id


def test_an_example_is_the_last_one_only_where_there_is_no_other(tmp_path):
    home = Home(tmp_path)
    invent(tmp_path, "example-02-barley.2")
    assert home.find("last").name == "example-02-barley.2"
    invent(tmp_path, "a-fork-of-it")
    invent(tmp_path, "example-10-further-question")
    assert home.find("last").name == "a-fork-of-it"


def test_a_folder_is_named_wherever_it_lies(home, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    (home.sessions / "20260301-a").rename(elsewhere)
    assert home.find(str(elsewhere)) == elsewhere
    monkeypatch.chdir(tmp_path)
    assert home.find("./elsewhere").name == "elsewhere"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("20260301", r"several sessions begin with '20260301': 20260301-a, 20260301-b"),
        ("x", "no session is called 'x'"),
        ("", "no session is called ''"),
        ("../sessions", "no session is called"),
    ],
)
def test_what_names_none_or_several_is_refused(home, name, words):
    with pytest.raises(StoreError, match=words):
        home.find(name)


def test_there_is_no_last_one_in_an_empty_home(tmp_path):
    with pytest.raises(StoreError, match="no session is kept here yet"):
        Home(tmp_path).find("last")
