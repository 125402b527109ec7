"""Making the index again from the folders.

Where nobody else has it open, a new file is made beside it and takes its place when it is whole; a program killed
meanwhile leaves the old one as it was. Where others are using it, it is made again in place, session by session.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec

from distill_core.errors import LogError
from sessions.catching_up import Unread, index_folder
from sessions.database import BUSY_SECONDS, connect, rebuild_lock, telling, writing
from sessions.full_text import gather, settle
from sessions.home import Home, sizes
from sessions.indexing_apart import TABLE as APART
from sessions.indexing_apart import Apart
from sessions.reading_ahead import Result, Unreadable, reading, worth_a_process
from sessions.rows import COLUMNS
from sessions.schema import SEARCHED, migrate
from sessions.writing import add, delete_session, number_of, tidy_documents

BATCH_BYTES = 256 << 20
"""Bytes of log that go into one transaction of a new file."""


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
    try:
        with _apart(new, folders) as apart, reading(list(enumerate(folders, 1))) as results:
            return _made(home.index, new, results, len(folders), on_progress, apart)
    except BaseException:
        with suppress(OSError):
            _remove(new)
        raise


@contextmanager
def _apart(new: Path, folders: list[Path]) -> Iterator[Apart | None]:
    """Another process for the largest full-text index, where that pays."""
    if not worth_a_process(folders):
        yield None
        return
    apart = Apart(new.with_name(new.name + "-search"))
    try:
        yield apart
    finally:
        apart.end()


def _made(
    index: Path,
    new: Path,
    results: Iterable[Result],
    sessions: int,
    on_progress: Callable[[int, int], None],
    apart: Apart | None,
) -> Rebuilt:
    from sqlite_utils import Database

    with closing(_unsafely(new)) as connection:
        with writing(connection):
            migrate(Database(connection))
        triggers = _without_triggers(connection)
        gather(connection, SEARCHED)
        made = _fill(connection, results, sessions, on_progress, apart)
        settle(connection, [table for table in SEARCHED if apart is None or table != APART])
        for trigger in triggers:
            connection.execute(trigger)
        connection.execute("pragma analysis_limit = 1000")
        for table in ("sessions", *COLUMNS):
            connection.execute(f"analyze {table}")
        if apart is not None:
            with ThreadPoolExecutor(1) as meanwhile:
                written = meanwhile.submit(_to_disk, new)  # while the other process ends its work
                apart.take_over(connection)
            written.result()
    with closing(_unsafely(new)) as connection:
        connection.execute("pragma journal_mode = wal")
    _to_disk(new)
    for end in ("-wal", "-shm", "-journal"):
        index.with_name(index.name + end).unlink(missing_ok=True)
    new.replace(index)
    return made


def _unsafely(new: Path) -> sqlite3.Connection:
    """A file that nobody reads before it is whole, so that it needs no journal until then."""
    connection = sqlite3.connect(new, isolation_level=None, timeout=BUSY_SECONDS)
    connection.execute("pragma journal_mode = off")
    connection.execute("pragma synchronous = off")
    connection.execute("pragma cache_size = -262144")
    return connection


def _fill(
    connection: sqlite3.Connection,
    results: Iterable[Result],
    sessions: int,
    on_progress: Callable[[int, int], None],
    apart: Apart | None,
) -> Rebuilt:
    done, unread, waiting = 0, [], 0
    connection.execute("begin")
    elsewhere = None if apart is None else (APART, apart.give)
    for read in results:
        if isinstance(read, Unreadable):
            unread.append(Unread(read.folder.name, read.why))
            continue
        add(connection, read.rows, elsewhere)
        done += sum(read.sizes)
        waiting += sum(read.sizes)
        if waiting > BATCH_BYTES:
            connection.execute("commit")
            connection.execute("begin")
            waiting = 0
        on_progress(read.number, sessions)
    tidy_documents(connection)
    connection.execute("commit")
    return Rebuilt(sessions=sessions - len(unread), bytes=done, unread=tuple(unread))


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


def _to_disk(path: Path) -> None:
    """Wait until a file is on the disk. Closing it takes SQLite's locks on it away: nobody else may know it yet."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _remove(new: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal", "-search"):
        new.with_name(new.name + end).unlink(missing_ok=True)
