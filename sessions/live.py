"""Writing a session into the index while it is made: a sink with a thread of its own, in batches.

The log is the truth and is written first. Whatever goes wrong here is told once and costs nothing but that the index
lags behind, until somebody looks at it next.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from distill_core import events as ev
from distill_core.errors import StoreError
from distill_core.recorder import encode_line
from sessions.database import connect, telling, writing
from sessions.indexing import Indexer
from sessions.writing import last_seq, new_number, number_of, write

BATCH = 200
"""Events after which a batch is written without waiting longer."""

EVERY = 0.5
"""Seconds for which a batch gathers."""

AGAIN = 5.0
"""Seconds after which an index that could not be written is tried again."""


class LiveIndex:
    """A sink that keeps the index up to date with the session in `folder`.

    Args:
        index: the index file.
        folder: the session's folder, named as the session.
        before: the events that a session which goes on had already.
        on_trouble: told, once a trouble, why the index lags behind; called on the index's own thread.
    """

    def __init__(
        self,
        index: Path,
        folder: Path,
        *,
        before: Iterable[ev.Event] = (),
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._tell = on_trouble
        self._writer = _Writer(index, folder, before)
        self._waiting: deque[ev.Event] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._told = ""
        self._given_up = False
        self._thread = threading.Thread(target=self._run, name="live-index", daemon=True)
        self._thread.start()

    def write(self, event: ev.Event) -> None:
        """Take an event; never waits."""
        if self._given_up:
            return
        self._waiting.append(event)
        if len(self._waiting) >= BATCH:
            self._wake.set()

    def close(self) -> None:
        """Write what is left, once the log is closed. Safe to call twice."""
        if self._closing:
            return
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closing:
                self._wake.wait(AGAIN if self._told else EVERY)
                self._wake.clear()
                if not self._closing:
                    self._batch(closing=False)
            self._batch(closing=True)
        except Exception as error:  # noqa: BLE001  # the outermost frame of this thread: nobody else would hear of it
            self._given_up = True
            self._waiting.clear()
            what = f"{type(error).__name__}: {error}"
            self._tell(f"the session is not in the index until somebody looks at it next: {what}")
        finally:
            self._writer.close()

    def _batch(self, *, closing: bool) -> None:
        while self._waiting:
            self._writer.take(self._waiting.popleft())
        try:
            self._writer.flush(closing=closing)
            self._told = ""
        except StoreError as error:
            if str(error) != self._told:
                self._told = str(error)
                self._tell(self._told)


class _Writer:
    """One session's rows and the connection they go through, opened when it is first needed."""

    def __init__(self, index: Path, folder: Path, before: Iterable[ev.Event]) -> None:
        self._index = index
        self._folder = folder
        self._connection: sqlite3.Connection | None = None
        self._indexer = Indexer()
        self._bytes = dict.fromkeys(ev.STREAMS, 0)
        self._changed = False
        self._written = 0, 0
        for event in before:
            self.take(event)

    def take(self, event: ev.Event) -> None:
        """Fold an event as the log holds it: lone surrogates spelled out."""
        try:
            line = ev.encode(event) + b"\n"
        except UnicodeEncodeError:
            line = encode_line(event)
            event = ev.decode(line)
        self._bytes[ev.STREAM[type(event)]] += len(line)
        self._indexer.take(event)
        self._changed = True

    def flush(self, *, closing: bool) -> None:
        """Write what changed.

        Raises:
            StoreError: the index cannot be written now; nothing is lost, the next flush writes it.
        """
        held = closing and self._indexer.waiting
        if not (self._changed or held) or self._indexer.state.started is None:
            return
        try:
            with telling(self._index):
                if self._connection is None:
                    self._connection = connect(self._index)
                with writing(self._connection):
                    self._write(self._connection, closing=closing)
        except StoreError:
            self._written = 0, 0
            raise
        self._changed = False

    def _write(self, connection: sqlite3.Connection, *, closing: bool) -> None:
        number = number_of(connection, self._folder.name)
        if number is None or (number, last_seq(connection, number)) != self._written:
            # The first batch, or a rebuild or a reader has been at work meanwhile, on a log that was shorter then.
            self._indexer.session = number or new_number(connection)
            self._indexer.again()
        write(
            connection,
            self._indexer.changed(self._folder.name, tuple(self._bytes.values()), all_of_it=closing),
        )
        self._written = self._indexer.session, self._indexer.state.seq

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
