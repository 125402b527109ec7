"""A pane of lines: draws only the rows that are seen, follows its end while it stands there, may have a cursor."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from typing import ClassVar, NamedTuple, Protocol, Self, runtime_checkable

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.events import Click, Resize, Show
from textual.filter import LineFilter
from textual.geometry import Region, Size, Spacing
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.actions import REGISTRY
from tui.lines import Line, plain
from tui.text import clean
from tui.theme import cursor_style, role_styles
from tui.widgets.looks import Look, Looks
from tui.widgets.thumb import move


class LineSource(Protocol):
    """What a pane draws."""

    def height(self, width: int) -> int:
        """Rows in all at `width` cells."""
        ...

    def row(self, y: int) -> Line:
        """Row `y`, at the width last asked for; blank beyond the end."""
        ...


@runtime_checkable
class Keyed(Protocol):
    """A source whose rows belong to blocks with a key, by which a place in it is found again."""

    def key_at(self, y: int) -> Hashable | None:
        """The block that row `y` belongs to."""
        ...

    def span(self, key: Hashable, /) -> tuple[int, int] | None:
        """First row of a block, and how many it has; None if it is not there."""
        ...


class Entries(Protocol):
    """The things among the rows of a source that a cursor moves over."""

    def count(self) -> int:
        """How many there are."""
        ...

    def span(self, index: int) -> tuple[int, int]:
        """First row of entry `index`, and how many it has."""
        ...

    def at(self, y: int) -> int:
        """The entry that row `y` belongs to."""
        ...


class Held(NamedTuple):
    """What stands in row `at`: row `row` of block `key`."""

    key: Hashable
    row: int
    at: int


class _Row(NamedTuple):
    """A row as it is drawn: row `at` of the source, or one of the pane's own."""

    line: Line
    at: int | None = None
    cursor: bool = False


_BLANK = _Row(())


