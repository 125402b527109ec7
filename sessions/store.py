"""The store: a home's sessions as everything outside this package sees them. Reading is here; what changes a home is
in modules of its own (`importing`, `trash`, `rebuilding`).

    with Store(home) as store:
        for row in store.list(parse("model:llama unreviewed")):
            kept = store.open(row.session_id)
            kept.state.annotations()

A store belongs to the thread that opened it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeAlias

import msgspec

from distill_core.errors import StoreError
from distill_core.events import Annotated
from sessions import searching
from sessions.catching_up import Unread, catch_up, refresh
from sessions.curtain import Curtain, closed_to
from sessions.database import UnwritableIndex, connect, connect_to_read, telling
from sessions.filters import Filter, Sql
from sessions.home import Home
from sessions.kept import Kept
from sessions.rebuilding import rebuild
from sessions.searching import Hit
from sessions.writing import number_of

Hits: TypeAlias = list[Hit]
Order: TypeAlias = Literal[
    "started", "updated", "rating", "cost", "elapsed", "steps", "calls", "errors", "title"
]
ORDERS: dict[str, str] = {
    "started": "started",
    "updated": "updated",
    "rating": "rating",
    "cost": "cost",
    "elapsed": "elapsed",
    "steps": "steps",
    "calls": "worker_calls",
    "errors": "errors + failed_calls",
    "title": "title collate nocase",
}
"""What a list can be sorted by, and the column that stands for it."""


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A session in a list.

    Args:
        rating: the mean of the annotators' last ratings of the session or its answer; None where nobody rated it.
        labels: every label on anything in it, that counts.
        annotations: how many judgements count; `reviewers` made them.
        decided_by: persons and policies that decided on proposals.
        elapsed: seconds; `cost` US dollars, None where it is not known.
        errors: cells that failed; `failed_calls` worker calls that did.
        parent: the session it was forked from, after `parent_steps` steps.
        problem: where its log stopped making sense.
        closed: who judged it whose judgements the reader may not see yet; `rating` and `labels` are without theirs.
    """

    number: int
    session_id: str
    title: str
    kind: str
    question: str
    answer: str | None
    status: str
    partial: bool
    rating: float | None
    labels: tuple[str, ...]
    annotations: int
    reviewers: tuple[str, ...]
    decided_by: tuple[str, ...]
    edits: int
    supervisor: str
    worker: str
    document: str | None
    document_name: str
    started: datetime | None
    updated: datetime | None
    elapsed: float | None
    cost: float | None
    tokens: int
    steps: int
    cells: int
    errors: int
    worker_calls: int
    failed_calls: int
    parent: str | None
    parent_steps: int | None
    policy: str
    reason: str
    problem: str | None
    closed: tuple[str, ...] = ()

    @property
    def reviewed(self) -> bool:
        """Whether anybody has judged anything in it."""
        return self.annotations > 0


_COLUMNS = ", ".join(("id", *SessionRow.__struct_fields__[1:-1]))
_JSON = {"labels", "reviewers", "decided_by", "closed"}


