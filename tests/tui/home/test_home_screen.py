"""The home screen: what it lists, what it starts, what it says when there is nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from textual.events import Key
from textual.pilot import Pilot

from tests.fakes.hostile import HOSTILE
from tests.fakes.kept_sessions import keep
from tests.tui.test_hostile import FORBIDDEN
from tui.app import DistillApp
from tui.memory import Memory, NewSession
from tui.screens.export import ExportScreen
from tui.screens.home import HomeScreen
from tui.screens.live import LiveScreen
from tui.screens.new import NewSessionScreen
from tui.setup import Setup, plain
from tui.widgets.editor import Editor
from tui.widgets.line_pane import LinePane, rows_of


class Runner:
    """Notes what it is to run."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.busy = False
        self.ended: Callable[[str], None] = lambda _: None

    def run(self, arguments: Sequence[str], ended: Callable[[str], None]) -> None:
        self.ran.append(list(arguments))
        self.ended = ended


class Opened(NamedTuple):
    app: DistillApp
    pilot: Pilot[None]
    runner: Runner
    setup: Setup

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def text(self, name: str) -> str:
        pane = next(s for s in self.app.screen_stack if isinstance(s, HomeScreen)).query_one(
            f"#{name}", LinePane
        )
        return "\n".join("".join(text for text, _ in row) for row in rows_of(pane))

    def drawn(self) -> str:
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips(self.app.size))


@asynccontextmanager
async def home(folder: Path, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Opened]:
    setup = Setup(palettes=plain().palettes, memory=Memory(folder / "screen.json"))
    runner = Runner()
    app = DistillApp(setup, lambda: HomeScreen(setup, folder, runner, ["--home", str(folder)]))
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.3)
        yield Opened(app, pilot, runner, setup)


async def test_an_empty_home_says_what_to_do(tmp_path: Path) -> None:
    async with home(tmp_path / "none") as opened:
        assert "None yet. Press n to start one" in opened.text("home-list")
        assert "The Time Machine" in opened.text("home-list")


async def test_sessions_are_listed_and_shown_in_full(tmp_path: Path) -> None:
    keep(tmp_path, "s1", question="Which clause caps liability?", answer="Section 9.2")
    async with home(tmp_path) as opened:
        assert "★ finished" in opened.text("home-list")
        await opened.press("j")
        assert "Which clause caps liability?" in opened.text("home-details")
        assert "Section 9.2" in opened.text("home-details")


async def test_a_session_with_an_end_is_read_and_left_again(tmp_path: Path) -> None:
    keep(tmp_path, "s1", question="Which clause caps liability?", answer="Section 9.2")
    async with home(tmp_path) as opened:
        await opened.press("j", "enter")
        for _ in range(200):
            if isinstance(opened.app.screen, LiveScreen) and opened.app.screen.model.state.finished:
                break
            await opened.pilot.pause(0.02)
        await opened.pilot.pause(0.2)
        assert "Which clause caps liability?" in opened.drawn()
        assert "Section 9.2" in opened.drawn()
        await opened.press("q")
        assert isinstance(opened.app.screen, HomeScreen)
        assert opened.runner.ran == []


async def test_kept_sessions_are_exported_from_home(tmp_path: Path) -> None:
    keep(tmp_path, "s1", question="Which clause caps liability?", answer="Section 9.2")
    async with home(tmp_path) as opened:
        await opened.press("x")
        assert isinstance(opened.app.screen, ExportScreen)
        await opened.press("q")
        assert isinstance(opened.app.screen, HomeScreen)


async def test_a_session_without_an_end_is_gone_on_with(tmp_path: Path) -> None:
    keep(tmp_path, "s1", question="Which clause?", answer=None)
    async with home(tmp_path) as opened:
        assert "‖ unfinished" in opened.text("home-list")
        await opened.press("j", "enter")
        assert opened.runner.ran == [["resume", "--home", str(tmp_path), "s1"]]


