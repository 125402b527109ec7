"""A pane whose source grows: what is drawn again, and where its scrollbar's thumb stands."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.widgets import Static

import themes
from tui.lines import Line, wrap
from tui.live.panes import StepEntries
from tui.theme import DEFAULT, variables
from tui.transcript import Transcript
from tui.widgets.line_pane import LinePane
from tui.widgets.thumb import thumb


class Rows:
    """So many rows of text; which of them were drawn."""

    def __init__(self, count: int) -> None:
        self.lines: list[Line] = [((f"row {n}", ""),) for n in range(count)]

    def height(self, width: int) -> int:
        return len(self.lines)

    def row(self, y: int) -> Line:
        return self.lines[y]


class Growing(App[None]):
    """A pane of 10 rows above a word."""

    CSS = "LinePane { height: 10; overflow-y: scroll; scrollbar-size-vertical: 1; } #auto { height: auto; }"

    def __init__(self, count: int, *, id: str = "pane") -> None:
        super().__init__()
        self.rows = Rows(count)
        self.drawn: list[Region] = []
        self.laid_out = 0
        self._pane_id = id

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variables(themes.available()[DEFAULT])

    def compose(self) -> ComposeResult:
        yield LinePane(self.rows, id=self._pane_id)
        yield Static("below")

    def on_mount(self) -> None:
        pane = self.query_one(LinePane)
        refresh = pane.refresh

        def noted(*regions: Region, **options: bool) -> LinePane:
            self.drawn += regions
            return refresh(*regions, **options)

        pane.refresh = noted  # type: ignore[method-assign, assignment]
        self.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self._count())

    def _count(self) -> None:
        self.laid_out += 1


def shown(app: App[None]) -> list[str]:
    pane = app.query_one(LinePane)
    return [pane.render_line(y).text.strip() for y in range(pane.size.height)]


async def test_a_pane_that_grows_follows_its_end_without_a_new_layout() -> None:
    app = Growing(3)
    async with app.run_test() as pilot:
        await pilot.pause()
        before = app.laid_out
        for n in range(3, 40):
            app.rows.lines.append(((f"row {n}", ""),))
            app.query_one(LinePane).changed()
            await pilot.pause()
        assert app.laid_out == before
        assert shown(app) == [f"row {n}" for n in range(30, 40)]
        assert app.query_one(LinePane).vertical_scrollbar.window_virtual_size == 40


async def test_only_the_rows_that_changed_are_drawn() -> None:
    app = Growing(8)
    async with app.run_test() as pilot:
        await pilot.pause()
        app.drawn.clear()
        app.rows.lines[5] = (("another", ""),)
        app.query_one(LinePane).changed()
        await pilot.pause()
        assert app.drawn == [Region(0, 5, 79, 1)]
        assert "another" in app.screen._compositor.render_strips()[5].text


async def test_text_that_has_moved_is_selected_with_the_mouse_and_marked() -> None:
    app = Growing(40)
    async with app.run_test() as pilot:
        pane = app.query_one(LinePane)
        pane.changed()
        await pilot.pause()
        await pilot.mouse_down(pane, offset=(0, 2))
        await pilot.hover(pane, offset=(3, 4))
        await pilot.mouse_up(pane, offset=(3, 4))
        await pilot.pause()
        assert app.screen.get_selected_text() == "row 32\nrow 33\nrow "
        mark = app.screen.get_component_rich_style("screen--selection").bgcolor
        rows = app.screen._compositor.render_strips()[1:6]
        marked = ["".join(s.text for s in row if s.style and s.style.bgcolor == mark) for row in rows]
        assert [text.rstrip() for text in marked] == ["", "row 32", "row 33", "row", ""]


async def test_a_pane_that_becomes_shorter_shows_its_last_rows() -> None:
    app = Growing(40)
    async with app.run_test() as pilot:
        await pilot.pause()
        del app.rows.lines[12:]
        app.query_one(LinePane).changed()
        await pilot.pause()
        assert shown(app) == [f"row {n}" for n in range(2, 12)]


async def test_a_pane_as_high_as_its_rows_pushes_away_what_is_below() -> None:
    app = Growing(3, id="auto")
    async with app.run_test() as pilot:
        await pilot.pause()
        pane = app.query_one(LinePane)
        pane.changed()
        await pilot.pause()
        assert app.query_one(Static).region.y == 3
        app.rows.lines.append((("one more", ""),))
        pane.changed()
        await pilot.pause()
        assert app.query_one(Static).region.y == 4


@pytest.mark.parametrize(
    ("cells", "rows", "seen", "top", "place"),
    [
        (10, 10, 10, 0, (0, 0)),
        (10, 20, 10, 0, (0, 40)),
        (10, 20, 10, 10, (40, 80)),
        (10, 1_000, 10, 0, (0, 8)),
        (10, 1_000, 10, 990, (72, 80)),
        (0, 100, 10, 3, (0, 0)),
    ],
)
def test_where_the_thumb_stands(cells: int, rows: int, seen: int, top: int, place: tuple[int, int]) -> None:
    assert thumb(cells, rows, seen, top) == place


async def test_the_last_of_no_entries_is_nowhere() -> None:
    app = Growing(0)
    rows = Transcript(wrap)
    async with app.run_test() as pilot:
        pane = app.query_one(LinePane)
        pane.source, pane.entries = rows, StepEntries(rows)
        for pane.following in (True, False):
            pane.point_at(pane.entries.count() - 1)
            await pilot.pause()
            assert pane.cursor is None
