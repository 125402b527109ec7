"""Opens the live screen over a scripted session, for tests and for looking at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from textual.pilot import Pilot

from distill_core.approval import PolicyName
from tests.fakes.scripted import START, ScriptedSession, ScriptedStep
from tests.fakes.sinks import Kept
from tests.tui.stories import STORIES
from tui.live.model import LiveModel
from tui.live.panes import Panes
from tui.running import LiveApp, wire
from tui.screens.live import LiveScreen
from tui.screens.watching import Watching
from tui.setup import Setup
from tui.widgets.line_pane import LinePane, rows_of

NOW = START + timedelta(seconds=83)
ROUNDS = 1500
"""How often a condition is looked at before a test gives up; each round lets the screen draw."""


class Opened(NamedTuple):
    """A live screen in a test."""

    app: LiveApp
    pilot: Pilot[None]
    session: ScriptedSession
    kept: Kept

    @property
    def screen(self) -> LiveScreen:
        """The live screen, also while a modal is over it."""
        return next(s for s in self.app.screen_stack if isinstance(s, LiveScreen))

    @property
    def model(self) -> LiveModel:
        """What the screen knows."""
        return self.screen.model

    @property
    def rows(self) -> Panes:
        """The rows of the session's four panes."""
        return next(part.rows for part in self.screen.parts if isinstance(part, Watching))

    async def until(self, holds: Callable[[LiveModel], bool]) -> None:
        """Let the screen work until `holds`."""
        for _ in range(ROUNDS):
            if holds(self.model):
                await self.pilot.pause()
                return
            await self.pilot.pause(0.02)
        raise AssertionError("the screen never got there")

    async def press(self, *keys: str) -> None:
        """Press keys and let the screen draw."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def pane(self, name: str) -> LinePane:
        """A pane of the live screen."""
        return self.screen.pane(name)

    def text(self, name: str) -> str:
        """Everything in a pane, as rows."""
        return "\n".join("".join(t for t, _ in row) for row in rows_of(self.pane(name)))


class Stage:
    """A session that plays `steps` and the application over it; `options` go to the session."""

    def __init__(
        self,
        steps: Sequence[ScriptedStep],
        *,
        policy: PolicyName = "ask",
        theme: str = "night",
        setup: Setup | None = None,
        **options: Any,
    ) -> None:
        self.kept = Kept()
        self.sessions: list[ScriptedSession] = []
        self._steps = steps
        self._options = options
        self.wiring = wire(self._make, policy=policy, who="ada", setup=setup, now=lambda: NOW)
        self.app = LiveApp(self.wiring, theme)

    def _make(self, approver: Any, sinks: Any, on_signal: Any) -> ScriptedSession:
        session = ScriptedSession(self._steps, approver, (self.kept, *sinks), on_signal, **self._options)
        self.sessions.append(session)
        return session

    async def opened(self, pilot: Pilot[None]) -> Opened:
        """The screen, once the session is there."""
        for _ in range(ROUNDS):
            if self.sessions:
                break
            await pilot.pause(0.02)
        return Opened(self.app, pilot, self.sessions[0], self.kept)

    def close(self) -> None:
        """End the session and its thread."""
        self.wiring.bridge.close()
        for session in self.sessions:
            session.stop("the test")
        self.wiring.engine.stop("the test")
        self.wiring.engine.join(5)


@asynccontextmanager
async def open_screen(
    steps: Sequence[ScriptedStep], *, size: tuple[int, int] = (120, 40), **options: Any
) -> AsyncIterator[Opened]:
    """The live screen over a session that plays `steps`; `options` are those of `Stage`."""
    stage = Stage(steps, **options)
    try:
        async with stage.app.run_test(size=size) as pilot:
            try:
                yield await stage.opened(pilot)
            finally:
                stage.close()
    finally:
        stage.close()


async def bring(opened: Opened, name: str) -> None:
    """Bring a story of `STORIES` to its point: steps before it are approved by key."""
    holds = STORIES[name][2]
    for _ in range(ROUNDS):
        if holds(opened.model):
            break
        if opened.model.gate == "step":
            await opened.press("a")
        await opened.pilot.pause(0.02)
    else:
        raise AssertionError(f"story {name} never got there")
    await opened.pilot.pause(0.1)


@asynccontextmanager
async def open_story(
    name: str, *, size: tuple[int, int] = (120, 40), theme: str = "night", setup: Setup | None = None
) -> AsyncIterator[Opened]:
    """The live screen at the point of a story."""
    steps, options, _ = STORIES[name]
    async with open_screen(steps, size=size, theme=theme, setup=setup, **options) as opened:
        await bring(opened, name)
        yield opened
