"""A full-text index made by another process is the one that would have been made here, whatever becomes of it."""

import sqlite3
import sys

import pytest

from sessions import indexing_apart, rebuilding
from sessions.full_text import gather, settle
from sessions.home import Home
from sessions.indexing_apart import TABLE, Apart
from sessions.rebuilding import rebuild
from sessions.schema import SEARCHED, search_definition
from tests.sessions.homes import invent
from tests.sessions.index_rows import everything
from tests.sessions.stories import talk


@pytest.fixture
def home(tmp_path, monkeypatch):
    for n in range(6):
        invent(tmp_path, f"s{n}", *talk(3 * n))
    monkeypatch.setattr(rebuilding, "worth_a_process", lambda *_: True)
    return Home(tmp_path)


@pytest.fixture
def expected(home, monkeypatch):
    with monkeypatch.context() as alone:
        alone.setattr(rebuilding, "worth_a_process", lambda *_: False)
        rebuild(home)
    found = everything(home.index), found_by(home)
    assert found[1], "there are worker calls to be found"
    home.index.unlink()
    return found


def found_by(home):
    connection = sqlite3.connect(home.index)
    rows = connection.execute(f"select rowid from {TABLE}_fts where {TABLE}_fts match 'reply' order by rowid")
    found = rows.fetchall()
    connection.close()
    return found


def made(home):
    rebuild(home)
    left = sorted(path.name for path in home.path.glob("sessions.db*") if path != home.index)
    assert [name for name in left if ".new" in name] == []
    return everything(home.index), found_by(home)


def test_it_is_the_same_index(home, expected):
    assert made(home) == expected


def test_where_there_is_no_other_process_it_is_made_here(home, expected, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    assert made(home) == expected


def test_where_the_other_process_dies_it_is_made_here(home, expected, monkeypatch):
    give, given = Apart.give, []

    def deadly(self, rows):
        give(self, rows)
        given.append(rows)
        if len(given) == 2:
            self._process.kill()
            self._process.wait()

    monkeypatch.setattr(Apart, "give", deadly)
    assert made(home) == expected
    assert len(given) > 2


def test_where_sqlite_defends_its_tables_it_is_made_here(home, expected, monkeypatch):
    if sys.version_info < (3, 12):
        # What it says then, from another table that it lets nobody write into.
        monkeypatch.setattr(indexing_apart, "_SHADOWS", ("data", "defended"))
        monkeypatch.setattr(Apart, "_taken", _refused(Apart._taken))
    else:
        monkeypatch.setattr(rebuilding, "_unsafely", _defended(rebuilding._unsafely))
    assert made(home) == expected


def _refused(taken):
    class Defended:
        def __init__(self, connection):
            self._connection = connection

        def execute(self, statement, *values):
            if statement.startswith("delete from main."):
                raise sqlite3.OperationalError("table worker_calls_fts_data may not be modified")
            return self._connection.execute(statement, *values)

    return lambda self, connection: taken(self, Defended(connection))


def _defended(unsafely):
    def connected(path):
        connection = unsafely(path)
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
        return connection

    return connected


def test_a_disk_that_is_full_when_it_is_taken_over_is_told_and_nothing_is_left(home, expected, monkeypatch):
    def full(self, connection):
        raise sqlite3.OperationalError("database or disk is full")

    rebuild(home)
    monkeypatch.setattr(Apart, "_taken", full)
    with pytest.raises(Exception, match="full"):
        rebuild(home)
    assert (everything(home.index), found_by(home)) == expected
    assert not list(home.path.glob("*.new*"))


def test_small_writes_after_much_was_taken_in_do_not_merge_all_of_it(tmp_path):
    connection = sqlite3.connect(tmp_path / "index.db", isolation_level=None)
    connection.execute(search_definition(TABLE))
    insert = f"insert into {TABLE}_fts (rowid, {', '.join(SEARCHED[TABLE])}) values (?, ?, ?)"
    gather(connection, [TABLE])
    for piece in range(10):
        connection.execute("begin")
        many = [(1 + piece * 100 + n, f"word{piece} word{n} " * 100, "yes") for n in range(100)]
        connection.executemany(insert, many)
        connection.execute("commit")
    settle(connection, [TABLE])
    large = _pieces(connection)
    for n in range(40):
        connection.execute(insert, (5000 + n, "little", "no"))
    assert len(large) >= 10
    assert large <= _pieces(connection)
    found = f"select count(*) from {TABLE}_fts where {TABLE}_fts match ?"
    assert connection.execute(found, ('"word3 word7"',)).fetchone() == (2,)
    assert connection.execute(found, ("little",)).fetchone() == (40,)
    assert connection.execute(found, ("a",)).fetchone() == (0,)
    connection.close()


def _pieces(connection):
    """The pieces of an index that hold more than a page."""
    rows = connection.execute(f"select segid from {TABLE}_fts_idx group by segid having count(*) > 1")
    return {segid for (segid,) in rows}
