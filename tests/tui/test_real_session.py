"""The screen over a real session: real engine, real REPL, models that say what the test tells them to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from textual.pilot import Pilot

from distill_core import events as ev
from distill_core.models.base import ModelHandler
from distill_core.reading import read_session
from distill_core.session import Session
from distill_core.specification import SessionSpec
from tests.fakes.models import Answering, Scripted
from tui.lines import Line
from tui.live.model import LiveModel
from tui.running import LiveApp, wire
from tui.screens.live import LiveScreen
from tui.widgets.line_pane import LinePane, rows_of

E = TypeVar("E", bound=ev.Stamped)
ROUNDS = 1500


def cell(code: str) -> str:
    return f"I run this.\n\n```repl\n{code}\n```"


class Driven:
    """The screen over a session kept in `folder`."""

    def __init__(self, app: LiveApp, pilot: Pilot[None], folder: Path) -> None:
        self.app = app
        self.pilot = pilot
        self.folder = folder

    @property
    def model(self) -> LiveModel:
        """What the screen knows."""
        return self.screen.model

    @property
    def screen(self) -> LiveScreen:
        """The live screen, also while a modal is over it; of several the one in front."""
        return next(s for s in reversed(self.app.screen_stack) if isinstance(s, LiveScreen))

    async def until(self, holds: Callable[[LiveModel], bool]) -> None:
        """Let it work until `holds`."""
        for _ in range(ROUNDS):
            if holds(self.model):
                await self.pilot.pause()
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"the screen never got there: {self.model.ended}, {self.model.phase}")

    def told(self, pane: str) -> Sequence[Line]:
        """The rows of a pane."""
        return rows_of(self.screen.pane(pane))

    async def shows(self, selector: str, *words: str) -> None:
        """Wait until the pane in front says all of `words`."""
        text = ""
        for _ in range(ROUNDS):
            text = "\n".join(
                "".join(t for t, _ in row) for row in rows_of(self.app.screen.query_one(selector, LinePane))
            )
            if all(word in text for word in words):
                return
            await self.pilot.pause(0.02)
        raise AssertionError(text)

    def on_engine(self, act: Callable[[], object]) -> None:
        """Do something on the engine's loop."""
        loop = self.app.wiring.engine._loop
        assert loop is not None
        loop.call_soon_threadsafe(act)

    def logged(self, kind: type[E]) -> list[E]:
        """The events of a kind in the log."""
        return [event for event in read_session(self.folder).events if isinstance(event, kind)]


@asynccontextmanager
async def driven(
    folder: Path, supervisor: ModelHandler, *, worker: ModelHandler | None = None, **options: Any
) -> AsyncIterator[Driven]:
    """A session on a screen, ended when the test is."""
    spec = SessionSpec(query="How many?", context="one two three", log_dir=folder, **options)
    asked = worker or Answering(lambda prompt: prompt.upper())
    wiring = wire(
        lambda approver, sinks, on_signal: Session(
            spec, supervisor=supervisor, worker=asked, approver=approver, sinks=sinks, on_signal=on_signal
        ),
        policy="ask",
        who="ada",
    )
    app = LiveApp(wiring)
    async with app.run_test(size=(120, 40)) as pilot:
        try:
            yield Driven(app, pilot, folder)
        finally:
            wiring.bridge.close()
            wiring.engine.stop("the test")
            assert wiring.engine.join(30)


async def test_from_the_first_key_to_the_accepted_answer(tmp_path: Path) -> None:
    supervisor = Scripted(
        cell("parts = context.split()\nprint(worker_batch(parts))"),
        cell("FINAL(len(parts))"),
    )
    async with driven(tmp_path / "s", supervisor) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("a")
        await screen.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)
        assert screen.model.counts.done == 3
        await screen.pilot.press("a")
        await screen.until(lambda model: model.gate == "final")
        await screen.pilot.press("a")
        await screen.until(lambda model: not model.live)
        finished = screen.logged(ev.SessionFinished)[0]
        assert (finished.status, finished.answer.value if finished.answer else None) == ("finished", 3)
        assert [(d.action, d.by) for d in screen.logged(ev.DecisionMade)] == [
            ("approve", "ada"),
            ("approve", "ada"),
            ("accept", "ada"),
        ]
        assert screen.model.state.seq == finished.seq


