"""The pane that shows a document of any size: what is seen is laid out first, the rest in passing."""

from __future__ import annotations

from collections.abc import Callable

from textual.events import Resize, Show
from textual.geometry import Region
from textual.strip import Strip
from textual.timer import Timer

from tui.document.rows import Rows
from tui.document.search import Match, Search
from tui.document.source import DocumentSource
from tui.lines import Line
from tui.widgets.line_pane import LinePane

SLICE = 0.008
"""Seconds of work at a time, so that a key waits no longer."""

AT_ONCE = 0.03
"""Seconds for which a person waits for the next match before the search goes on behind."""


class DocumentPane(LinePane):
    """A document with a search.

    Args:
        source: what it draws.
        on_shown: called whenever it comes into view.
    """

    def __init__(self, source: DocumentSource, *, on_shown: Callable[[], None] = lambda: None) -> None:
        super().__init__(source, following=False)
        self.document = source
        self.note: Line = ()
        self.heading = self._heading
        self._ticker: Timer | None = None
        self._wanted: tuple[int, bool] | None = None
        self._on_shown = on_shown

    def on_show(self, _event: Show) -> None:
        """Say that it is wanted; the base's handler draws it."""
        self._on_shown()

    # ------------------------------------------------------------ what is shown

    def show_document(self, rows: Rows) -> None:
        """Show another document from its start."""
        self.document.load(rows)
        self._wanted = None
        self.scroll_to(y=0, animate=False, immediate=True)
        self.changed()

    def on_resize(self, _event: Resize) -> None:
        """Keep what is looked at in view; the base's handler lays out anew."""
        if self.document.here is not None:
            self.call_after_refresh(self.jump, self.document.here)

    def changed(self) -> None:
        """As any pane, without following the end; the rest of the layout is done in passing."""
        self.following = False
        super().changed()
        self.following = False
        if self._busy() and self._ticker is None and self.is_attached:
            self._ticker = self.set_interval(0.05, self._tick)

    def jump(self, match: Match) -> None:
        """Bring a passage into view and mark it as the one that is looked at."""
        self.document.here = match
        if not self.size.height:
            return  # shown as soon as there is room
        self.changed()
        first = self.document.rows.row_of(match.start)
        self.changed()
        seen = max(1, self.size.height - len(self.header))
        top = round(self.scroll_y)
        if not top <= first < top + seen - 1:
            self.show_from(max(0, first - seen // 3))
        self.refresh()

    # ------------------------------------------------------------ searching

    def look_for(self, words: str) -> None:
        """Search for `words` from what is seen on; nothing ends the search."""
        self.document.here = None
        self.document.search = Search(self.document.text, words) if words.strip() else None
        self._wanted = (self.top(), True) if self.document.search is not None else None
        self._seek()
        self.changed()

    def next_match(self, *, forwards: bool) -> None:
        """Go to the next match, or to the one before."""
        here = self.document.here
        offset = self.top() if here is None else here.start + 1 if forwards else here.start
        self._wanted = (offset, forwards)
        self._seek()
        self.changed()

    def top(self) -> int:
        """The first character that is seen."""
        row = self.document.rows.row(round(self.scroll_y))
        return row[0] if row is not None else 0

    def _seek(self) -> None:
        search = self.document.search
        if search is None or self._wanted is None:
            return
        offset, forwards = self._wanted
        match = search.after(offset, AT_ONCE) if forwards else search.before(offset, AT_ONCE)
        if match is not None:
            self._wanted = None
            self.jump(match)
        elif search.complete and not search.count:
            self._wanted = None

    # ------------------------------------------------------------ in passing

    def _busy(self) -> bool:
        search = self.document.search
        return (
            self.document.rows.refine(0)
            or (search is not None and not search.complete)
            or self._wanted is not None
        )

    def _tick(self) -> None:
        top = self.top()
        before = self.document.rows.total
        self.document.rows.refine(SLICE)
        if self.document.search is not None:
            self.document.search.work(SLICE)
            self._seek()
        if self.document.rows.total != before:
            # What is read stays where it is while the rows above it become exact.
            row = self.document.rows.row_of(top)
            self.changed()
            if self._wanted is None and row != round(self.scroll_y):
                self.scroll_to(y=row, animate=False, immediate=True)
        else:
            self.changed()
        if not self._busy() and self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of `crop`; those around it are laid out first, so that none moves while they are drawn."""
        first = crop.y - len(self.header) + round(self.scroll_y)
        before = self.document.rows.total
        for y in (first, first + crop.height):
            self.document.rows.row(max(0, y))
        if self.document.rows.total != before:
            self._rows = self.document.rows.total
            self.call_later(self.changed)
        return super().render_lines(crop)

    # ------------------------------------------------------------ what stands above

    def _heading(self, width: int) -> tuple[Line, ...]:
        lines = [self.note] if self.note else []
        search = self.document.search
        if search is not None:
            lines.append(self._search_line(search))
        return tuple(lines)

    def _search_line(self, search: Search) -> Line:
        words = " ".join(search.words.split())
        if not search.count and search.complete:
            return ((f"✗ nowhere: {words}", "warn"),)
        here = self.document.here
        number = search.place(here) if here is not None else 0
        more = "" if search.complete and search.count < 100_000 else "+"
        place = f"{number:,} of " if number else ""
        return (
            ("⌕ ", "active"),
            (words, "match"),
            (f" · {place}{search.count:,}{more} · n N next, previous", "muted"),
        )

    def text_to_copy(self) -> str:
        """What is seen, or the passage that is looked at."""
        here = self.document.here
        if here is not None:
            return self.document.text[here.start : here.end]
        top = round(self.scroll_y)
        rows = [self.document.rows.row(y) for y in range(top, top + self.size.height)]
        return "\n".join(self.document.text[row[0] : row[1]] for row in rows if row is not None)
