"""What an annotator may not see yet, wherever one session stands among many: lists, filters, search, statistics.

A session is closed to a reader as long as others have judged it whose judgements the reader may not see (`open_to`).
Only to an annotator is anything closed: to whoever works under a name that the settings give. A closed session is rated
and labelled as far as the reader may see, and filtered, sorted and searched by that. Who judged it is no judgement, and
is shown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import groupby

import msgspec

from distill_core.events import Annotated
from sessions.judging.judgement import labels_in, open_among, overall
from sessions.rows import dump


def closed_to(reader: str, annotations: Sequence[Annotated]) -> list[Annotated]:
    """Which of the annotations of one session that count `reader` may not see yet."""
    seen = {made.seq for made in open_among(annotations, reader)}
    return [made for made in annotations if made.seq not in seen]


# What others judged as well, or alone.
_JUDGED = """
select session, id, event from annotations where counts
    and session in (select id from sessions where reviewers not in ('[]', ?)) order by id
"""


class Curtain:
    """The sessions of an index as `reader` may see them, in a view `shown` of the connection, of the columns of
    `sessions` and `closed`: who judged and is not seen, as JSON. `unseen` holds the ids of their annotations.

    Args:
        connection: of the index; nothing is written to its file.
        reader: the annotator, as their judgements are signed.
    """

    def __init__(self, connection: sqlite3.Connection, reader: str) -> None:
        self._connection = connection
        self._reader = reader
        self._of: tuple[int, int] | None = None
        self._hang()

    def _hang(self) -> None:
        columns = [
            name for (name,) in self._connection.execute("select name from pragma_table_info('sessions')")
        ]
        given = {
            name: f"iif(c.session is null, s.{name}, c.{name}) as {name}" for name in ("rating", "labels")
        }
        shown = ", ".join(given.get(name, f"s.{name} as {name}") for name in columns)
        for statement in (
            "pragma temp_store = memory",
            "create temp table curtain (session integer primary key, rating real, labels text, closed text)",
            "create temp table unseen (annotation integer primary key)",
            f"create temp view shown as select {shown}, coalesce(c.closed, '[]') as closed "
            "from main.sessions s left join temp.curtain c on c.session = s.id",
        ):
            self._connection.execute(statement)

    def draw(self) -> None:
        """Bring it up to date with what the index holds."""
        now = self._now()
        if self._of == now:
            return
        rows = self._connection.execute(_JUDGED, (dump([self._reader]),)).fetchall()
        self._connection.execute("begin")
        try:
            for table in ("curtain", "unseen"):
                self._connection.execute(f"delete from temp.{table}")
            for session, of_one in groupby(rows, key=lambda row: row[0]):
                self._close(session, [(row, event) for _, row, event in of_one])
        finally:
            self._connection.execute("commit")
        # As of before it was read: what others wrote since is drawn the next time.
        self._of = now[0], self._connection.total_changes

    def _close(self, session: int, rows: Sequence[tuple[int, str]]) -> None:
        made = [msgspec.json.decode(event, type=Annotated) for _, event in rows]
        ids = {one.seq: row for one, (row, _) in zip(made, rows, strict=True)}
        closed = closed_to(self._reader, made)
        if not closed:
            return
        hidden = {one.seq for one in closed}
        seen = [one for one in made if one.seq not in hidden]
        self._connection.execute(
            "insert into temp.curtain values (?, ?, ?, ?)",
            (session, overall(seen), dump(labels_in(seen)), dump(sorted({one.by for one in closed}))),
        )
        unseen = [(ids[seq],) for seq in hidden]
        self._connection.executemany("insert into temp.unseen values (?)", unseen)

    def _now(self) -> tuple[int, int]:
        """Changes when the index does: by another connection, by this one."""
        (version,) = self._connection.execute("pragma data_version").fetchone()
        return int(version), self._connection.total_changes