async def test_a_new_session_starts_with_what_was_filled_in_and_is_remembered(tmp_path: Path) -> None:
    document = tmp_path / "report.txt"
    document.write_text("x")
    async with home(tmp_path / "home") as opened:
        await opened.press("n")
        assert isinstance(opened.app.screen, NewSessionScreen)
        opened.app.screen.query_one("#documents", Editor).load(str(document))
        await opened.press("tab", *"Why", "tab", "tab", "tab", "tab", "space", "ctrl+s")
        wanted = ["run", "--home", str(tmp_path / "home"), "--question", "Why", "--approve", "auto"]
        assert opened.runner.ran == [[*wanted, "--", str(document)]]
    assert Memory(tmp_path / "home" / "screen.json").value.new == NewSession(
        documents=str(document), question="Why", policy="auto"
    )


async def test_a_form_with_a_fault_says_so_and_stays(tmp_path: Path) -> None:
    async with home(tmp_path) as opened:
        await opened.press("n", "ctrl+s")
        assert "✗ name a document" in opened.drawn()
        await opened.press("escape")
        assert isinstance(opened.app.screen, HomeScreen)
        assert opened.runner.ran == []


async def test_a_document_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a b.txt").write_text("x")
    monkeypatch.chdir(tmp_path)
    async with home(tmp_path / "home") as opened:
        await opened.press("n", "ctrl+o")
        assert "inner/" in opened.drawn()
        await opened.press("enter")
        assert "a b.txt" in opened.drawn()
        await opened.press("enter")
        assert isinstance(opened.app.screen, NewSessionScreen)
        assert opened.app.screen.values.documents == f"'{tmp_path / 'inner' / 'a b.txt'}'"


async def test_an_example_fills_in_the_form(tmp_path: Path) -> None:
    async with home(tmp_path / "home") as opened:
        await opened.press("j", "enter")
        assert isinstance(opened.app.screen, NewSessionScreen)
        assert "time machine" in opened.app.screen.values.question
        await opened.press("ctrl+s")
        assert opened.runner.ran[0][-1].endswith(".txt")


async def test_what_kept_a_session_from_starting_is_told(tmp_path: Path) -> None:
    keep(tmp_path, "s1", question="Which clause?", answer=None)
    async with home(tmp_path) as opened:
        await opened.press("j", "enter")
        opened.runner.ended("no model answers (start one)")
        await opened.pilot.pause(0.2)
        assert "✗ no model answers (start one)" in opened.drawn()


async def test_hostile_names_are_drawn_harmlessly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path, "s1", question=HOSTILE, answer=HOSTILE)
    place = tmp_path / "documents\x1b]52;c;ZXZpbA==\x07"
    place.mkdir()
    (place / "\x1b[2Jred\u202e.txt").write_text("x")
    monkeypatch.chdir(place)
    async with home(tmp_path, size=(80, 24)) as opened:
        await opened.press("j")
        assert not any(FORBIDDEN.search(line) for line in opened.drawn().splitlines())
        await opened.press("a", "ctrl+o")
        assert not any(FORBIDDEN.search(line) for line in opened.drawn().splitlines())
        await opened.press("j", "enter")
        assert not any(FORBIDDEN.search(line) for line in opened.drawn().splitlines())


def test_the_last_values_outlive_a_program_that_knows_more_fields() -> None:
    assert msgspec.json.decode(b'{"question": "Why", "later": 1}', type=NewSession).question == "Why"


async def test_the_example_sessions_are_taken_in(tmp_path: Path) -> None:
    async with home(tmp_path) as opened:
        await opened.pilot.press("end", "enter")
        await opened.pilot.app.workers.wait_for_complete()
        await opened.pilot.pause()
        assert len(list((tmp_path / "sessions").iterdir())) == 10


async def test_what_was_typed_just_before_the_key_that_starts_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("words\n")
    async with home(tmp_path / "home") as opened:
        await opened.press("n")
        form = opened.app.screen
        assert isinstance(form, NewSessionScreen)
        form.query_one("#documents", Editor).load(str(tmp_path / "report.txt"))
        question = form.query_one("#question", Editor)
        question.focus()
        await opened.pilot.pause()
        for char in "Who?":
            question.post_message(Key(char, char))
        form.action_start()
        await opened.pilot.pause(0.1)
        assert opened.setup.memory.value.new.question == "Who?"
