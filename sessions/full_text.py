"""How SQLite's full-text index (FTS5) is told to take in very much at once, and then to go on with little."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from sessions.schema import SEARCHED

PIECE_BYTES = 8 << 20
"""Bytes of index that are gathered before they are written: few pieces to search in, and yet so little that it stays in
a processor's caches, since every word is looked up in what is gathered."""
_PIECES = 1000
"""Pieces that may stand side by side before they are merged at once; SQLite can keep twice as many."""
_NO_ROW = 0
"""An id that no row has."""


def gather(connection: sqlite3.Connection, tables: Iterable[str]) -> None:
    """Take in much: large pieces, and no merging of them."""
    for table in tables:
        _set(connection, table, "hashsize", PIECE_BYTES)
        _set(connection, table, "automerge", 0)
        _set(connection, table, "crisismerge", _PIECES)


def settle(connection: sqlite3.Connection, tables: Iterable[str]) -> None:
    """Go on with little after much was taken in: each later write merges a little of it.

    Pieces stand in levels. By default sixteen of a level are merged within the write that makes the sixteenth, which
    would keep whoever writes it waiting until hundreds of megabytes are merged; how many may stand side by side
    therefore stays as it is. And new pieces must not stand in the level that is being merged, where they would be left
    until its end: a merge of all that there is stands in a level of its own, as soon as it is begun with pieces in more
    than one.
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
