"""Putting rows into the index and taking a session's rows out of it. The caller holds the transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

import msgspec

from sessions.indexing import Rows
from sessions.rows import COLUMNS, Row
from sessions.schema import BLOCK, SEARCHED


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _put(table: str, columns: tuple[str, ...]) -> str:
    """An insert that replaces the row with the same id, and tells the full-text index only of what changed."""
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name != "id")
    return (
        f"insert into {table} ({_quoted(columns)}) values ({', '.join('?' * len(columns))}) "
        f"on conflict (id) do update set {changes}"
    )


_PUT = {table: _put(table, columns) for table, columns in COLUMNS.items()}


def _add(table: str, columns: tuple[str, ...]) -> str:
    return f"insert into {table} ({_quoted(columns)}) values ({', '.join('?' * len(columns))})"


_ADD = {table: _add(table, columns) for table, columns in COLUMNS.items()}
_SEARCH = {
    table: f"insert into {table}_fts (rowid, {', '.join(columns)}) values ({', '.join('?' * (len(columns) + 1))})"
    for table, columns in SEARCHED.items()
}
_SEARCHED_AT = {
    table: itemgetter(*(COLUMNS[table].index(name) for name in ("id", *columns)))
    for table, columns in SEARCHED.items()
    if table in COLUMNS
}
"""Where id and searched columns stand in a row."""
_DOCUMENT = """
insert into documents (sha256, name, kind, chars) values (?, ?, ?, ?)
on conflict (sha256) do update set name = min(name, excluded.name)
"""


def number_of(connection: sqlite3.Connection, session_id: str) -> int | None:
    """The session's number in the index, None where it is not there."""
    row = connection.execute("select id from sessions where session_id = ?", (session_id,)).fetchone()
    return None if row is None else int(row[0])


def last_seq(connection: sqlite3.Connection, number: int) -> int | None:
    """Number of the last event that a session's row tells of; None where there is no such session."""
    row = connection.execute("select last_seq from sessions where id = ?", (number,)).fetchone()
    return None if row is None else int(row[0])


def new_number(connection: sqlite3.Connection) -> int:
    """A number that no session has."""
    return int(connection.execute("select coalesce(max(id), 0) + 1 from sessions").fetchone()[0])


def write(connection: sqlite3.Connection, rows: Rows) -> None:
    """Write the rows of one session."""
    row = rows.session
    opening = row["opening"]
    if opening is not None:
        _document(connection, row, opening)
    columns = tuple(row)
    connection.execute(_put("sessions", columns), tuple(row.values()))
    put(connection, row["id"], rows.tables, replaced=("labels", "retractions") if rows.relabelled else ())


Elsewhere = tuple[str, Callable[[list[tuple[Any, ...]]], None]]
"""A table whose full-text index is made elsewhere, and what takes the ids and searched columns of its rows."""


def add(connection: sqlite3.Connection, rows: Rows, elsewhere: Elsewhere | None = None) -> None:
    """Write the rows of a session that is not there, into tables without triggers; the full-text index gets its own.

    A trigger would have FTS5 write what it gathers behind every row, which costs five times as much.
    """
    apart, give = elsewhere if elsewhere is not None else ("", None)
    row = rows.session
    if row["opening"] is not None:
        _document(connection, row, row["opening"])
    connection.execute(_add("sessions", tuple(row)), tuple(row.values()))
    connection.execute(_SEARCH["sessions"], (row["id"], *(row[name] for name in SEARCHED["sessions"])))
    for table, made in rows.tables.items():
        connection.executemany(_ADD[table], made)
        if give is not None and table == apart:
            give(list(map(_SEARCHED_AT[table], made)))
        elif table in _SEARCHED_AT:
            connection.executemany(_SEARCH[table], map(_SEARCHED_AT[table], made))


def put(
    connection: sqlite3.Connection,
    number: int,
    tables: Mapping[str, list[Row]],
    *,
    replaced: Iterable[str] = (),
) -> None:
    """Put rows into `tables`, in the place of those with the same id; `replaced` tables lose the session's first."""
    for table in replaced:
        _delete(connection, table, number)
    for table, rows in tables.items():
        connection.executemany(_PUT[table], rows)


def update_session(connection: sqlite3.Connection, number: int, columns: dict[str, Any]) -> None:
    """Change some columns of a session's row."""
    changes = ", ".join(f'"{name}" = ?' for name in columns)
    connection.execute(f"update sessions set {changes} where id = ?", (*columns.values(), number))


def delete_session(connection: sqlite3.Connection, number: int) -> None:
    """Take every row of a session out, and its document where no other session reads it."""
    for table in reversed(COLUMNS):
        _delete(connection, table, number)
    connection.execute("delete from sessions where id = ?", (number,))


def tidy_documents(connection: sqlite3.Connection) -> None:
    """Make the documents those that the sessions read, named as the first of them by alphabet names it."""
    connection.execute(
        "delete from documents where sha256 not in (select document from sessions where document not null)"
    )
    connection.execute(
        "update documents set name = (select min(document_name) from sessions where document = sha256) "
        "where name is not (select min(document_name) from sessions where document = sha256)"
    )


def _delete(connection: sqlite3.Connection, table: str, number: int) -> None:
    connection.execute(
        f"delete from {table} where id between ? and ?", (number * BLOCK, (number + 1) * BLOCK - 1)
    )


def _document(connection: sqlite3.Connection, row: dict[str, Any], opening: str) -> None:
    reference = msgspec.json.decode(opening)["document"]
    connection.execute(
        _DOCUMENT, (row["document"], row["document_name"], reference["kind"], reference["chars"])
    )