async def test_edited_code_is_what_runs(tmp_path: Path) -> None:
    async with driven(tmp_path / "s", Scripted(cell("print('as proposed')"))) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("e", *["delete"] * 21, "F", "I", "N", "A", "L", "(", "7", ")", "ctrl+s")
        await screen.until(lambda model: model.gate == "final")
        assert screen.logged(ev.CellStarted)[0].code == "FINAL(7)"
        made = screen.logged(ev.DecisionMade)[0]
        assert (made.before, made.after) == (("print('as proposed')",), ("FINAL(7)",))


async def test_guidance_reaches_the_supervisor(tmp_path: Path) -> None:
    supervisor = Scripted(cell("print(1)"), cell("print(2)"))
    async with driven(tmp_path / "s", supervisor) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("r", *"use", "space", *"regex", "enter")
        await screen.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)
        assert "use regex" in str(supervisor.sent[1][-1]["content"])
        assert screen.logged(ev.CellStarted) == []


async def test_a_cell_without_end_is_interrupted(tmp_path: Path) -> None:
    supervisor = Scripted(cell("print('begun', flush=True)\nwhile True: pass"), cell("print(2)"))
    async with driven(tmp_path / "s", supervisor) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("a")
        await screen.until(lambda model: any(len(c.output) for c in model.state.cells.values()))
        await screen.pilot.press("ctrl+c")
        await screen.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)
        assert screen.logged(ev.CellFinished)[0].status == "interrupted"
        assert [event.by for event in screen.logged(ev.CellInterrupted)] == ["ada"]


async def test_a_bound_is_raised_and_the_session_goes_on(tmp_path: Path) -> None:
    supervisor = Scripted(cell("print(worker_batch(['a', 'b', 'c']))"))
    async with driven(tmp_path / "s", supervisor, limits=ev.Limits(worker_calls=2)) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("a")
        await screen.until(lambda model: model.gate == "budget")
        await screen.pilot.press("a", "enter")
        await screen.until(lambda model: model.counts.done == 3)
        assert screen.logged(ev.BudgetChanged)[0].after.worker_calls == 4


async def test_stopping_keeps_what_there_is(tmp_path: Path) -> None:
    async with driven(tmp_path / "s", Scripted(cell("print('found 12')"), cell("print(2)"))) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("a")
        await screen.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)
        await screen.pilot.press("x", "x")
        await screen.until(lambda model: not model.live)
        finished = screen.logged(ev.SessionFinished)[0]
        assert (finished.status, finished.partial) == ("stopped", True)
        assert finished.answer is not None
        assert finished.answer.text == "found 12"


async def test_a_policy_switched_on_the_screen_is_recorded(tmp_path: Path) -> None:
    supervisor = Scripted(cell("print(1)"), cell("FINAL(2)"))
    async with driven(tmp_path / "s", supervisor) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("p", "4", "a")
        await screen.until(lambda model: not model.live)
        assert [(event.policy, event.by) for event in screen.logged(ev.PolicyChanged)] == [("auto", "ada")]
        assert screen.logged(ev.DecisionMade)[-1].by == "policy:auto"


async def test_pausing_holds_the_next_step(tmp_path: Path) -> None:
    supervisor = Scripted(cell("print(1)"), cell("print(2)"))
    async with driven(tmp_path / "s", supervisor) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("space", "a")
        await screen.until(
            lambda model: any(c.phase == "done" or model.paused for c in model.state.cells.values())
        )
        await screen.pilot.pause(0.3)
        assert len(screen.model.state.steps) == 1
        await screen.pilot.press("space")
        await screen.until(lambda model: len(model.state.steps) == 2)


async def test_a_supervisor_that_fails_is_told_on_the_screen(tmp_path: Path) -> None:
    async with driven(tmp_path / "s", Scripted(RuntimeError("no route to host"))) as screen:
        await screen.until(lambda model: model.gate == "failure")
        assert "no route" in str(screen.told("supervisor"))
        await screen.pilot.press("x", "x")
        await screen.until(lambda model: model.ended is not None)
        assert screen.app.is_running
