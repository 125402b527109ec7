"""Forking a running session from its screen: real engine, real REPL, and each test ends in what was recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from distill_core import events as ev
from distill_core.config import Models, load_settings
from distill_core.models.base import ModelHandler
from distill_core.reading import read_session
from distill_core.specification import SessionSpec
from sessions.verify import verify
from tests.fakes.models import Scripted, echo
from tests.tui.test_real_session import Driven, cell
from tests.tui.test_stepping_in import shown, typed
from tui.cli.planned import Plan, Planned
from tui.running import LiveApp, wire
from tui.screens.differing import DifferingScreen
from tui.screens.fork_here import ForkScreen
from tui.screens.live import LiveScreen

REPLIES = (
    cell("import time\nbox = [time.time_ns()]"),
    cell("box.append(worker('x'))"),
    cell("print(len(box))"),
)


@asynccontextmanager
async def running(
    home: Path, supervisor: ModelHandler, worker: ModelHandler, *, steps: int
) -> AsyncIterator[Driven]:
    """A session of a home on the screen, as the command line starts it, at the gate behind so many steps."""
    models = Models(
        supervisor=supervisor,
        worker=worker,
        prices={},
        prompt_style="full",
        worker_ctx_k=8,
        close=lambda: None,
    )
    effective = load_settings({"home": str(home)}, environ={}, folder=home)
    folder = home / "sessions" / "parent"
    spec = SessionSpec(
        query="How many?",
        context="one two three",
        session_id="parent",
        log_dir=folder,
        documents_dir=home / "documents",
    )
    planned = Planned(effective, models, Plan(spec=spec), config=home / "config.toml")
    wiring = wire(planned.seen, policy="ask", who="ada", fork=planned.fork)
    app = LiveApp(wiring)
    async with app.run_test(size=(120, 40)) as pilot:
        try:
            driven = Driven(app, pilot, folder)
            for step in range(1, steps + 1):
                await driven.until(
                    lambda model, at=step: model.gate == "step" and len(model.state.steps) == at
                )
                if step < steps:
                    await pilot.press("a")
            yield driven
        finally:
            for screen in app.screen_stack:
                if isinstance(screen, LiveScreen):
                    screen.wiring.bridge.close()
                    screen.wiring.engine.stop("the test")
            assert wiring.engine.join(30)
            planned.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an empty configuration."""
    (tmp_path / "config.toml").write_text("")
    return tmp_path


def forks(home: Path) -> list[Path]:
    """The folders of all sessions but the parent."""
    return [folder for folder in (home / "sessions").iterdir() if folder.name != "parent"]


def of(events: Sequence[ev.Event], kind: type[ev.Event]) -> list[ev.Event]:
    """The events of a kind."""
    return [event for event in events if isinstance(event, kind)]


async def left(screen: Driven) -> None:
    """Leave the fork in front, and wait for the session behind it to go on."""
    await screen.pilot.press("q")
    await screen.until(lambda model: not model.paused and model.state.started.session_id == "parent")


async def test_a_fork_with_other_code_goes_on_from_the_live_variables(home: Path) -> None:
    supervisor, worker = Scripted(*REPLIES), echo()
    async with running(home, supervisor, worker, steps=3) as screen:
        await screen.pilot.press("F")
        await shown(screen, ForkScreen)
        await screen.pilot.press(*typed("FINAL(box)"), "enter", "ctrl+s")
        await screen.until(lambda model: model.gate == "final")
        await screen.pilot.press("a")
        await screen.until(lambda model: not model.live)
        await left(screen)
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("e", *typed("FINAL(box)"), "enter", "ctrl+s")
        await screen.until(lambda model: model.gate == "final")
        await screen.pilot.press("a")
        await screen.until(lambda model: not model.live)
    (folder,) = forks(home)
    events = read_session(folder).events
    started, finished = events[0], events[-1]
    assert isinstance(started, ev.SessionStarted)
    assert isinstance(finished, ev.SessionFinished)
    assert started.parent == ev.Parent(session_id="parent", steps=2)
    (rebuilt,) = of(events, ev.StateRebuilt)
    assert (rebuilt.way, rebuilt.cells) == ("checkpoint", 2)
    copied = [event for event in events if event.copied]
    assert {event.step for event in copied if isinstance(event, ev.CellFinished)} == {1, 2}
    assert [e.copied for e in events if isinstance(e, ev.SupervisorCalled | ev.WorkerCallStarted)] == [
        True
    ] * 4
    assert (len(supervisor.sent), worker.prompts) == (3, ["x"]), "no model was called for the copied steps"
    parent = read_session(home / "sessions" / "parent").events
    assert isinstance(parent[-1], ev.SessionFinished)
    assert finished.answer == parent[-1].answer, "the very objects of the parent, on which it left no mark"
    for kept in (folder, home / "sessions" / "parent"):
        assert verify(kept).problems == ()


