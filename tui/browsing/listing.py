"""Kept sessions as rows of a pane: columns that fit the width, a mark in front of those that are marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from tui.cli.listing import money, unsaid, when
from tui.lines import Line, Span, pad
from tui.live import words

if TYPE_CHECKING:
    from sessions import SessionRow

NARROW, WIDE = 100, 130
"""Cells from which more columns are shown."""


class Column(msgspec.Struct, frozen=True):
    """A column: its head, cells, what a session has in it, how it sorts, and the width from which it is shown."""

    head: str
    width: int
    cell: Callable[[SessionRow], Span]
    order: str = ""
    from_width: int = 0
    right: bool = False


def _status(row: SessionRow) -> Span:
    mark = words.session_mark(row.status)
    return mark.text, mark.role


def _rating(row: SessionRow) -> Span:
    return (unsaid(row), "muted") if row.rating is None else (f"{row.rating:.3g}", "key")


def _errors(row: SessionRow) -> Span:
    count = row.errors + row.failed_calls
    return str(count), "error" if count else "muted"


COLUMNS = (
    Column("Started", 16, lambda row: (when(row.started), "muted"), "started"),
    Column("Status", 16, _status),
    Column("Rated", 6, _rating, "rating", right=True),
    Column("Steps", 6, lambda row: (str(row.steps), ""), "steps", NARROW, right=True),
    Column("Calls", 6, lambda row: (str(row.worker_calls), ""), "calls", NARROW, right=True),
    Column("Errors", 6, _errors, "errors", right=True),
    Column("Cost", 8, lambda row: (money(row.cost), ""), "cost", WIDE, right=True),
    Column(
        "Labels",
        14,
        lambda row: (", ".join(row.labels) or unsaid(row), "ok" if row.labels else "muted"),
        "",
        NARROW,
    ),
)


def heads(width: int, order: str, descending: bool) -> Line:
    """The line of column heads; an arrow at the one that sorts."""
    spans: list[Span] = [("  ", "")]
    for column in COLUMNS:
        if width < column.from_width:
            continue
        sorts = bool(column.order) and column.order == order
        arrow = ("▼" if descending else "▲") if sorts else ""
        spans.append((_cell(column, column.head + arrow), "heading" if sorts else "muted"))
    arrow = ("▼" if descending else "▲") if order == "title" else ""
    spans.append((f"Question{arrow}", "heading" if order == "title" else "muted"))
    return tuple(spans)


def heads_tell(width: int, order: str) -> bool:
    """Whether what is sorted by has a column in this width, so that its head tells."""
    return order == "title" or any(c.order == order and width >= c.from_width for c in COLUMNS)


def _cell(column: Column, text: str) -> str:
    return f"{pad(text, column.width, right=column.right)}  "


class Listing:
    """The rows of the list, and its entries. A source of a pane."""

    def __init__(self) -> None:
        self.rows: Sequence[SessionRow] = ()
        self.marked: set[str] = set()
        self._width = WIDE

    def fill(self, rows: Sequence[SessionRow]) -> None:
        """List these; marks of sessions that are not among them go."""
        self.rows = rows
        self.marked &= {row.session_id for row in rows}

    def height(self, width: int) -> int:
        """One row a session."""
        self._width = width
        return len(self.rows)

    def row(self, y: int) -> Line:
        """A session in one line."""
        if not 0 <= y < len(self.rows):
            return ()
        row = self.rows[y]
        mark: Span = ("● ", "key") if row.session_id in self.marked else ("  ", "")
        spans: list[Span] = [mark]
        for column in COLUMNS:
            if self._width >= column.from_width:
                text, role = column.cell(row)
                spans.append((_cell(column, text), role))
        spans.append((" ".join(row.question.split()), "" if row.reviewed else "heading"))
        return tuple(spans)

    def count(self) -> int:
        """How many sessions there are."""
        return len(self.rows)

    def span(self, index: int) -> tuple[int, int]:
        """A session is one row."""
        return index, 1

    def at(self, y: int) -> int:
        """A row is one session."""
        return y

    def toggle(self, index: int) -> None:
        """Mark a session, or take its mark away."""
        self.marked ^= {self.rows[index].session_id}

    def toggle_all(self) -> None:
        """Mark all, or none if all are."""
        names = {row.session_id for row in self.rows}
        self.marked = set() if self.marked == names else names

    def chosen(self, cursor: int | None) -> list[str]:
        """The marked sessions, else the one at the cursor."""
        if self.marked:
            return [row.session_id for row in self.rows if row.session_id in self.marked]
        return [self.rows[cursor].session_id] if cursor is not None and cursor < len(self.rows) else []

    def place(self, session_id: str) -> int | None:
        """Where a session is in the list."""
        return next((n for n, row in enumerate(self.rows) if row.session_id == session_id), None)
