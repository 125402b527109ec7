"""An index as data: every row of every table, by the names of things instead of by numbers."""

from __future__ import annotations

import sqlite3

from sessions.rows import COLUMNS, restore
from sessions.schema import BLOCK, SEARCHED


def everything(path):
    """All rows of all tables, full-text index included, free of the order in which sessions were indexed."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    names = {
        row["id"]: row["session_id"] for row in connection.execute("select id, session_id from sessions")
    }
    found = {}
    for table in ("documents", "sessions", *COLUMNS):
        rows = [dict(row) for row in connection.execute(f"select * from {table}")]
        for row in rows:
            if table not in ("documents", "sessions"):
                row["id"] -= row["session"] * BLOCK
                row["session"] = names[row["session"]]
            elif table == "sessions":
                del row["id"]
        found[table] = sorted(rows, key=repr)
    for table in SEARCHED:
        # Raises where the full-text index and its table differ.
        connection.execute(f"insert into {table}_fts ({table}_fts, rank) values ('integrity-check', 1)")
    connection.close()
    return found


def state_of(path, session_id):
    """The state that the index tells of a session."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    session = dict(
        connection.execute("select * from sessions where session_id = ?", (session_id,)).fetchone()
    )
    tables = {
        table: [
            dict(row)
            for row in connection.execute(
                f"select * from {table} where session = ? order by id", (session["id"],)
            )
        ]
        for table in COLUMNS
    }
    connection.close()
    return restore(session, tables)