async def test_a_fork_with_words_and_other_bounds_is_drafted_anew(home: Path) -> None:
    supervisor, worker = Scripted(*REPLIES, cell("FINAL(len(box))"), cell("FINAL(0)")), echo()
    async with running(home, supervisor, worker, steps=3) as screen:
        await screen.pilot.press("F")
        await shown(screen, ForkScreen)
        await screen.pilot.press("shift+tab", "backspace", *"2")
        await screen.pilot.press("tab", "tab", *typed("Count."), "tab", "tab", "tab", *"7", "ctrl+s")
        await screen.until(lambda model: model.gate == "step" and model.state.limits.turns == 7)
        assert screen.model.state.started.parent == ev.Parent(session_id="parent", steps=1)
        await screen.pilot.press("q", "x")
        await screen.until(lambda model: model.state.started.session_id == "parent")
        assert screen.model.gate == "step", "it stands where it stood"
    (folder,) = forks(home)
    events = read_session(folder).events
    (said,) = of(events, ev.InstructionGiven)
    assert (said.step, said.copied) == (2, False)
    assert "Count." in str(supervisor.sent[3])
    assert worker.prompts == ["x"]


async def test_the_parent_is_held_while_its_fork_is_in_front(home: Path) -> None:
    supervisor = Scripted(*REPLIES)
    async with running(home, supervisor, echo(), steps=2) as screen:
        behind = screen.screen
        await screen.pilot.press("F")
        await shown(screen, ForkScreen)
        await screen.pilot.press(*typed("y=1"), "enter", "ctrl+s")
        await screen.until(lambda model: model.gate == "step" and model.state.started.parent is not None)
        assert len(supervisor.sent) == 3, "the fork's third step was drafted, by the same model"
        assert behind.model.paused
        await screen.pilot.press("q", "l")
        await screen.until(lambda model: model.state.started.session_id == "parent" and not model.paused)
    (folder,) = forks(home)
    assert of(read_session(folder).events, ev.SessionFinished) == [], "left as it stood, to be resumed"


async def test_a_fork_that_cannot_be_made_is_told_of(home: Path) -> None:
    async with running(home, Scripted(*REPLIES), echo(), steps=2) as screen:
        await screen.pilot.press("F")
        await shown(screen, ForkScreen)
        await screen.pilot.press(*typed("y=1"), "tab", *typed("Count."), "ctrl+s")
        await screen.pilot.pause()
        assert isinstance(screen.app.screen, ForkScreen), "the form wants two things"
        await screen.pilot.press("escape")
        await screen.pilot.pause()
        assert isinstance(screen.app.screen, LiveScreen)
        told: list[str] = []
        screen.app.notify = lambda words, **_: told.append(words)
        await screen.pilot.press("F")
        await shown(screen, ForkScreen)
        await screen.pilot.press("tab", "tab", "tab", *"playbook", "ctrl+s")
        for _ in range(500):
            if any("playbook cannot be the worker" in words for words in told):
                break
            await screen.pilot.pause(0.02)
        else:
            raise AssertionError(told)
        assert not screen.model.paused
    assert forks(home) == []


async def test_a_fork_whose_cells_come_out_differently_shows_that_and_asks(home: Path) -> None:
    """The session has ended, so its variables are gone and its cells run again; the first prints the time."""
    replies = (cell("import time\nprint(time.time_ns())"), cell("n = worker('x')"), cell("FINAL(n)"))
    supervisor, worker = Scripted(*replies, *[cell("FINAL(n + n)")] * 2), echo()
    async with running(home, supervisor, worker, steps=3) as screen:
        await screen.pilot.press("a")
        await screen.until(lambda model: model.gate == "final")
        await screen.pilot.press("a")
        await screen.until(lambda model: not model.live)

        async def fork_and(key: str) -> None:
            await screen.pilot.press("F")
            await shown(screen, ForkScreen)
            await screen.pilot.press("tab", *typed("Twice."), "ctrl+s")
            await shown(screen, DifferingScreen)
            await screen.shows("#differing-pane", "step 1, cell c1: it prints something else", "--- recorded")
            await screen.pilot.press(key)

        await fork_and("x")
        await screen.until(lambda model: model.state.started.parent is None)
        assert forks(home) == [], "nothing is kept of a fork that was given up"
        await fork_and("k")
        await screen.until(lambda model: model.gate == "step" and model.state.started.parent is not None)
        await screen.pilot.press("q", "x")
        await screen.until(lambda model: model.state.started.parent is None)
        (kept,) = forks(home)
        (rebuilt,) = of(read_session(kept).events, ev.StateRebuilt)
        assert (rebuilt.way, len(rebuilt.diverged)) == ("rerun", 1)
        await fork_and("b")
        await screen.until(lambda model: model.gate == "step" and model.state.started.parent is not None)
        assert screen.model.state.started.parent.steps == 0, (
            "the cell that differs is not copied, but runs anew"
        )
        await screen.pilot.press("q", "x")
        await screen.until(lambda model: model.state.started.parent is None)
    (branched,) = [folder for folder in forks(home) if folder != kept]
    ran = [event.step for event in of(read_session(branched).events, ev.CellFinished) if not event.copied]
    assert ran == [1]
    assert verify(kept).problems == verify(branched).problems == ()
