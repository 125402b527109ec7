"""The store as a screen uses it: everything on one thread of its own, so that no drawing waits for a disk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from distill_core.events import Event
    from sessions import Hit, SessionRow, Store
    from sessions.bulk import Bulk, Done
    from sessions.forking import Node
    from sessions.stats import Stats
    from sessions.store import Order

T = TypeVar("T")
HITS = 20
"""Hits in one session that are shown."""


def as_typed(words: str) -> str:
    """A filter that is still being typed: its last word may be the beginning of one."""
    from sessions.filters import FLAGS

    last = words.rpartition(" ")[2]
    begun = re.fullmatch(r"\w{3,}", last) is not None and last.lower() not in FLAGS
    return f"{words}*" if begun and words.count('"') % 2 == 0 else words


class Found(msgspec.Struct, frozen=True):
    """What is listed: the rows, how many sessions there are in all, and why that is as it was left, if it is."""

    rows: Sequence[SessionRow]
    total: int
    trouble: str = ""


class Desk:
    """A home's store.

    Args:
        home: the folder of kept sessions.
        by: whose judgements are made, and by whom the sessions are seen.
        annotator: whether that is an annotator's name; see `sessions.curtain`.
    """

    def __init__(self, home: Path, by: str, *, annotator: bool = False) -> None:
        self._home = home
        self._by = by
        self._annotator = annotator
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._store: Store | None = None
        self._bulk: Bulk | None = None

    async def _do(self, work: Callable[[Store], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(self._opened()))

    def _opened(self) -> Store:
        if self._store is None:
            from sessions import Store

            self._store = Store(self._home, reader=self._by if self._annotator else "")
        return self._store

    def _bulk_of(self, store: Store) -> Bulk:
        if self._bulk is None:
            from sessions.bulk import Bulk

            self._bulk = Bulk(store, self._by)
        return self._bulk

    async def list(self, words: str, order: Order, descending: bool, *, look: bool = False) -> Found:
        """The sessions that `words` select; `look` at the folders first.

        Raises:
            StoreError: the words are no filter, or the index cannot be read.
        """
        from sessions import parse

        def work(store: Store) -> Found:
            if look:
                store.catch_up()
            rows = store.list(parse(as_typed(words)), order=order, descending=descending)
            return Found(rows, store.count(), store.trouble or "")

        return await self._do(work)

    async def hits(self, session_id: str, words: str) -> Sequence[Hit]:
        """Where the text of `words` is found in one session."""
        from sessions import parse

        text = parse(as_typed(words)).text
        if not text:
            return []
        return await self._do(lambda store: store.hits(session_id, text, limit=HITS))

    async def read(self, session_id: str) -> tuple[Sequence[Event], str]:
        """A session's events, as far as its log makes sense, and what is wrong with it; "" where nothing is.

        Raises:
            LogError: it cannot be read, or nothing of it makes sense.
        """
        from sessions.kept import readable

        def work(store: Store) -> tuple[Sequence[Event], str]:
            kept = readable(store.open(session_id).folder)
            return kept.sound, kept.trouble

        return await self._do(work)

    async def family(self, session_id: str) -> Sequence[Node]:
        """The tree of forks that a session belongs to, parents before children."""
        from sessions.forking import family

        return await self._do(lambda store: family(store.home.folder(session_id)))

    async def rate(self, session_ids: Sequence[str], rating: int) -> Done:
        """Rate sessions."""
        return await self._do(lambda store: self._bulk_of(store).rate(session_ids, rating))

    async def label(self, session_ids: Sequence[str], label: str) -> Done:
        """Label sessions."""
        return await self._do(lambda store: self._bulk_of(store).label(session_ids, label))

    async def trash(self, session_ids: Sequence[str]) -> Done:
        """Move sessions to the trash."""
        return await self._do(lambda store: self._bulk_of(store).trash(session_ids))

    async def undo(self) -> Done | None:
        """Take the last of these back."""
        return await self._do(lambda store: self._bulk_of(store).undo())

    async def stats(self, words: str) -> tuple[Stats, int]:
        """The statistics of what `words` select, and how many example sessions were left out of it."""
        from sessions import parse
        from sessions.stats import own

        return await self._do(lambda store: own(store, parse(as_typed(words))))

    def close(self) -> None:
        """Close the store."""

        def shut() -> None:
            if self._store is not None:
                self._store.close()

        self._thread.submit(shut)
        self._thread.shutdown()
