"""Forking the running session from its screen: the fork is shown in front, the session is held and waits behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from distill_core.errors import DistillError
from distill_core.record import Record, record_of
from tui.branching import Branched, MakeFork, Wish
from tui.live.model import Changes
from tui.screens.fork_here import ForkScreen
from tui.screens.parts import Pane
from tui.text import clean

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen, Wiring


class Branching:
    """Asks how, begins the fork, comes back when it is left."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self._busy = False
        self._held = False
        self._instead: Wish | None = None

    def panes(self) -> Mapping[str, Pane]:
        """None of its own."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """Forking."""
        return {"session.fork": self._ask}

    def take(self, changes: Changes) -> None:
        """Nothing to follow."""

    def _ask(self) -> None:
        screen, make = self._screen, self._screen.wiring.fork
        if make is None or self._busy:
            return
        try:
            record = record_of(screen.wiring.engine.events)
        except DistillError as error:
            screen.say(str(error), warning=True)
            return
        steps = len(record.state.steps)
        at = screen.pane("timeline").cursor
        step = max(1, min(at + 1 if at is not None else steps, steps))

        def go(wish: Wish | None) -> None:
            if wish is not None:
                self._busy = True
                screen.say("The fork is being made.")
                screen.run_worker(self._begin(make, wish, record))

        palette = screen.wiring.palettes[screen.app.theme]
        screen.app.push_screen(ForkScreen(record, step, palette), go)

    async def _begin(self, make: MakeFork, wish: Wish, record: Record) -> None:
        """Make the fork, a model of its own may have to be loaded for it, and show it."""
        from tui.running import wire
        from tui.screens.live import LiveScreen

        screen, engine = self._screen, self._screen.wiring.engine
        session = engine.session
        try:
            branch = session.branch if session is not None else None
            branched = await asyncio.to_thread(make, wish, record, branch)
        except DistillError as error:
            screen.app.notify(clean(str(error)), markup=False, severity="warning", timeout=15)
            self._release()
            self._busy = False
            return
        shown: list[LiveScreen] = []

        def instead(step: int | None) -> None:
            if step is not None:
                self._instead = Wish(step=step, settings=wish.settings, at="decision")
            shown[0].leave()

        wiring = wire(
            branched.make,
            policy=screen.wiring.policy.policy,
            who=screen.wiring.who,
            setup=screen.wiring.setup,
            now=screen.wiring.now,
            fork=branched.fork,
            beside=engine,
            instead=instead,
        )
        self._hold()
        shown.append(LiveScreen(wiring))
        screen.app.push_screen(shown[0], lambda _: self._left(wiring, branched, make, record))
        wiring.engine.start()

    def _left(self, wiring: Wiring, branched: Branched, make: MakeFork, record: Record) -> None:
        self._screen.run_worker(self._come_back(wiring, branched, make, record))

    async def _come_back(self, wiring: Wiring, branched: Branched, make: MakeFork, record: Record) -> None:
        """Let go of the fork that was left; begin the one that is wanted in its place, or let the session go on."""
        from tui.running import end

        screen, folder = self._screen, wiring.engine.folder
        wiring.bridge.close()
        await asyncio.to_thread(end, wiring.engine)
        await asyncio.to_thread(branched.close)
        if folder is not None:
            screen.say(f"Back in the session that was forked; the fork is kept as {folder.name}.")
        wish, self._instead = self._instead, None
        if wish is not None:
            screen.say(f"Branching off at step {wish.step}; its code runs anew.")
            await self._begin(make, wish, record)
            return
        if folder is None:
            screen.say("No fork was made.")
        self._release()
        self._busy = False

    def _hold(self) -> None:
        """Hold the session at its next boundary, unless the person does already."""
        screen = self._screen
        if not self._held and screen.model.live and not screen.model.paused:
            self._held = True
            screen.model.paused = True
            screen.wiring.engine.pause()

    def _release(self) -> None:
        screen = self._screen
        if self._held:
            self._held = False
            screen.model.paused = False
            screen.wiring.engine.resume()
            screen.redraw(everything=True)
