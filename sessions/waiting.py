"""The sessions that wait for somebody's judgement: those that a filter selects, and where one is in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sessions.filters import Filter, parse
from sessions.home import Home
from sessions.judging.judgement import done_by
from sessions.judging.reading import judged
from sessions.store import SessionRow, Store


def judged_by(row: SessionRow, who: str) -> bool:
    """Whether `who` has judged anything in the session; what others judged does not count."""
    return who in row.reviewers


def next_waiting(rows: Sequence[SessionRow], who: str, at: int, by: int = 1) -> int | None:
    """Where the next session stands that `who` has not judged, seen from place `at`, round the end.

    Args:
        by: 1 looks forward, -1 back.

    Returns:
        None where all are judged.
    """
    places = ((at + by * distance) % len(rows) for distance in range(1, len(rows) + 1))
    return next((place for place in places if not judged_by(rows[place], who)), None)


def _began(row: SessionRow) -> float:
    return row.started.timestamp() if row.started is not None else float("inf")


class Queue:
    """Sessions in the order in which they are reviewed, the oldest first.

    Args:
        home: the folder of kept sessions.
        who: the person who reviews.
        words: the filter, as a person types it.
        annotator: whether `who` is an annotator's name; no filter tells them then what others said.
    """

    def __init__(self, home: Path, who: str, words: str = "", *, annotator: bool = False) -> None:
        self.who = who
        self.words = words
        self.rows: list[SessionRow] = []
        self.at = 0
        self._home = home
        self._reader = who if annotator else ""
        self._filter: Filter = parse(words)
        self.look()

    def look(self) -> None:
        """Look again which sessions there are; the place stays at the same session.

        Raises:
            StoreError: the index cannot be read.
        """
        here = self.rows[self.at].session_id if self.rows else ""
        with Store(self._home, reader=self._reader) as store:
            self.rows = store.list(self._filter, order="started", descending=False)
        self.go_to(here)

    def narrow(self, words: str) -> None:
        """Select by another filter.

        Raises:
            StoreError: it is none.
        """
        self._filter = parse(words)
        self.words = words
        self.look()

    def refresh(self, session_id: str) -> None:
        """Take in what has become of a session; it stays in the queue, whatever the filter now says of it."""
        with Store(self._home, reader=self._reader) as store:
            store.refresh(session_id)
            row = store.row(session_id)
        self.rows = [row if old.session_id == session_id else old for old in self.rows]

    def folder(self, index: int) -> Path:
        """The folder of a session of the queue."""
        return self._home / "sessions" / self.rows[index].session_id

    @property
    def left(self) -> int:
        """How many the person has not judged."""
        return sum(not judged_by(row, self.who) for row in self.rows)

    def go_to(self, session_id: str) -> None:
        """Stand at a session, or where one stood if it is not there."""
        names = [row.session_id for row in self.rows]
        if session_id in names:
            self.at = names.index(session_id)
        self.at = max(0, min(self.at, len(self.rows) - 1))

    def return_to(self, session_id: str) -> None:
        """Stand where the queue was left: at that session, also where the filter does not select it any more.

        A session that one has begun to judge is not among the unreviewed ones; it is in the queue again until one has
        said that one is done with it, or has left it for another.

        Raises:
            StoreError: the index cannot be read.
            LogError: the session's judgements cannot be read.
        """
        if session_id and session_id not in {row.session_id for row in self.rows}:
            with Store(self._home, catch_up=False, reader=self._reader) as store:
                found = store.list(Filter().with_term("id", session_id))
            row = next((row for row in found if row.session_id == session_id), None)
            if row is None:
                return
            later = (n for n, other in enumerate(self.rows) if _began(other) > _began(row))
            at = next(later, len(self.rows))
            if judged_by(row, self.who) and self.who not in done_by(
                judged(Home(self._home).folder(session_id))
            ):
                self.rows.insert(at, row)
            self.at = at % max(1, len(self.rows))
        self.go_to(session_id)

    def next_unreviewed(self, by: int = 1) -> bool:
        """Go to the next session that the person has not judged, round the end; False if there is none."""
        place = next_waiting(self.rows, self.who, self.at, by)
        if place is None:
            return False
        self.at = place
        return True
