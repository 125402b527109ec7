"""The index file: opened by several programs at once, brought up to date, its troubles told in one line.

Readers and a writer do not wait for each other (WAL); writers wait for one another, and take the lock when they
begin, so that none is turned away half-way.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from distill_core.errors import StoreError
from sessions.schema import VERSION, migrate

BUSY_SECONDS = 30.0
"""How long a writer waits for another."""

REBUILD = "make it again: distill-tui sessions rebuild"
T = TypeVar("T")


class NewerIndex(StoreError):
    """The index was written by a newer version of the program."""


class DamagedIndex(StoreError):
    """The index is no database, or a damaged one."""


class UnwritableIndex(StoreError):
    """The index cannot be written now: the disk is full, or the home is read-only."""


def connect(path: Path, *, rebuilding: bool = False) -> sqlite3.Connection:
    """Open the index at `path`, made or brought up to date where that is needed. Waits while it is made again.

    Args:
        rebuilding: whether it is the caller who makes it again.

    Raises:
        NewerIndex, DamagedIndex, UnwritableIndex: as they say.
        StoreError: it cannot be opened for another reason.
    """
    with telling(path):
        if not rebuilding:
            _wait_for_rebuild(path)
        return patiently(lambda: _open(path))


@contextmanager
def rebuild_lock(path: Path) -> Iterator[None]:
    """Hold what says that the index at `path` is made again; waits for another program that does the same."""
    fd = os.open(_lock_of(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _wait_for_rebuild(path: Path) -> None:
    """However long that takes: it is longer than one waits for a writer, and ends by itself if its program dies."""
    try:
        fd = os.open(_lock_of(path), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def _lock_of(path: Path) -> Path:
    return path.with_name("rebuild.lock")


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the index at `path` where nothing can be written, as in a read-only home.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    with telling(path):
        if not path.exists():
            raise StoreError(f"there is no index {path}", remedy="make it where you may write")
        for mode in ("mode=ro", "immutable=1"):
            # A WAL database in a folder that cannot be written is read as it lies there.
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None)
            try:
                _check_version(connection, path)
            except sqlite3.OperationalError:
                connection.close()
                continue
            return connection
    raise StoreError(f"cannot read the index {path}", remedy=REBUILD)


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that holds the write lock from its beginning; all of it happens, or nothing."""
    patiently(lambda: connection.execute("begin immediate"))
    try:
        yield
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn what SQLite says of the index at `path` into the errors above."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise told(path, error) from error


def told(path: Path, error: Exception) -> StoreError:
    """What to say of `error`, met at the index at `path`."""
    words = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DamagedIndex(f"the index {path} is damaged", found=words, remedy=REBUILD)
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return UnwritableIndex(
            f"cannot write the index {path}", found=words, remedy="free some space; no session is lost"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM) or isinstance(
        error, OSError
    ):
        return UnwritableIndex(
            f"cannot write the index {path}", found=words, remedy="choose a home you may write with --home"
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(
            f"the index {path} is in use", found=f"another program held it for {BUSY_SECONDS:.0f} s"
        )
    return StoreError(f"cannot use the index {path}", found=words, remedy=REBUILD)


def patiently(work: Callable[[], T]) -> T:
    """Do `work`, again while another program holds the lock.

    SQLite waits by itself in most cases, but gives up at once where two set up or recover the WAL.
    """
    until = time.monotonic() + BUSY_SECONDS
    pause = 0.005
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            code = (error.sqlite_errorcode or 0) & 0xFF
            if code not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() > until:
                raise
        time.sleep(pause)
        pause = min(pause * 2, 0.25)


def _open(path: Path) -> sqlite3.Connection:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = _inode(path)
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute(
                "pragma synchronous = normal"
            )  # a power cut may cost rows, which are made again
            connection.execute("pragma cache_size = -65536")
            if _check_version(connection, path) < VERSION:
                _bring_up_to_date(connection, path)
        except BaseException as error:
            connection.close()
            if _moved(error):
                continue
            raise
        if before is not None and before == _inode(path):
            return connection
        # A rebuild put another file in its place meanwhile, or might have where there was none before.
        connection.close()


def _moved(error: BaseException) -> bool:
    """Whether a rebuild put another file in the place of the one that was being set up."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_DBMOVED


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    from sqlite_utils import Database

    with writing(connection):
        # Another program may have been faster while we waited for the lock.
        if _check_version(connection, path) < VERSION:
            migrate(Database(connection))


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    found = int(connection.execute("pragma user_version").fetchone()[0])
    if found > VERSION:
        raise NewerIndex(
            f"the index {path} is of a newer version of this program",
            found=f"version {found}, known is {VERSION}",
            remedy="update the program, or move the index away and run: distill-tui sessions rebuild",
        )
    return found
