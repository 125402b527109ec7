"""How SQLite's full-text index (FTS5) is told to take in very much at once, and then to go on with little."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from sessions.schema import SEARCHED

PIECE_BYTES = 64 << 20
"""Bytes of index that are gathered before they are written: so large that a search over the pieces is quick."""
_NO_ROW = 0
"""An id that no row has."""


def gather(connection: sqlite3.Connection, tables: Iterable[str]) -> None:
    """Take in much: large pieces, and no merging of them."""
    for table in tables:
        _set(connection, table, "hashsize", PIECE_BYTES)
        _set(connection, table, "automerge", 0)


def settle(connection: sqlite3.Connection, tables: Iterable[str]) -> None:
    """Go on with little, as by default, after much was taken in.

    Pieces stand in levels, and sixteen of a level are merged at once, within the write that makes the sixteenth. Small
    ones written from now on must not come to stand beside the large ones: whoever writes would some day wait until
    hundreds of megabytes are merged. A merge of all that there is stands in a level of its own, as soon as it is begun
    with pieces in more than one, and goes on a little with each later write.
    """
    for table in tables:
        columns = SEARCHED[table]
        names, values = ", ".join(columns), ("a", *[""] * (len(columns) - 1))
        places = ", ".join("?" * len(columns))
        _set(connection, table, "merge", -1)
        connection.execute(
            f"insert into {table}_fts (rowid, {names}) values (?, {places})", (_NO_ROW, *values)
        )
        connection.execute(
            f"insert into {table}_fts ({table}_fts, rowid, {names}) values ('delete', ?, {places})",
            (_NO_ROW, *values),
        )
        _set(connection, table, "merge", -1)
        _set(connection, table, "hashsize", 1 << 20)
        _set(connection, table, "automerge", 4)


def _set(connection: sqlite3.Connection, table: str, name: str, value: int) -> None:
    """Tell the index something; see "Special INSERT Commands" of SQLite's documentation of FTS5."""
    connection.execute(f"insert into {table}_fts ({table}_fts, rank) values (?, ?)", (name, value))
