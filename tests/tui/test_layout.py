"""Arranging the panes, and finding them the next time as they were left."""

from __future__ import annotations

from pathlib import Path

from tests.tui.harness import open_story
from tui.live.layout import Layout
from tui.memory import Memory, Remembered
from tui.setup import Setup, plain


def setup(folder: Path) -> Setup:
    return Setup(palettes=plain().palettes, memory=Memory(folder / "screen.json"))


async def test_a_pane_is_hidden_and_its_number_brings_it_back() -> None:
    async with open_story("awaiting") as opened:
        before = opened.pane("timeline").size.height
        await opened.press("4", "h")
        assert not opened.pane("workers").display
        assert opened.pane("timeline").size.height > before
        await opened.press("4")
        assert opened.pane("workers").display
        assert opened.screen.focused is opened.pane("workers")


async def test_the_last_pane_stays() -> None:
    async with open_story("awaiting") as opened:
        await opened.press("1", "h", "2", "h", "3", "h", "4", "h")
        assert [n for n in opened.screen.pane_names() if n != "decision"] == ["workers"]
        assert opened.pane("workers").size.width > 100


async def test_columns_and_panes_change_their_size() -> None:
    async with open_story("running") as opened:
        left, top = opened.pane("timeline").size.width, opened.pane("timeline").size.height
        await opened.press("1", "]", "]", "+")
        assert opened.pane("timeline").size.width > left
        assert opened.pane("timeline").size.height > top
        await opened.press("[", "[", "[", "-", "-")
        assert opened.pane("timeline").size.width < left + 3
        assert opened.pane("timeline").size.height < top
        await opened.press("=")
        assert opened.pane("timeline").size == (left, top)


async def test_the_layout_and_the_theme_are_remembered(tmp_path: Path) -> None:
    async with open_story("awaiting", setup=setup(tmp_path)) as opened:
        await opened.press("4", "h", "]", "t")
    remembered = Memory(tmp_path / "screen.json").value
    assert "workers" in remembered.layout.hidden
    assert remembered.theme == "paper"
    async with open_story("awaiting", setup=setup(tmp_path)) as opened:
        assert not opened.pane("workers").display


def test_a_file_that_cannot_be_read_is_said_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "screen.json"
    path.write_text('{"layout": 3')
    memory = Memory(path)
    assert memory.value == Remembered()
    assert str(path) in memory.trouble
    memory.keep(layout=Layout(left=40))
    assert Memory(path).value.layout.left == 40


def test_a_file_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = Memory(tmp_path / "file" / "screen.json")
    memory.keep(theme="day")
    assert memory.value.theme == "day"
    assert "cannot" in memory.trouble
