"""Full-text search: what a person types, quoted, against every searched column, with the hits marked.

Hits are taken newest session first, and the search goes from session to session instead of over every hit, so that a
word which stands in a hundred thousand prompts is answered as fast as a rare one.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from sessions.schema import BLOCK, SEARCHED

MARK = ("\x02", "\x03")
"""What stands around a hit in a snippet; nothing else in it does."""

FEW = 400_000
"""Hits up to which it is quicker to take all of them than to go from session to session."""

MANY_LEFT = 4
"""One part in so many of all sessions is few enough to be asked for one by one."""

WORDS = 16
"""Words of a snippet."""

# Where a reader would look first.
ORDER = ("sessions", "annotations", "replies", "cells", "outputs", "worker_calls", "overrides", "decisions")
# Where a word that is common is found soonest.
EVERYWHERE = (
    "worker_calls",
    "replies",
    "outputs",
    "cells",
    "sessions",
    "annotations",
    "decisions",
    "overrides",
)
_NAMES = {
    "sessions": {"question": "question", "answer": "answer"},
    "replies": {"text": "reply"},
    "cells": {"code": "code", "traceback": "traceback"},
    "outputs": {"text": "output"},
    "worker_calls": {"prompt": "prompt", "response": "response"},
    "overrides": {"response": "override"},
    "decisions": {"guidance": "guidance"},
    "annotations": {"comment": "comment", "correction": "correction", "reason": "reason"},
}
_KEY = {
    "sessions": "session_id",
    "replies": "call_id",
    "cells": "cell_id",
    "outputs": "cell_id",
    "worker_calls": "call_id",
    "overrides": "call_id",
    "decisions": "proposal_id",
    "annotations": "target",
}
_COUNTED = ("annotations", "overrides")
"""Tables whose rows may have been taken back."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the words were found.

    Args:
        session_id: in which session.
        where: "question", "answer", "reply", "code", "traceback", "output", "prompt", "response", "override",
            "guidance", "comment", "correction" or "reason".
        step: the step it belongs to; 0 for the session, and for a decision before its step began.
        id: the cell, call or proposal; the session's own for question and answer.
        snippet: the text around it.
        marks: the hits within `snippet`, as (start, end) in characters.
    """

    session_id: str
    where: str
    step: int
    id: str
    snippet: str
    marks: tuple[tuple[int, int], ...]


def quoted(text: str) -> str:
    """What a person typed as an FTS5 expression that means it: every word, phrases in quotes as they stand.

    A word that ends in `*` finds what begins with it. Nothing a person types is an operator.
    """
    parts = []
    for phrase, word in re.findall(r'"([^"]*)"?|([^\s"]+)', text):
        if phrase.strip():
            parts.append('"' + phrase + '"')
        elif word:
            star = "*" if word.endswith("*") and len(word) > 1 else ""
            parts.append('"' + word.rstrip("*") + '"' + star)
    return " ".join(part.replace("\0", " ") for part in parts if re.search(r"\w", part))


def sessions_with(connection: sqlite3.Connection, text: str) -> Iterator[int]:
    """Numbers of the sessions in which every word of `text` stands in one place, highest first."""
    expression = quoted(text)
    if not expression:
        return
    if _put_together(expression):
        yield from reversed(all_sessions_with(connection, text))
        return
    heads = {table: _next(connection, table, expression, None) for table in SEARCHED}
    while any(number is not None for number in heads.values()):
        number = max(n for n in heads.values() if n is not None)
        yield number
        for table, head in heads.items():
            if head == number:
                heads[table] = _next(connection, table, expression, number)


def all_sessions_with(connection: sqlite3.Connection, text: str, *, blind: bool = False) -> list[int]:
    """As `sessions_with`, all of them, lowest first; if `blind` those where an annotation that is `unseen` holds the
    words, and nothing else does, are left out.

    Table by table, each asked only for sessions in which the tables before found nothing. Where there are few hits all
    are taken; else it goes from session to session, within SQLite while many are left.
    """
    expression = quoted(text)
    if not expression:
        return []
    left = [number for (number,) in connection.execute("select id from sessions order by id")]
    many = len(left) // MANY_LEFT
    found: list[int] = []
    # The largest table last, where every one is asked for all of its hits.
    for table in (*EVERYWHERE[1:], EVERYWHERE[0]) if _put_together(expression) else EVERYWHERE:
        if not left:
            break
        if blind and table == "annotations":
            hit = _seen(connection, expression)
        elif _put_together(expression) or _is_rare(connection, table, expression):
            hit = _distinct(connection, table, expression)
        elif len(left) > many:
            hit = _each(connection, table, expression)
        else:
            hit = {number for number in left if _from(connection, table, expression, number) == number}
        found += [number for number in left if number in hit]
        left = [number for number in left if number not in hit]
    return sorted(found)


def first_hits(
    connection: sqlite3.Connection,
    text: str,
    sessions: Iterable[int],
    limit: int,
    each: int,
    *,
    blind: bool = False,
) -> Iterator[Hit]:
    """Hits in `sessions`, in their order.

    Args:
        sessions: their numbers in the index.
        limit: hits in all; `each` in one session.
        blind: not in annotations whose ids are in the table `unseen`.
    """
    if _put_together(quoted(text)):
        # Every query puts its hits together from the whole index: one is asked for many sessions.
        numbers = iter(sessions)
        while limit > 0 and (some := list(islice(numbers, limit))):
            found = _hits_of_all(connection, text, some, each, blind)
            for hit in islice((hit for number in some for hit in found[number]), limit):
                limit -= 1
                yield hit
        return
    for number in sessions:
        if limit <= 0:
            return
        of_one = hits(connection, text, number, min(each, limit), blind=blind)
        limit -= len(of_one)
        yield from of_one


def _hits_of_all(
    connection: sqlite3.Connection, text: str, sessions: list[int], each: int, blind: bool
) -> dict[int, list[Hit]]:
    """As `hits`, for several sessions at once: one query for each table, and none where each session has its hits."""
    expression = quoted(text)
    found: dict[int, list[Hit]] = {number: [] for number in sessions}
    room: dict[int, int] = {}

    def wanted(row: int, block: int, counts: int) -> bool:
        """Whether it is one of the first of its session; asked before anything is marked in its text."""
        number = row // block
        taken = bool(counts) and room.get(number, 0) > 0
        if taken:
            room[number] -= 1
        return taken

    connection.create_function("wanted", 3, wanted)
    for table in ORDER:
        room |= {number: each - len(of_one) for number, of_one in found.items()}
        if not any(left > 0 for left in room.values()):
            break
        counts = _counts(table, blind)
        condition = f"wanted({table}_fts.rowid, {_block(table)}, {counts})"
        for number, hit in _marked(connection, table, f"{table}_fts match ? and {condition}", (expression,)):
            found[number].append(hit)
    return {number: of_one[:each] for number, of_one in found.items()}


def _put_together(expression: str) -> bool:
    """Whether its hits are put together from those of many words whenever it is asked for: of `begin*` they are."""
    return '"*' in expression


def _is_rare(connection: sqlite3.Connection, table: str, expression: str) -> bool:
    """Whether there are few hits in `table`."""
    counted = connection.execute(
        f"select count(*) from (select 1 from {table}_fts where {table}_fts match ? limit ?)",
        (expression, FEW),
    ).fetchone()
    return int(counted[0]) < FEW


def _distinct(connection: sqlite3.Connection, table: str, expression: str) -> set[int]:
    """The sessions with a hit in `table`, by every hit."""
    rows = connection.execute(
        f"select distinct rowid / ? from {table}_fts where {table}_fts match ?", (_block(table), expression)
    )
    return {number for (number,) in rows}


def _seen(connection: sqlite3.Connection, expression: str) -> set[int]:
    """The sessions with a hit in an annotation that is not `unseen`."""
    rows = connection.execute(
        "select distinct rowid / ? from annotations_fts where annotations_fts match ? "
        "and rowid not in (select annotation from temp.unseen)",
        (BLOCK, expression),
    )
    return {number for (number,) in rows}


def _each(connection: sqlite3.Connection, table: str, expression: str) -> set[int]:
    """The sessions with a hit in `table`, by the first hit of each."""
    fts = f"{table}_fts"
    first = f"(select rowid / ?1 from {fts} where {fts} match ?2 and rowid >= %s * ?1 order by rowid limit 1)"
    rows = connection.execute(
        f"with recursive hit (number) as (select {first % '0'} union all "
        f"select {first % '(number + 1)'} from hit where number is not null) "
        "select number from hit where number is not null",
        (_block(table), expression),
    )
    return {number for (number,) in rows}


def _block(table: str) -> int:
    """Ids of a table that belong to one session."""
    return 1 if table == "sessions" else BLOCK


def _from(connection: sqlite3.Connection, table: str, expression: str, number: int) -> int | None:
    """The lowest session from `number` on with a hit in `table`."""
    first = number if table == "sessions" else number * BLOCK
    row = connection.execute(
        f"select rowid from {table}_fts where {table}_fts match ? and rowid >= ? limit 1", (expression, first)
    ).fetchone()
    if row is None:
        return None
    return int(row[0]) if table == "sessions" else int(row[0]) // BLOCK


def _next(connection: sqlite3.Connection, table: str, expression: str, below: int | None) -> int | None:
    """The highest session below `below` with a hit in `table`."""
    bound = "" if below is None else "and rowid < ?"
    limit = () if below is None else ((below if table == "sessions" else below * BLOCK),)
    row = connection.execute(
        f"select rowid from {table}_fts where {table}_fts match ? {bound} order by rowid desc limit 1",
        (expression, *limit),
    ).fetchone()
    if row is None:
        return None
    return int(row[0]) if table == "sessions" else int(row[0]) // BLOCK


def hits(
    connection: sqlite3.Connection, text: str, session: int, limit: int, *, blind: bool = False
) -> list[Hit]:
    """The first hits in one session, in the order of `ORDER` and then as they happened.

    Args:
        session: its number in the index.
        blind: not in annotations whose ids are in the table `unseen`.
    """
    expression = quoted(text)
    found: list[Hit] = []
    for table in ORDER if expression else ():
        if len(found) >= limit:
            break
        found += _hits(connection, table, expression, session, limit - len(found), blind)
    return found


def _hits(
    connection: sqlite3.Connection, table: str, expression: str, session: int, limit: int, blind: bool
) -> Iterator[Hit]:
    if table == "sessions":
        first, last = session, session
    else:
        first, last = session * BLOCK, (session + 1) * BLOCK - 1
    counts = _counts(table, blind)
    condition = f"{table}_fts match ? and {table}_fts.rowid between ? and ? and {counts}"
    found = _marked(connection, table, condition, (expression, first, last), limit)
    return (hit for _, hit in found)


def _counts(table: str, blind: bool) -> str:
    """The condition that a row of `table` is to be found."""
    if table not in _COUNTED:
        return "1"
    unseen = " and t.id not in (select annotation from temp.unseen)"
    return f"t.counts{unseen if blind and table == 'annotations' else ''}"


def _marked(
    connection: sqlite3.Connection, table: str, condition: str, values: tuple[str | int, ...], limit: int = -1
) -> Iterator[tuple[int, Hit]]:
    """The hits in the rows of `table` that fulfil `condition`, each with the number of its session."""
    step, session = ("0", "t.id") if table == "sessions" else ("t.step", "t.session")
    columns = SEARCHED[table]
    snippets = ", ".join(
        f"snippet({table}_fts, {n}, char(2), char(3), '…', {WORDS})" for n in range(len(columns))
    )
    rows = connection.execute(
        f"select s.id, s.session_id, {step}, t.{_KEY[table]}, {snippets} from {table}_fts "
        f"join {table} t on t.id = {table}_fts.rowid join sessions s on s.id = {session} "
        f"where {condition} order by {table}_fts.rowid limit ?",
        (*values, limit),
    )
    for number, session_id, step_number, key, *texts in rows:
        for column, marked in zip(columns, texts, strict=True):
            if marked and MARK[0] in marked:
                plain, marks = _unmarked(marked)
                yield (
                    number,
                    Hit(
                        session_id=session_id,
                        where=_NAMES[table][column],
                        step=step_number,
                        id=key,
                        snippet=plain,
                        marks=marks,
                    ),
                )


def _unmarked(marked: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text without the marks, and where they stood."""
    pieces: list[str] = []
    marks: list[tuple[int, int]] = []
    at, begin = 0, -1
    for piece in re.split("([\x02\x03])", marked):
        if piece == MARK[0]:
            begin = at
        elif piece == MARK[1]:
            if begin >= 0:
                marks.append((begin, at))
            begin = -1
        else:
            pieces.append(piece)
            at += len(piece)
    return "".join(pieces), tuple(marks)
