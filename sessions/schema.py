"""The tables of the index, as numbered migrations. What the columns mean is told in `docs/STORE.md`.

A migration that has been released is never changed: another one follows it. Row ids are `session * BLOCK + n`, where n
counts the rows of a table within the session, so that the same session gets the same ids however it was indexed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

BLOCK = 1_000_000_000
"""Ids that one session may use in a table."""

SEARCHED = {
    "sessions": ("question", "answer"),
    "replies": ("text",),
    "cells": ("code", "traceback"),
    "outputs": ("text",),
    "worker_calls": ("prompt", "response"),
    "overrides": ("response",),
    "decisions": ("guidance",),
    "annotations": ("comment", "correction", "reason"),
}
"""Columns with full-text search, by table. Each table has an FTS5 table `TABLE_fts` beside it."""

TABLES = (
    """create table documents (
        sha256 text primary key,
        name text not null,
        kind text not null,
        chars integer not null
    )""",
    """create table sessions (
        id integer primary key,
        session_id text not null unique,
        title text not null,
        kind text not null,
        question text not null,
        answer text,
        status text not null,
        partial integer not null,
        rating real,
        labels text not null,
        annotations integer not null,
        reviewers text not null,
        decided_by text not null,
        edits integer not null,
        supervisor text not null,
        worker text not null,
        document text references documents (sha256),
        document_name text not null,
        started text,
        updated text,
        elapsed real,
        cost real,
        tokens integer not null,
        supervisor_tokens integer not null,
        worker_tokens integer not null,
        steps integer not null,
        cells integer not null,
        errors integer not null,
        worker_calls integer not null,
        failed_calls integer not null,
        parent text,
        parent_steps integer,
        isolation text not null,
        program text not null,
        policy text not null,
        reason text not null,
        last_seq integer not null,
        sizes text,
        problem text,
        opening text,
        closing text,
        more text not null
    )""",
    """create table steps (
        id integer primary key,
        session integer not null references sessions (id),
        number integer not null,
        phase text not null,
        copied integer not null,
        started text,
        calls text not null,
        cells text not null,
        more text
    )""",
    """create table replies (
        id integer primary key,
        session integer not null references sessions (id),
        step integer not null,
        call_id text not null,
        candidate integer not null,
        model text not null,
        text text,
        reasoning text,
        prompt_tokens integer not null,
        completion_tokens integer not null,
        usage text not null,
        elapsed real not null,
        finish_reason text,
        cached integer not null,
        error text,
        problem text,
        extends text,
        message_ids text not null,
        params text not null,
        more text
    )""",
    """create table messages (
        id integer primary key,
        session integer not null references sessions (id),
        message_id text not null,
        role text not null,
        content text,
        rest text
    )""",
    """create table cells (
        id integer primary key,
        session integer not null references sessions (id),
        step integer not null,
        cell_id text not null,
        call_id text not null,
        "index" integer not null,
        origin text not null,
        phase text not null,
        status text,
        code text not null,
        proposed text,
        traceback text,
        final text,
        elapsed real not null,
        active real not null,
        dropped integer not null,
        more text
    )""",
    """create table outputs (
        id integer primary key,
        session integer not null references sessions (id),
        step integer not null,
        cell_id text not null,
        text text not null,
        pieces text not null
    )""",
    """create table worker_calls (
        id integer primary key,
        session integer not null references sessions (id),
        step integer not null,
        call_id text not null,
        cell_id text not null,
        batch_id text,
        "index" integer not null,
        purpose text not null,
        model text not null,
        phase text not null,
        prompt text not null,
        response text,
        override text,
        error text,
        prompt_tokens integer not null,
        completion_tokens integer not null,
        usage text not null,
        elapsed real not null,
        cached integer not null,
        attempt integer not null,
        finish_reason text,
        more text
    )""",
    """create table overrides (
        id integer primary key,
        session integer not null references sessions (id),
        seq integer not null,
        step integer not null,
        timestamp text not null,
        call_id text not null,
        by text not null,
        response text not null,
        counts integer not null,
        event text not null
    )""",
    """create table decisions (
        id integer primary key,
        session integer not null references sessions (id),
        seq integer not null,
        step integer not null,
        timestamp text not null,
        proposal_id text not null,
        action text not null,
        by text not null,
        took real not null,
        guidance text not null,
        copied integer not null,
        event text not null
    )""",
    """create table annotations (
        id integer primary key,
        session integer not null references sessions (id),
        seq integer not null,
        step integer not null,
        timestamp text not null,
        by text not null,
        kind text not null,
        target text not null,
        field text,
        rating integer,
        mark integer,
        labels text not null,
        comment text not null,
        correction text,
        reason text not null,
        scores text not null,
        counts integer not null,
        event text not null
    )""",
    """create table labels (
        id integer primary key,
        session integer not null references sessions (id),
        label text not null,
        by text not null,
        kind text not null,
        target text not null,
        seq integer not null
    )""",
    """create table retractions (
        id integer primary key,
        session integer not null references sessions (id),
        seq integer not null,
        retracts integer not null
    )""",
)

INDEXES = (
    "create index sessions_started on sessions (started)",
    "create index sessions_document on sessions (document)",
    "create index sessions_parent on sessions (parent)",
    "create index decisions_by on decisions (by, session)",
    "create index labels_label on labels (label, session)",
    "create index annotations_by on annotations (by, session)",
)


def search_definition(table: str) -> str:
    """The statement that makes the full-text index of `table`."""
    return (
        f'create virtual table {table}_fts using fts5 ({", ".join(SEARCHED[table])}, content="{table}", '
        "content_rowid='id', "
        """tokenize="unicode61 tokenchars '_'")"""
    )


def _search(table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Statements that give `table` full-text search over `columns`, kept in step by triggers."""
    fts, names = f"{table}_fts", ", ".join(columns)
    new, old = (", ".join(f"{row}.{name}" for name in columns) for row in ("new", "old"))
    changed = " or ".join(f"old.{name} is not new.{name}" for name in columns)
    add = f"insert into {fts} (rowid, {names}) values (new.id, {new});"
    drop = f"insert into {fts} ({fts}, rowid, {names}) values ('delete', old.id, {old});"
    return (
        search_definition(table),
        f"create trigger {table}_ai after insert on {table} begin {add} end",
        f"create trigger {table}_ad after delete on {table} begin {drop} end",
        f"create trigger {table}_au after update on {table} when {changed} begin {drop} {add} end",
    )