class Store:
    """The sessions of a home.

    Args:
        home: the folder; see `distill_core.config.home_path`.
        catch_up: look at the folders first for what is new, has grown or is gone.
        reader: the annotator to whom judgements of others may be closed, see `sessions.curtain`; "" sees all.

    Attributes:
        unread: the sessions that could not be indexed.
        trouble: why the index is as it was left, where it cannot be written; None again once it can.

    Raises:
        StoreError: the index can be neither written nor read.
    """

    def __init__(self, home: Path | str, *, catch_up: bool = True, reader: str = "") -> None:
        self.home = Home(Path(home).expanduser())
        self.unread: list[Unread] = []
        self.trouble: str | None = None
        self._reads_only = False
        if catch_up and not self.home.index.exists():
            self._make()
        self._connection = self._open()
        self._reader = reader
        self._curtain = self._hung(reader) if reader else None
        if catch_up and not self._reads_only:
            self.catch_up()

    def _make(self) -> None:
        """Make an index for folders that have none: several times as fast as taking them in one by one."""
        if next(self.home.folders(), None) is not None:
            with suppress(UnwritableIndex):  # told when it is opened
                rebuild(self.home)

    def _open(self) -> sqlite3.Connection:
        try:
            return connect(self.home.index)
        except UnwritableIndex as error:
            if not self.home.index.exists():
                raise
            self.trouble = str(error)
            self._reads_only = True
            return connect_to_read(self.home.index)

    def _write_again(self) -> None:
        """Open for writing what could only be read when it was opened: the disk may have room by now."""
        if self._reads_only:
            connection = connect(self.home.index)
            self._connection.close()
            self._connection, self._reads_only = connection, False
            self._curtain = self._hung(self._reader) if self._reader else None

    def _hung(self, reader: str) -> Curtain:
        with telling(self.home.index):
            return Curtain(self._connection, reader)

    @property
    def shown(self) -> str:
        """The table of the sessions as they may be seen: `sessions`, or a view of it."""
        if self._curtain is None:
            return "sessions"
        with telling(self.home.index):
            self._curtain.draw()
        return "shown"

    def _select(self) -> str:
        closed = "'[]'" if self._curtain is None else "closed"
        return f"select {_COLUMNS}, {closed} from {self.shown}"

    def _blind(self) -> bool:
        """Whether annotations may be closed; what is, is up to date then."""
        return self.shown != "sessions"

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the index."""
        self._connection.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """The index, for queries of one's own; its tables are described in `docs/STORE.md`."""
        return self._connection

    def catch_up(self) -> None:
        """Bring the index up to date with the folders; where it cannot be written it stays as it is, see `trouble`.

        Raises:
            StoreError: the index is damaged.
        """
        try:
            self._write_again()
            with telling(self.home.index):
                self.unread = catch_up(self._connection, self.home)
            self.trouble = None
        except UnwritableIndex as error:
            self.trouble = str(error)

    def refresh(self, session_id: str) -> None:
        """Bring one session up to date, after something was added to its log.

        Raises:
            StoreError: the index cannot be written.
            LogError: the log cannot be read.
        """
        self._write_again()
        with telling(self.home.index):
            refresh(self._connection, self.home, session_id)

    def list(
        self,
        filter: Filter = Filter(),  # noqa: B008  # frozen
        *,
        order: Order = "started",
        descending: bool = True,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[SessionRow]:
        """The sessions that `filter` selects. Where a column is empty the session comes last, ties by name.

        Raises:
            StoreError: the index cannot be read.
        """
        where, values = self.where(filter)
        column, way = ORDERS[order], "desc" if descending else "asc"
        sort = f"order by {column} is null, {column} {way}, session_id {way} limit ? offset ?"
        select = f"{self._select()} where {where} {sort}"
        with telling(self.home.index):
            rows = self._connection.execute(select, (*values, -1 if limit is None else limit, offset))
            return [_row(row) for row in rows]

    def count(self, filter: Filter = Filter()) -> int:  # noqa: B008  # frozen
        """How many sessions `filter` selects."""
        (where, values), shown = self.where(filter), self.shown
        with telling(self.home.index):
            found = self._connection.execute(f"select count(*) from {shown} where {where}", values)
            return int(found.fetchone()[0])

    def row(self, session_id: str) -> SessionRow:
        """One session's row.

        Args:
            session_id: its name, or what else `Home.find` takes for it.

        Raises:
            StoreError: there is none, or several begin so.
        """
        return self._one(session_id)

    def open(self, session_id: str) -> Kept:
        """The session's folder, events, state and document.

        Args:
            session_id: as for `row`.

        Raises:
            StoreError: there is none, or several begin so.
        """
        return Kept(self.home.folder(self._one(session_id).session_id))

    def unseen(self, annotations: Sequence[Annotated]) -> frozenset[int]:
        """Which annotations of one session that count the reader may not see, by number."""
        if not self._reader:
            return frozenset()
        return frozenset(made.seq for made in closed_to(self._reader, annotations))

    def search(self, filter: Filter, *, limit: int = 50, each: int = 3) -> Hits:
        """Where the text of `filter` is found in the sessions that it selects, newest sessions first.

        Args:
            limit: hits in all; `each` in one session.
        """
        return list(self._search(filter, limit, each))

    def hits(self, session_id: str, text: str, *, limit: int = 3) -> Hits:
        """Where `text` is found in one session."""
        with telling(self.home.index):
            number = number_of(self._connection, session_id)
            if number is None:
                return []
            return searching.hits(self._connection, text, number, limit, blind=self._blind())

    def _search(self, filter: Filter, limit: int, each: int) -> Iterator[Hit]:
        with telling(self.home.index):
            where, values = self._but_text(filter)
            blind = self._blind()
            select = f"select 1 from {self.shown} where id = ? and {where}"
            chosen = (
                number
                for number in searching.sessions_with(self._connection, filter.text)
                if self._connection.execute(select, (number, *values)).fetchone() is not None
            )
            yield from searching.first_hits(self._connection, filter.text, chosen, limit, each, blind=blind)

    def where(self, filter: Filter) -> Sql:
        """The condition on `shown` that selects what `filter` selects, its text included, and its parameters."""
        where, values = self._but_text(filter)
        if not filter.text:
            return where, values
        with telling(self.home.index):
            found = searching.all_sessions_with(self._connection, filter.text, blind=self._blind())
        return f"{where} and id in (select value from json_each(?))", (*values, str(found))

    def _but_text(self, filter: Filter) -> Sql:
        """As `where`, whatever text is to be found."""
        where, values = filter.where()
        with telling(self.home.index):
            for text in filter.without:
                found = searching.all_sessions_with(self._connection, text, blind=self._blind())
                where += " and id not in (select value from json_each(?))"
                values += (str(found),)
        return where, values

    def name(self, session_id: str) -> str:
        """The name of the session of this home that a person means, whether it could be indexed or not.

        Args:
            session_id: as for `row`.

        Raises:
            StoreError: there is none, several begin so, or it lies elsewhere.
        """
        with telling(self.home.index):
            select = "select 1 from sessions where session_id = ?"
            if self._connection.execute(select, (session_id,)).fetchone() is not None:
                return session_id
        found = self.home.find(session_id)
        if found.resolve().parent != self.home.sessions.resolve():
            # A folder elsewhere is meant as that, also where a session here has its name.
            raise StoreError(f"{found} is not in this home", remedy="take it in: distill-tui sessions import")
        return found.name

    def _one(self, session_id: str) -> SessionRow:
        name = self.name(session_id)
        with telling(self.home.index):
            row = self._connection.execute(f"{self._select()} where session_id = ?", (name,)).fetchone()
        if row is None:
            why = next((unread.why for unread in self.unread if unread.session_id == name), None)
            raise StoreError(
                f"the session {name} is not in the index",
                found=why or self.trouble or "it has just come",
                remedy="see distill-tui sessions verify" if why else "try again",
            )
        return _row(row)


def _row(values: tuple[Any, ...]) -> SessionRow:
    fields = dict(zip(SessionRow.__struct_fields__, values, strict=True))
    for name in _JSON:
        fields[name] = () if fields[name] == "[]" else tuple(msgspec.json.decode(fields[name]))
    for name in ("started", "updated"):
        if fields[name] is not None:
            fields[name] = datetime.fromisoformat(fields[name])
    fields["partial"] = bool(fields["partial"])
    return SessionRow(**fields)
