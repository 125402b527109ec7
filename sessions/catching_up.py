"""Bringing the index up to date with the folders: what is new, what has grown, what is gone.

A folder is looked at only by the sizes of its streams, so that nothing is read where nothing happened.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from distill_core import events as ev
from distill_core.errors import LogError
from distill_core.liveness import is_live
from distill_core.reading import read_session, read_stream
from distill_core.recorder import no_file
from distill_core.state import SessionState, fold
from sessions.database import writing
from sessions.home import Home, sizes
from sessions.indexing import Indexer
from sessions.rows import annotation_row, judgement_rows
from sessions.schema import BLOCK
from sessions.summary import judgement
from sessions.writing import (
    delete_session,
    new_number,
    number_of,
    put,
    tidy_documents,
    update_session,
    write,
)


class Unread(msgspec.Struct, frozen=True):
    """A session that could not be indexed, and why."""

    session_id: str
    why: str


def catch_up(connection: sqlite3.Connection, home: Home) -> list[Unread]:
    """Index what is new or has grown in `home`, and forget what is gone; returns what could not be read."""
    known = dict(connection.execute("select session_id, sizes from sessions"))
    unread: list[Unread] = []
    present = set()
    changed = False
    for folder in home.folders():
        present.add(folder.name)
        if _fresh(folder, known.get(folder.name)) or (is_live(folder) and folder.name in known):
            continue
        changed = True
        try:
            index_folder(connection, folder)
        except LogError as error:
            unread.append(Unread(folder.name, str(error)))
    gone = known.keys() - present
    if gone or changed:
        with writing(connection):
            for session_id in gone:
                number = number_of(connection, session_id)
                if number is not None:
                    delete_session(connection, number)
            tidy_documents(connection)
    return unread


def refresh(connection: sqlite3.Connection, home: Home, session_id: str) -> None:
    """Bring one session up to date; does nothing where it is.

    Raises:
        LogError: its log cannot be read.
    """
    folder = home.folder(session_id)
    row = connection.execute("select sizes from sessions where session_id = ?", (session_id,)).fetchone()
    if row is None or not _fresh(folder, row[0]):
        index_folder(connection, folder)


def index_folder(connection: sqlite3.Connection, folder: Path, *, whole: bool = False) -> None:
    """Put the session in `folder` into the index as it stands, in one transaction.

    Args:
        whole: read all of it, whatever the index knows already.

    Raises:
        LogError: its log cannot be read.
    """
    if not whole and no_file(folder) is None and _only_judged(connection, folder):
        return
    indexed = sizes(folder)
    reading = read_session(folder)
    indexer = Indexer()
    indexer.take_all(reading.events)
    with writing(connection):
        number = number_of(connection, folder.name)
        if number is not None:
            delete_session(connection, number)
        indexer.session = number or new_number(connection)
        write(connection, indexer.changed(folder.name, indexed, all_of_it=True))


def _fresh(folder: Path, known: str | None) -> bool:
    return known is not None and tuple(msgspec.json.decode(known)) == sizes(folder)


# ---------------------------------------------------------------- judged since


def _only_judged(connection: sqlite3.Connection, folder: Path) -> bool:
    """Index what a person added to a session that is otherwise indexed; False where more has changed.

    Judging is the one thing that happens to an old session, often, and must not read 10,000 calls again.
    """
    row = connection.execute(
        "select id, sizes, last_seq from sessions where session_id = ?", (folder.name,)
    ).fetchone()
    if row is None or row[1] is None:
        return False
    number, known, last_seq = row
    now, then = sizes(folder), tuple(msgspec.json.decode(known))
    human = ev.STREAMS.index("human")
    if (
        any(a != b for n, (a, b) in enumerate(zip(now, then, strict=True)) if n != human)
        or now[human] <= then[human]
    ):
        return False
    events = list(read_stream(folder, "human", []))
    state = fold(event for event in events if isinstance(event, ev.Annotated | ev.Retracted))
    new = [event for event in events if event.seq > last_seq]
    if not new or not all(_a_judgement(state, event) for event in new):
        return False
    with writing(connection):
        if connection.execute("select last_seq from sessions where id = ?", (number,)).fetchone() != (
            last_seq,
        ):
            return False
        _write_judgement(connection, number, state)
        update_session(connection, number, {**judgement(state), "sizes": msgspec.json.encode(now).decode()})
    return True


def _a_judgement(state: SessionState, event: ev.Event) -> bool:
    """Whether `event` is an annotation, or takes one back, or takes that back."""
    if isinstance(event, ev.Annotated):
        return True
    seen: set[int] = set()
    target = event.retracts if isinstance(event, ev.Retracted) else 0
    retracts = {by: seq for seq, bys in state.retractions.items() for by in bys}
    while target in retracts and target not in seen:
        seen.add(target)
        target = retracts[target]
    return target in state.annotated


def _write_judgement(connection: sqlite3.Connection, number: int, state: SessionState) -> None:
    base = number * BLOCK
    made = [
        annotation_row(base + n, number, state.annotated[seq], state.counts(seq))
        for n, seq in enumerate(sorted(state.annotated), 1)
    ]
    put(
        connection,
        number,
        {"annotations": made, **judgement_rows(state, number)},
        replaced=("labels", "retractions"),
    )