def _first(database: Database) -> None:
    for statement in (*TABLES, *INDEXES):
        database.execute(statement)
    for table, columns in SEARCHED.items():
        for statement in _search(table, columns):
            database.execute(statement)


def _settled(database: Database) -> None:
    """What was judged is read again: a settled rating or label counts alone, one that was taken back not at all."""
    database.execute("update sessions set sizes = null where annotations > 0")


def _found_by_datasette(database: Database) -> None:
    """The full-text indexes name their tables in double quotes, by which Datasette tells that they belong together."""
    for table, columns in SEARCHED.items():
        for end in ("ai", "ad", "au"):
            database.execute(f"drop trigger {table}_{end}")
        database.execute(f"drop table {table}_fts")
        for statement in _search(table, columns):
            database.execute(statement)
        database.execute(f"insert into {table}_fts ({table}_fts) values ('rebuild')")


def _held(database: Database) -> None:
    """Decisions are read again: one that came before a step began is no step's, and before the first it is told too."""
    database.execute("update sessions set sizes = null where decided_by != '[]'")


MIGRATIONS: tuple[tuple[str, Callable[[Database], None]], ...] = (
    ("0001_first", _first),
    ("0002_settled", _settled),
    ("0003_found_by_datasette", _found_by_datasette),
    ("0004_held", _held),
)
"""Name and work of each migration, in order."""

VERSION = len(MIGRATIONS)
"""What `pragma user_version` of an up-to-date index says."""


def migrate(database: Database) -> None:
    """Bring `database` up to date, in the transaction that the caller has begun."""
    from sqlite_utils import Migrations

    migrations = Migrations("distill-tui")
    for name, work in MIGRATIONS:
        migrations(name=name)(work)
    migrations.apply(database)
    database.execute(f"pragma user_version = {VERSION}")