class LinePane(ScrollView, can_focus=True):
    """A scrolling pane.

    Args:
        source: what it draws.
        entries: what its cursor moves over; None for a pane without a cursor.
        empty: what it says while there is nothing to draw.
        following: it stays at its end when rows are added.
    """

    class Highlighted(Message):
        """The person moved the cursor to entry `index`."""

        def __init__(self, pane: LinePane, index: int) -> None:
            super().__init__()
            self.pane = pane
            self.index = index

        @property
        def control(self) -> LinePane:
            """The pane, for `on`."""
            return self.pane

    class Chosen(Highlighted):
        """The person pressed enter on entry `index`."""

    BINDINGS: ClassVar[list[BindingType]] = list(REGISTRY.bindings("pane"))

    def __init__(
        self,
        source: LineSource,
        *,
        id: str | None = None,
        title: str = "",
        entries: Entries | None = None,
        empty: str = "",
        following: bool = True,
    ) -> None:
        super().__init__(id=id)
        self._drawn: dict[int, tuple[_Row, Strip]] = {}
        self._edges: dict[int, Strip] = {}
        self.source = source
        self.entries = entries
        self.border_title = title
        self.header: tuple[Line, ...] = ()
        self.heading: Callable[[int], tuple[Line, ...]] | None = None
        self.cursor: int | None = None
        self._pointed_by_itself = False
        self.following = following
        self.empty = empty
        self._rows = 0
        self._held: Held | None = None
        self._cursor_rows = range(0)
        self._under: tuple[Size, int, Sequence[LineFilter]] = (Size(), 0, ())
        self._looks = self._before = Looks(Look())
        self._roles: dict[str, Style] = {}
        self._cursor_style = Style.null()

    # ------------------------------------------------------------ what changed

    def changed(self) -> None:
        """The source has other rows now: take its height, stay at the end if there, draw."""
        width = self.scrollable_content_region.width
        if width <= 0 or not self.is_on_screen:
            return
        self.header = self.heading(width) if self.heading is not None else self.header
        self._rows = self.source.height(width)
        if self.has_focus:
            self._point_by_itself()
        self._grow(Size(width, self._rows + len(self.header)))
        top = round(self.scroll_y)
        if self.following:
            self.scroll_to(y=self.max_scroll_y, animate=False)
        else:
            self._stay()
        self._move_thumb()
        if top == round(self.scroll_y):
            self._refresh_changed()

    def _grow(self, size: Size) -> None:
        """Take another virtual size; the screen is laid out anew only if the pane's own place depends on it."""
        if size == self.virtual_size:
            return
        styles = self.styles
        bar = size.height > self.container_size.height
        if styles.auto_dimensions or (styles.overflow_y == "auto" and bar != self.show_vertical_scrollbar):
            self.virtual_size = size
            return
        self.set_reactive(ScrollView.virtual_size, size)
        self.scroll_y = min(self.scroll_y, self.max_scroll_y)

    def _refresh_changed(self) -> None:
        """Draw those of the rows that are seen which are not as they were drawn last."""
        width, height = self.scrollable_content_region.size
        self._see_cursor()
        changed = [y for y in range(height) if y not in self._drawn or self._drawn[y][0] != self._row(y)]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def _move_thumb(self) -> None:
        if self.show_vertical_scrollbar:
            move(self.vertical_scrollbar, self.virtual_size.height, self.scroll_y)

    def _stay(self) -> None:
        """Keep what is seen where it is when the rows above it have become more or fewer."""
        held = self._held
        if held is None or not isinstance(self.source, Keyed):
            return
        span = self.source.span(held.key)
        if span is not None and span[0] + held.row != held.at:
            self.scroll_to(y=max(0, span[0] + held.row), animate=False, immediate=True)

    def _hold(self) -> None:
        """Remember what stands in the first row that is seen; at the very top, the top is held."""
        top = round(self.scroll_y)
        self._held = None
        if top > 0 and not self.following and isinstance(self.source, Keyed):
            key = self.source.key_at(top)
            span = None if key is None else self.source.span(key)
            if span is not None:
                self._held = Held(key, top - span[0], top)

    def on_mount(self) -> None:
        """Look the roles' styles up, now and whenever the theme changes."""
        super().on_mount()  # type: ignore[no-untyped-call]  # textual gives it no types
        self._take_theme()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._take_theme())

    def on_resize(self, _event: Resize) -> None:
        """Lay out anew."""
        self.changed()

    def on_show(self, _event: Show) -> None:
        """Catch up with what came while hidden."""
        self.changed()

    def _take_theme(self) -> None:
        self._roles = role_styles(self.app.theme_variables)
        self._cursor_style = cursor_style(self.app.theme_variables)
        self.refresh()

    # ------------------------------------------------------------ cursor and scrolling

    def point_at(self, index: int | None) -> None:
        """Put the cursor on entry `index` (None or below 0, as the last of none is: nowhere) and bring it into view."""
        index = None if index is None or index < 0 else index
        self.cursor, self._pointed_by_itself = index, False
        if index is not None and self.entries is not None and not self.following:
            first, count = self.entries.span(index)
            self.bring(first, count)
        self.refresh()

    def bring(self, first: int, count: int) -> None:
        """Scroll no further than it takes to see rows `first` to `first + count`."""
        top, seen = round(self.scroll_y), max(1, self.size.height - len(self.header))
        if first < top:
            self.scroll_to(y=first, animate=False, immediate=True)
        elif first + count > top + seen:
            self.scroll_to(y=min(first, first + count - seen), animate=False, immediate=True)

    def show_from(self, first: int) -> None:
        """Scroll so that row `first` is the first seen."""
        self.following = False
        self.scroll_to(y=first, animate=False, immediate=True)

    def on_focus(self) -> None:
        """Have a cursor to begin with."""
        if self._point_by_itself():
            self.refresh()

    def _point_by_itself(self) -> bool:
        """Put the cursor where the person did not: on the last entry while that is followed, else the first seen."""
        if self.entries is None or not (self.cursor is None or self._pointed_by_itself):
            return False
        before, last = self.cursor, self.entries.count() - 1
        if last >= 0 and (self.following or before is None):
            self.cursor = last if self.following else max(0, min(self.entries.at(round(self.scroll_y)), last))
            self._pointed_by_itself = True
        return self.cursor != before

    def action_move(self, by: int) -> None:
        """Move the cursor, or scroll where there is none."""
        if self.entries is None:
            self._scroll_by(by)
            return
        count = self.entries.count()
        if count:
            at = count - 1 if self.cursor is None else self.cursor + by
            self._select(max(0, min(at, count - 1)))

    def action_page(self, by: int) -> None:
        """Go on or back by a pane's height."""
        step = by * max(1, self.size.height - len(self.header) - 1)
        if self.entries is None or self.cursor is None:
            self._scroll_by(step)
            return
        first, _ = self.entries.span(self.cursor)
        self._select(self.entries.at(max(0, min(first + step, self._rows - 1))))

    def action_first(self) -> None:
        """Go to the start."""
        if self.entries is not None and self.entries.count():
            self._select(0)
        self.following = False
        self.scroll_home(animate=False, immediate=True)

    def action_follow(self) -> None:
        """Go to the end and follow what comes."""
        if self.entries is not None and self.entries.count():
            self._select(self.entries.count() - 1)
        self.following = True
        self.scroll_end(animate=False, immediate=True, x_axis=False)

    def action_choose(self) -> None:
        """Open the entry at the cursor."""
        if self.cursor is not None:
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is; twice opens."""
        if self.entries is None or not self.entries.count():
            return
        offset = event.get_content_offset(self)
        y = -1 if offset is None else offset.y - len(self.header) + round(self.scroll_y)
        if 0 <= y < self._rows:
            self._select(self.entries.at(y))
            if event.chain > 1:
                self.action_choose()

    def _select(self, index: int) -> None:
        assert self.entries is not None
        self.following = index == self.entries.count() - 1
        self.cursor, self._pointed_by_itself = index, False
        first, count = self.entries.span(index)
        self.bring(first, count)
        self.refresh()
        self.post_message(self.Highlighted(self, index))

    def _scroll_by(self, rows: int) -> None:
        self.scroll_to(y=self.scroll_target_y + rows, animate=False, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow exactly while the end is in view."""
        self._move_thumb()
        if round(old_value) != round(new_value):
            self.refresh(self.scrollable_content_region.size.region)
        self.following = round(new_value) >= self.max_scroll_y
        self._hold()

    # ------------------------------------------------------------ drawing

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Forget how the rows in `regions` (of the content; all, if none is given) were drawn, and draw them."""
        if not regions and repaint:
            self._forget()
        for y in chain.from_iterable(region.line_range for region in regions):
            self._drawn.pop(y, None)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _forget(self) -> None:
        self._drawn.clear()
        self._edges.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of `crop`, edges included; those that were not forgotten are as they were."""
        size, gutter, filters = self.outer_size, self.styles.gutter, self.get_line_filters()
        width = self.scrollable_content_region.width
        if (size, width, filters) != self._under:
            self._under = size, width, filters
            self._forget()
        if not self._edges:
            self._take_look(gutter)
        self._see_cursor()
        end = size.height - gutter.bottom
        strips = [
            self._painted(y - gutter.top) if gutter.top <= y < end else self._edge(y) for y in crop.line_range
        ]
        if crop.column_span == (0, size.width):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]

    def _take_look(self, gutter: Spacing) -> None:
        """What all rows have in common now; their edges are taken from one that Textual has drawn."""
        size, width, filters = self._under
        framed = self._edge(gutter.top)
        look = Look(
            base=self.rich_style,
            cursor=self._cursor_style,
            roles=self._roles,
            width=width,
            left=tuple(framed.crop(0, gutter.left)),
            right=tuple(framed.crop(gutter.left + width, size.width)),
            filters=filters,
            background=self.background_colors[1],
        )
        if look != self._looks.look:
            before, self._before = self._before, self._looks
            self._looks = before if before.look == look else Looks(look)

    def _edge(self, y: int) -> Strip:
        """Row `y` of the whole pane as Textual draws it."""
        strip = self._edges.get(y)
        if strip is None:
            strip = self._edges[y] = super().render_lines(Region(0, y, self.outer_size.width, 1))[0]
        return strip

    def _painted(self, y: int) -> Strip:
        """Row `y` of what is seen, with its edges."""
        if y in self._drawn:
            return self._drawn[y][1]
        row = self._row(y)
        selected = self._selection(row)
        strip = (
            self._looks.framed(row.line, row.cursor)
            if selected is None
            else self._looks.frame(self._marked(row, selected))
        )
        self._drawn[y] = row, strip
        return strip

    def render_line(self, y: int) -> Strip:
        """Row `y` of what is seen without its edges; tells the mouse which text it is."""
        row = self._row(y)
        selected = self._selection(row)
        strip = self._looks.bare(row.line, row.cursor) if selected is None else self._marked(row, selected)
        return strip if row.at is None else strip.apply_offsets(0, row.at)

    def _selection(self, row: _Row) -> tuple[int, int] | None:
        """First cell of a row that is selected with the mouse, and the one after the last (-1: to the end)."""
        selection = self.text_selection
        return None if selection is None or row.at is None else selection.get_span(row.at)

    def _marked(self, row: _Row, span: tuple[int, int]) -> Strip:
        look = self.screen.get_component_rich_style("screen--selection")
        return _selected(self._looks.bare(row.line, row.cursor), span, look)

    def _see_cursor(self) -> None:
        """Look up where the cursor stands."""
        self._cursor_rows = range(0)
        if self.cursor is not None and self.entries is not None and self.cursor < self.entries.count():
            first, count = self.entries.span(self.cursor)
            self._cursor_rows = range(first, first + count)

    def _row(self, y: int) -> _Row:
        """What stands in row `y` of what is seen."""
        if y < len(self.header):
            return _Row(self.header[y])
        at = y - len(self.header) + round(self.scroll_y)
        if not self._rows and y == len(self.header) and self.empty:
            return _Row(((self.empty, "muted"),))
        if at >= self._rows:
            return _BLANK
        return _Row(self.source.row(at), at, at in self._cursor_rows)

    # ------------------------------------------------------------ copying

    def text_to_copy(self) -> str:
        """What stands at the cursor, or the whole pane where there is none."""
        first, count = 0, self._rows
        if self.entries is not None and self.cursor is not None and self.cursor < self.entries.count():
            first, count = self.entries.span(self.cursor)
        return "\n".join(clean(plain(self.source.row(y))).rstrip() for y in range(first, first + count))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text under a selection made with the mouse."""
        text = "\n".join(clean(plain(self.source.row(y))) for y in range(self._rows))
        return selection.extract(text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()


def _selected(strip: Strip, span: tuple[int, int], style: Style) -> Strip:
    start, end = span
    cells = strip.cell_length
    end = cells if end == -1 else min(end, cells)
    if start >= end:
        return strip
    before, inside, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end)
    shown = Strip([Segment(s.text, (s.style or Style.null()) + style, s.control) for s in inside])
    return Strip.join([before, shown, after])


def rows_of(pane: LinePane) -> Sequence[Line]:
    """All rows of a pane as drawn, for tests and for copying."""
    return [pane.source.row(y) for y in range(pane.source.height(pane.size.width))]
