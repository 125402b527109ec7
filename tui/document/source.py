"""What the document pane draws: rows of the document, with the matches of a search and the quotations in it marked."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import groupby

import msgspec

from tui.document.rows import Rows
from tui.document.search import Match, Search
from tui.lines import Line


class Mark(msgspec.Struct, frozen=True):
    """A passage that is marked, with the role that it is drawn in."""

    start: int
    end: int
    role: str


class DocumentSource:
    """A document as rows of a pane; empty until one is there."""

    def __init__(self) -> None:
        self.rows = Rows("")
        self.search: Search | None = None
        self.here: Match | None = None
        self._marks: list[Mark] = []
        self._longest = 0
        self._width = 1

    @property
    def text(self) -> str:
        """The document."""
        return self.rows.text

    def load(self, rows: Rows) -> None:
        """Draw another document."""
        self.rows = rows
        self.rows.set_width(self._width)
        self.search = self.here = None
        self.mark([])

    def mark(self, marks: list[Mark]) -> None:
        """Mark these passages, in the place of those before."""
        self._marks = sorted(marks, key=lambda mark: (mark.start, mark.end))
        self._longest = max((mark.end - mark.start for mark in marks), default=0)

    def height(self, width: int) -> int:
        """Rows in all, as far as is known."""
        self._width = width
        self.rows.set_width(width)
        return self.rows.total

    def row(self, y: int) -> Line:
        """Row `y`; blank beyond the end."""
        found = self.rows.row(y)
        if found is None:
            return ()
        start, end = found
        shown = self.text[start:end].rstrip("\r ")
        if not shown:
            return ()
        roles = self._roles(start, start + len(shown))
        if not any(roles):
            return ((shown, ""),)
        spans: list[tuple[str, str]] = []
        at = 0
        for role, run in groupby(roles):
            length = sum(1 for _ in run)
            spans.append((shown[at : at + length], role))
            at += length
        return tuple(spans)

    def _roles(self, start: int, end: int) -> list[str]:
        """The role of each character from `start` to `end`: what was looked for goes over what is quoted."""
        roles = [""] * (end - start)
        passages: list[Mark] = self._marked(start, end)
        if self.search is not None:
            passages += [Mark(m.start, m.end, "match") for m in self.search.between(start, end)]
        if self.here is not None:
            passages.append(Mark(self.here.start, self.here.end, "match-here"))
        for mark in passages:
            first, last = max(mark.start, start), min(mark.end, end)
            if first < last:
                roles[first - start : last - start] = [mark.role] * (last - first)
        return roles

    def _marked(self, start: int, end: int) -> list[Mark]:
        first = bisect_left(self._marks, start - self._longest, key=lambda mark: mark.start)
        last = bisect_right(self._marks, end, key=lambda mark: mark.start)
        return [mark for mark in self._marks[first:last] if mark.end > start and mark.start < end]
