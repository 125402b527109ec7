"""A full-text index that took in much at once: it stays searchable, and no later write merges all of it."""

import random
import sqlite3
from contextlib import closing

import pytest

from sessions import full_text
from sessions.schema import SEARCHED, search_definition

TABLE = "worker_calls"
COLUMNS = ", ".join(SEARCHED[TABLE])
PLACES = ", ".join("?" * (len(SEARCHED[TABLE]) + 1))


@pytest.fixture
def index(tmp_path, monkeypatch):
    monkeypatch.setattr(full_text, "PIECE_BYTES", 1 << 14)
    with closing(sqlite3.connect(tmp_path / "index.db", isolation_level=None)) as connection:
        connection.execute(search_definition(TABLE))
        full_text.gather(connection, [TABLE])
        with_words(connection, range(1, 601))
        full_text.settle(connection, [TABLE])
        yield connection


def with_words(connection, rows):
    """One write of so many rows of random words, each with a word of its own."""
    dice = random.Random(rows[0])
    connection.execute("begin")
    for row in rows:
        words = " ".join(f"{dice.randrange(50_000):x}" for _ in range(100))
        texts = (f"{words} row{row}", *[""] * (len(SEARCHED[TABLE]) - 1))
        connection.execute(f"insert into {TABLE}_fts (rowid, {COLUMNS}) values ({PLACES})", (row, *texts))
    connection.execute("commit")


def pieces(connection):
    return connection.execute(f"select count(distinct segid) from {TABLE}_fts_idx").fetchone()[0]


def found(connection, word):
    query = f"select rowid from {TABLE}_fts where {TABLE}_fts match ?"
    return [row for (row,) in connection.execute(query, (word,))]


def test_pieces_are_not_merged_within_one_write(index):
    many = pieces(index)
    assert many > 100
    for first in range(3001, 3041, 2):
        with_words(index, range(first, first + 2))
        assert pieces(index) > many // 2


def test_they_are_merged_in_the_end(index):
    many = pieces(index)
    for first in range(3001, 5001, 40):
        with_words(index, range(first, first + 40))
    assert pieces(index) < many


def test_what_was_taken_in_is_found_before_and_after_a_merge(index):
    assert found(index, "row1") == [1]
    assert found(index, "row600") == [600]
    index.execute(f"insert into {TABLE}_fts ({TABLE}_fts) values ('optimize')")
    assert found(index, "row1") == [1]
    assert found(index, "row600") == [600]
    assert pieces(index) == 1
