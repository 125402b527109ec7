"""The full-text index of the largest table, made by a process of its own in a file of its own, and then taken over.

An FTS5 index is a few ordinary tables that SQLite keeps beside the searched one. Taken over whole, as a dump does it,
they are the index that would have been made in place. Where the other process cannot be had, or dies, or SQLite lets
nobody write into these tables, the index is made from the searched table instead.
"""

from __future__ import annotations

import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sessions.full_text import gather, settle
from sessions.pipes import started, widen
from sessions.schema import SEARCHED, search_definition

TABLE = "worker_calls"
"""Nearly all of the words of a home stand in it."""
_SHADOWS = ("data", "idx", "docsize", "config")
"""The tables of an FTS5 index; see "FTS5 Data Structures" of SQLite's documentation."""
_END = pickle.dumps(None)
"""What stands for the end; without it, whoever gave rows was ended itself."""
_MOST_WAITING = 32 << 20
"""Bytes of rows that wait for the other process."""


class Apart:
    """Another process that indexes what it is given.

    A thread hands it over, so that it has something to do also while this process writes to disk.

    Args:
        path: the file that it makes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = _started(path)
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._hand_over, daemon=True)
        self._thread.start()

    def give(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Ids and searched columns of more rows; waits while there is too much that it has not taken."""
        if rows:
            self._add(pickle.dumps(rows, protocol=5))

    def _add(self, data: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: sum(map(len, self._waiting)) < _MOST_WAITING)
            self._waiting.append(data)
            self._changed.notify_all()

    def _hand_over(self) -> None:
        pipe = self._process.stdin if self._process is not None else None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                data = self._waiting[0]
            if pipe is not None:
                try:
                    pipe.write(data)
                    pipe.flush()
                except (OSError, ValueError):
                    pipe = None  # it is not there any more, which is seen in the end
            with self._changed:
                self._waiting.popleft()
                self._changed.notify_all()
            if data == _END:
                return

    def take_over(self, connection: sqlite3.Connection) -> None:
        """Put all of it into a database. Its connection has to be made anew then: SQLite keeps parts of an index.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        if not (self._ended() and self._taken(connection)):
            connection.execute(f"insert into {TABLE}_fts ({TABLE}_fts) values ('rebuild')")

    def _ended(self) -> bool:
        """Whether it has done what it was given."""
        self._add(_END)
        self._thread.join()
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return False
        with suppress(OSError):
            process.stdin.close()
        return process.wait() == 0

    def _taken(self, connection: sqlite3.Connection) -> bool:
        connection.execute("attach ? as apart", (str(self._path),))
        try:
            connection.execute("begin")
            for name in (f"{TABLE}_fts_{shadow}" for shadow in _SHADOWS):
                connection.execute(f"delete from main.{name}")
                connection.execute(f"insert into main.{name} select * from apart.{name}")
            connection.execute("commit")
        except sqlite3.OperationalError as error:
            with suppress(sqlite3.OperationalError):  # where SQLite has done so itself
                connection.execute("rollback")
            if "may not be modified" not in str(error):
                raise
            return False
        finally:
            connection.execute("detach apart")
        return True

    def end(self) -> None:
        """End it where it has not ended, and remove its file."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with self._changed:
                self._waiting.append(_END)
                self._changed.notify_all()
            self._thread.join()
            with suppress(OSError):
                process.communicate()
        self._path.unlink(missing_ok=True)


def _started(path: Path) -> subprocess.Popen[bytes] | None:
    try:
        process = started("sessions.indexing_apart", str(path), stderr=subprocess.DEVNULL)
    except OSError:
        return None
    widen(process.stdin)
    return process


# ---------------------------------------------------------------- the other side


def main(path: str) -> int:
    """Index what stands on stdin, in a new file; whether that was all of it, as an exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began this ends it
    columns = SEARCHED[TABLE]
    places = ", ".join("?" * (len(columns) + 1))
    insert = f"insert into {TABLE}_fts (rowid, {', '.join(columns)}) values ({places})"
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("pragma journal_mode = off")
            connection.execute("pragma synchronous = off")
            connection.execute("pragma cache_size = -65536")
            connection.execute(search_definition(TABLE))
            gather(connection, [TABLE])
            connection.execute("begin")
            while (rows := pickle.load(sys.stdin.buffer)) is not None:
                connection.executemany(insert, rows)
            connection.execute("commit")
            settle(connection, [TABLE])
    except (EOFError, OSError, pickle.UnpicklingError, sqlite3.Error):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
