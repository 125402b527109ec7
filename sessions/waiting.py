"""The review queue: the next session that waits for somebody's judgement, under any filter, and where they were.

What is waiting is asked of the index anew each time; only the place is remembered, one for each person and filter, in
`review.json` of the home.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from distill_core.errors import StoreError
from sessions.filters import Filter
from sessions.store import SessionRow, Store


class Place(msgspec.Struct, frozen=True):
    """Where somebody is in a queue: the session, and what was looked at in it (a step's number)."""

    session_id: str
    step: int = 0


class Queue:
    """Sessions that `by` has not judged, oldest first, under `filter`.

    Args:
        by: whose queue; what others judged does not take a session out of it.
    """

    def __init__(self, store: Store, by: str, filter: Filter = Filter()) -> None:  # noqa: B008  # frozen
        self._store = store
        self._by = by
        self._filter = filter
        self._path = store.home.path / "review.json"

    def waiting(self) -> list[SessionRow]:
        """All that wait, oldest first.

        Raises:
            StoreError: the index cannot be read.
        """
        return self._store.list(self._filter.with_term("unreviewed", self._by), descending=False)

    def next(self, after: str | None = None) -> SessionRow | None:
        """The first that waits behind session `after` (or behind the remembered place), then from the beginning.

        None where nothing waits.
        """
        waiting = self.waiting()
        place = self.place()
        if after is None and place is not None:
            here = next((row for row in waiting if row.session_id == place.session_id), None)
            if here is not None:
                return here
        at = after or (place.session_id if place else None)
        if at is None:
            return waiting[0] if waiting else None
        order = [row.session_id for row in self._store.list(self._filter, descending=False)]
        behind = set(order[order.index(at) + 1 :]) if at in order else set()
        return next((row for row in waiting if row.session_id in behind), waiting[0] if waiting else None)

    def place(self) -> Place | None:
        """Where `by` was last, None where they have not begun."""
        return _read(self._path).get(self._key)

    def remember(self, place: Place) -> None:
        """Keep the place; other queues keep theirs.

        Raises:
            StoreError: it cannot be written.
        """
        _write(self._path, {**_read(self._path), self._key: place})

    @property
    def _key(self) -> str:
        return f"{self._by} {self._filter}".strip()


def _read(path: Path) -> dict[str, Place]:
    """The places; none where the file is not there or is damaged, since a place is no loss."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Place])
    except (OSError, msgspec.DecodeError):
        return {}


def _write(path: Path, places: dict[str, Place]) -> None:
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(places))
        Path(temporary).replace(path)
    except OSError as error:
        raise StoreError(
            f"cannot remember the place in {path}", found=error.strerror or str(error)
        ) from error
