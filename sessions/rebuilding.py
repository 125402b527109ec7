"""Making the index again from the folders.

Where nobody else has it open, a new file is made beside it and takes its place when it is whole; a program killed
meanwhile leaves the old one as it was. Where others are using it, it is made again in place, session by session.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from distill_core.errors import LogError
from sessions.catching_up import Unread, index_folder
from sessions.database import BUSY_SECONDS, connect, rebuild_lock, telling, writing
from sessions.home import Home, sizes
from sessions.reading_ahead import Unreadable, read_all
from sessions.schema import SEARCHED, migrate
from sessions.writing import add, delete_session, number_of, tidy_documents

BATCH_BYTES = 64 << 20
"""Bytes of log that go into one transaction of a new file."""

PIECE_BYTES = 64 << 20
"""Bytes of full-text index that are gathered before they are written."""


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild came to: sessions and bytes of log indexed, and what could not be read."""

    sessions: int
    bytes: int
    unread: tuple[Unread, ...]


def rebuild(home: Home, on_progress: Callable[[int, int], None] = lambda done, of: None) -> Rebuilt:
    """Make the index of `home` again.

    Args:
        on_progress: told sessions done and sessions in all.

    Raises:
        StoreError: the index cannot be written; what was there stays.
    """
    folders = list(home.folders())
    with telling(home.index):
        home.path.mkdir(parents=True, exist_ok=True)
        with rebuild_lock(home.index), _alone(home.index) as alone:
            if alone:
                return _anew(home, folders, on_progress)
        return _in_place(home, folders, on_progress)


@contextmanager
def _alone(index: Path) -> Iterator[bool]:
    """Whether nobody else has the index open; while True nobody can open it.

    Only the last connection to a database may take it out of WAL mode; a damaged file serves nobody.
    """
    if not index.exists():
        connect(index, rebuilding=True).close()
    connection = sqlite3.connect(index, timeout=0.2, isolation_level=None)
    try:
        try:
            mode = connection.execute("pragma journal_mode = delete").fetchone()[0]
            alone = mode == "delete"
            if alone:
                connection.execute("begin exclusive")
        except sqlite3.OperationalError:
            alone = False
        except sqlite3.DatabaseError:
            alone = True
        yield alone
    finally:
        connection.close()


def _anew(home: Home, folders: list[Path], on_progress: Callable[[int, int], None]) -> Rebuilt:
    new = home.index.with_name(home.index.name + ".new")
    _remove(new)
    connection = sqlite3.connect(new, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        # Nobody reads the file before it is whole, so it needs no journal until then.
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        connection.execute("pragma cache_size = -262144")
        from sqlite_utils import Database

        with writing(connection):
            migrate(Database(connection))
        triggers = _without_triggers(connection)
        # The full-text index is gathered in pieces so large that a search over them need not wait for a merge.
        _tune(connection, hashsize=PIECE_BYTES, automerge=0)
        result = _fill(connection, folders, on_progress)
        _tune(connection, hashsize=1 << 20, automerge=4)
        for trigger in triggers:
            connection.execute(trigger)
        connection.execute("pragma analysis_limit = 1000")
        connection.execute("analyze")
        connection.execute("pragma journal_mode = wal")
        connection.close()
        _to_disk(new)
        for end in ("-wal", "-shm", "-journal"):
            home.index.with_name(home.index.name + end).unlink(missing_ok=True)
        new.replace(home.index)
        return result
    except BaseException:
        connection.close()
        with suppress(OSError):
            _remove(new)
        raise


def _fill(
    connection: sqlite3.Connection, folders: list[Path], on_progress: Callable[[int, int], None]
) -> Rebuilt:
    done, unread, waiting = 0, [], 0
    connection.execute("begin")
    for read in read_all(list(enumerate(folders, 1))):
        if isinstance(read, Unreadable):
            unread.append(Unread(read.folder.name, read.why))
            continue
        add(connection, read.rows)
        done += sum(read.sizes)
        waiting += sum(read.sizes)
        if waiting > BATCH_BYTES:
            connection.execute("commit")
            connection.execute("begin")
            waiting = 0
        on_progress(read.number, len(folders))
    tidy_documents(connection)
    connection.execute("commit")
    return Rebuilt(sessions=len(folders) - len(unread), bytes=done, unread=tuple(unread))


def _in_place(home: Home, folders: list[Path], on_progress: Callable[[int, int], None]) -> Rebuilt:
    connection = connect(home.index)
    try:
        done, unread = 0, []
        for count, folder in enumerate(folders, 1):
            try:
                index_folder(connection, folder, whole=True)
            except LogError as error:
                unread.append(Unread(folder.name, str(error)))
                continue
            done += sum(sizes(folder))
            on_progress(count, len(folders))
        names = {folder.name for folder in folders}
        with writing(connection):
            for (session_id,) in connection.execute("select session_id from sessions").fetchall():
                number = number_of(connection, session_id)
                if session_id not in names and number is not None:
                    delete_session(connection, number)
            tidy_documents(connection)
        return Rebuilt(sessions=len(folders) - len(unread), bytes=done, unread=tuple(unread))
    finally:
        connection.close()


def _without_triggers(connection: sqlite3.Connection) -> list[str]:
    """Drop the triggers; returns the statements that make them again."""
    found = connection.execute("select name, sql from sqlite_master where type = 'trigger'").fetchall()
    for name, _ in found:
        connection.execute(f"drop trigger {name}")
    return [sql for _, sql in found]


def _tune(connection: sqlite3.Connection, **settings: int) -> None:
    """Set how the full-text indexes are written; see "Configuration Options" of SQLite's FTS5."""
    for table in SEARCHED:
        for name, value in settings.items():
            connection.execute(f"insert into {table}_fts ({table}_fts, rank) values (?, ?)", (name, value))


def _to_disk(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _remove(new: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        new.with_name(new.name + end).unlink(missing_ok=True)
