"""Sessions started from the home screen: a real engine, a real REPL, an endpoint on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from distill_core import events as ev
from distill_core.approval import AutoApprover
from distill_core.reading import read_session
from distill_core.session import Session
from distill_core.specification import SessionSpec
from tests.fakes.models import Scripted, echo
from tests.fakes.openai_server import Reply, serve
from tui.app import DistillApp
from tui.engine import LiveSession
from tui.memory import Memory, NewSession
from tui.screens.differing import DifferingScreen
from tui.screens.home import HomeScreen
from tui.screens.live import LiveScreen
from tui.screens.read import ReadScreen
from tui.setup import Setup, plain
from tui.stage import AppStage

CODE = "```repl\nFINAL(worker('who?'))\n```"
ROUNDS = 1500


def answer(body: dict[str, object]) -> Reply:
    return Reply(text=CODE if body["model"] == "big" else "Mira Vale")


async def until(pilot: Pilot[None], holds: Callable[[Screen[object]], bool]) -> None:
    for _ in range(ROUNDS):
        if holds(pilot.app.screen):
            await pilot.pause()
            return
        await pilot.pause(0.02)
    raise AssertionError(f"never got there: {pilot.app.screen_stack}")


def at(gate: str | None) -> Callable[[Screen[object]], bool]:
    return lambda screen: isinstance(screen, LiveScreen) and screen.model.gate == gate


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DISTILL_HOME", str(tmp_path / "home"))
    (tmp_path / "doc.txt").write_text("The treasure was found by Mira Vale.\n")
    return tmp_path


def opened(place: Path, base_url: str) -> tuple[DistillApp, AppStage]:
    config = place / "config.toml"
    config.write_text(f'supervisor = "big"\nworker = "small"\nbase_url = "{base_url}"\n')
    memory = Memory(place / "screen.json")
    memory.keep(new=NewSession(documents=str(place / "doc.txt"), question="Who?"))
    setup = Setup(palettes=plain().palettes, memory=memory)
    app = DistillApp(setup, lambda: HomeScreen(setup, place / "home", stage, ["--config", str(config)]))
    stage = AppStage(app)
    return app, stage


async def test_a_session_is_left_and_gone_on_with_and_comes_to_its_answer(place: Path) -> None:
    with serve(answer, key=None, served=("big", "small")) as server:
        app, stage = opened(place, server.base_url)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(0.2)
            await pilot.press("n", "ctrl+s")
            await until(pilot, at("step"))
            await pilot.press("q", "l")
            await until(pilot, lambda screen: isinstance(screen, HomeScreen) and not stage.busy)
            (folder,) = (place / "home" / "sessions").iterdir()
            assert not [e for e in read_session(folder).events if isinstance(e, ev.SessionFinished)]
            await until(pilot, lambda screen: screen._listing.count() == 4)  # type: ignore[attr-defined]
            await pilot.press("home", "j", "enter")
            await until(pilot, at("step"))
            await pilot.press("a")
            await until(pilot, at("final"))
            await pilot.press("a")
            await until(pilot, lambda screen: isinstance(screen, LiveScreen) and not screen.model.live)
            await pilot.press("q")
            await until(pilot, lambda screen: isinstance(screen, HomeScreen) and not stage.busy)
        finished = [e for e in read_session(folder).events if isinstance(e, ev.SessionFinished)]
        assert [(e.status, e.answer.text if e.answer else "") for e in finished] == [
            ("finished", "Mira Vale")
        ]


async def test_a_session_that_cannot_start_is_told(place: Path) -> None:
    app, _ = opened(place, "http://127.0.0.1:9/v1")
    (place / "doc.txt").write_bytes(b"\x00\x01\x02" * 100)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("n", "ctrl+s")
        await until(pilot, lambda screen: isinstance(screen, ReadScreen))


async def test_a_fork_whose_cells_come_out_differently_shows_that_and_asks(place: Path) -> None:
    spec = SessionSpec(
        query="When?",
        context="one",
        session_id="timed",
        log_dir=place / "home" / "sessions" / "timed",
        documents_dir=place / "home" / "documents",
    )
    replies = ("```repl\nimport time\nprint(time.time_ns())\n```", "```repl\nFINAL(1)\n```")
    await Session(spec, supervisor=Scripted(*replies), worker=echo(), approver=AutoApprover()).run()
    with serve(answer, key=None, served=("big", "small")) as server:
        app, stage = opened(place, server.base_url)
        told: list[str] = []
        models = ["--config", str(place / "config.toml"), "--supervisor", "big", "--worker", "small"]
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause(0.2)
            for key in ("escape", "k"):
                stage.run(["fork", "timed", "--instruct", "Who?", *models], told.append)
                await until(pilot, lambda screen: isinstance(screen, DifferingScreen))
                await pilot.press(key)
                await until(pilot, lambda screen: bool(told) or at("step")(screen))
                assert bool(told) == (key == "escape")
                told.clear()
            await pilot.press("q", "x")
            await until(pilot, lambda screen: isinstance(screen, HomeScreen) and not stage.busy)


async def test_a_fault_of_the_program_is_raised_once_the_person_has_left(place: Path) -> None:
    def broken(*_: object) -> LiveSession:
        raise ZeroDivisionError("by nought")

    app, stage = opened(place, "http://127.0.0.1:9/v1")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        shown = asyncio.create_task(asyncio.to_thread(stage.show, broken, policy="auto", who="ada"))
        await until(pilot, lambda screen: isinstance(screen, LiveScreen) and not screen.model.live)
        await pilot.press("q")
        with pytest.raises(ZeroDivisionError):
            await shown


async def test_an_application_that_goes_away_leaves_the_session_to_be_resumed(place: Path) -> None:
    with serve(answer, key=None, served=("big", "small")) as server:
        app, stage = opened(place, server.base_url)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(0.2)
            await pilot.press("n", "ctrl+s")
            await until(pilot, at("step"))
            app.hang_up()
        stage.close()
        assert not stage.busy
        (folder,) = (place / "home" / "sessions").iterdir()
        events = read_session(folder).events
        assert isinstance(events[-1], ev.CellProposed)
