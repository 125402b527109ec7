"""The engine's thread and the screen: errors are shown and kept, quitting asks, nothing hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from distill_core import events as ev
from distill_core.approval import Approver, AutoApprover
from distill_core.errors import DistillError, ModelError
from distill_core.recorder import Sink
from distill_core.signals import OnSignal
from distill_core.specification import RunResult
from tests.fakes.scripted import ScriptedSession, ScriptedStep
from tests.tui.harness import open_screen, open_story
from tests.tui.stories import FIRST
from tui.bridge import Bridge
from tui.engine import Engine
from tui.lines import plain
from tui.running import LiveApp, wire
from tui.screens.live import LiveScreen
from tui.widgets.line_pane import LinePane, rows_of


async def test_an_error_raised_on_purpose_is_one_line_and_what_can_be_done_next() -> None:
    dead = ModelError(
        "A at 127.0.0.1:9 failed", found="connection refused", remedy="check that the server runs"
    )
    async with open_screen([FIRST], policy="auto", raises=dead) as opened:
        await opened.until(lambda model: model.ended is not None)
        told = " ".join(opened.text("decision").split())
        assert "✗ failed · A at 127.0.0.1:9 failed: connection refused (check that the server runs)" in told
        assert "q leaves" in told
        assert "Traceback" not in told
        assert ".py" not in told
        await opened.press("T")
        assert len(opened.app.screen_stack) == 2, "there is no traceback to read"


async def test_a_fault_of_the_program_is_shown_with_where_it_came_from() -> None:
    async with open_screen([FIRST], policy="auto", raises=RuntimeError("the tape tore")) as opened:
        await opened.until(lambda model: model.ended is not None)
        assert "✗ failed · RuntimeError: the tape tore" in opened.text("decision")
        assert "scripted.py, line " in opened.text("decision")
        assert "Traceback" not in opened.text("decision"), "it is folded"
        await opened.press("T")
        assert "Traceback" in "\n".join(
            plain(line) for line in rows_of(opened.app.screen.query_one(LinePane))
        )
        await opened.press("escape")
        assert opened.app.is_running
        await opened.press("2", "home", "3", "end", "?", "escape")
        assert opened.app.is_running


async def test_a_failed_supervisor_call_is_shown() -> None:
    async with open_screen([ScriptedStep(reply="", fails="the supervisor answered 500")]) as opened:
        await opened.until(lambda model: model.gate == "failure")
        await opened.press("x", "x")
        await opened.until(lambda model: model.ended is not None)
        assert "✗ the call failed: the supervisor answered 500" in opened.text("supervisor")
        assert "failed" in opened.text("timeline")


async def test_a_session_that_cannot_be_made_is_shown() -> None:
    def make(approver: Approver, sinks: Sequence[Sink], on_signal: OnSignal) -> ScriptedSession:
        raise DistillError("cannot read report.pdf", remedy="check the path")

    app = LiveApp(wire(make, policy="ask", who="ada"))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, LiveScreen)
        while screen.model.ended is None:
            await pilot.pause(0.02)
        assert screen.model.ended.error == "cannot read report.pdf (check the path)"
        await pilot.press("q")
    assert isinstance(app.wiring.engine.error, DistillError)


async def test_quitting_asks_while_the_session_runs() -> None:
    async with open_story("running") as opened:
        await opened.press("q")
        assert len(opened.app.screen_stack) == 3
        await opened.press("escape")
        assert len(opened.app.screen_stack) == 2
        assert opened.session.stopped_by is None


async def test_quitting_stops_the_session_and_waits_for_its_end() -> None:
    async with open_story("running") as opened:
        await opened.press("q", "x")
        while opened.app.is_running and opened.screen.wiring.engine.alive:
            await opened.pilot.pause(0.02)
        assert opened.kept.of(ev.SessionFinished)[0].status == "stopped"
        assert opened.session.stopped_by == "ada"


async def test_quitting_after_the_end_does_not_ask() -> None:
    async with open_screen([], policy="auto") as opened:
        await opened.until(lambda model: model.ended is not None)
        opened.screen.wiring.engine.join(10)
        await opened.press("q")
        assert len(opened.app.screen_stack) <= 2


def test_what_is_asked_before_the_session_is_made_is_not_lost() -> None:
    bridge = Bridge()
    made: list[ScriptedSession] = []

    def make(approver: Approver, sinks: Sequence[Sink], on_signal: OnSignal) -> ScriptedSession:
        made.append(ScriptedSession([FIRST], approver, sinks, on_signal))
        return made[0]

    engine = Engine(make, AutoApprover(), bridge)
    engine.pause()
    engine.start()
    assert engine.join(30)
    assert made[0].paused
    assert engine.result is not None


def test_a_dropped_session_ends() -> None:
    class Endless:
        async def run(self) -> RunResult:
            started.set()
            await asyncio.sleep(3600)
            raise AssertionError

        def interrupt(self, by: str) -> None: ...
        def stop(self, by: str) -> None: ...

        worker_slots = None
        again = None

        def leave(self) -> None: ...
        def pause(self) -> None: ...
        def resume(self) -> None: ...

    import threading

    started = threading.Event()
    engine = Engine(lambda *_: Endless(), AutoApprover(), Bridge())
    engine.start()
    assert started.wait(30)
    engine.cancel()
    assert engine.join(30)
    assert engine.result is None
