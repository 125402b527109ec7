"""The Textual application around the screens, and `run_live`, by which the command line opens a session on one."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen
from textual.theme import Theme

from distill_core.approval import PersonApprover, PolicyApprover, PolicyName
from distill_core.recorder import utc_now
from distill_core.session import RunResult
from tui.actions import ACTIONS, Situation
from tui.bridge import Bridge
from tui.collecting import Collecting
from tui.engine import Engine, MakeSession
from tui.live.playback import Fork
from tui.screens.home import HomeScreen
from tui.screens.live import LiveScreen, Wiring
from tui.setup import Setup, plain
from tui.text import clean
from tui.theme import DEFAULT, textual_theme, variables


class DistillApp(App[Fork]):
    """The program on a terminal. `run` gives the fork that the person asked for when they left, if they did.

    Args:
        setup: what a person's settings make of the screens.
        first: makes the screen to begin with; leaving that ends the program.
    """

    TITLE = "distill-tui"
    # The screens have an action for it, whose key can be bound anew.
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, setup: Setup, first: Callable[[], Screen[Any]]) -> None:
        self._palettes = setup.palettes
        self._own_themes: dict[str, Theme] = {}
        super().__init__()
        self.setup = setup
        self._first = first
        self._collecting = Collecting()
        # Textual asks for the themes whenever it looks up a style, so they are put together once.
        self._own_themes = {name: textual_theme(palette) for name, palette in setup.palettes.items()}
        for own in self._own_themes.values():
            self.register_theme(own)
        self.theme = setup.theme
        if setup.registry.actions != ACTIONS:
            self.set_keymap(setup.registry.keymap())

    @property
    def available_themes(self) -> dict[str, Theme]:
        """The palettes; Textual's own themes lack the colours that the screens use."""
        return self._own_themes or super().available_themes

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours for the time before a palette is chosen."""
        return variables(self._palettes[DEFAULT])

    def on_mount(self) -> None:
        """Open the first screen, say what was wrong with the settings."""
        _on_signals(self._signalled)
        self._collecting.begin()
        self.set_interval(COLLECTING_SECONDS, self._collecting.look)
        self.push_screen(self._first(), self.exit)
        for notice in self.setup.notices:
            self.notify(clean(notice), markup=False, severity="warning", timeout=10)

    def on_unmount(self) -> None:
        """Collect garbage as before."""
        self._collecting.end()

    def _signalled(self) -> None:
        """Hang up, and be gone soon: taking the screen down writes to a terminal that may take nothing any more."""
        engines = [screen.wiring.engine for screen in self.screen_stack if isinstance(screen, LiveScreen)]
        threading.Thread(target=_be_gone, args=(engines,), name="hanging up", daemon=True).start()
        self.hang_up()

    def hang_up(self) -> None:
        """The terminal is gone, or the system wants the program gone: leave at once, sessions as they stand."""
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen):
                screen.wiring.engine.leave()
        self.exit(return_code=HUNG_UP)

    async def action_quit(self) -> None:
        """Quit as the screen does, which may ask first."""
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen):
                screen.action_act("app.quit")
                return
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette: the actions of the registry that apply now, and the themes."""
        if isinstance(screen, LiveScreen):
            for action in screen.registry.applying(screen.situation):
                yield SystemCommand(action.label, action.help, partial(screen.action_act, action.id))
        elif isinstance(screen, HomeScreen):
            for action in self.setup.registry.applying(Situation(), "home"):
                yield SystemCommand(action.label, action.help, partial(screen.action_act, action.id))
        for name, palette in sorted(self._palettes.items()):
            yield SystemCommand(f"Theme: {name}", palette.title, partial(self.choose_theme, name))

    def choose_theme(self, name: str) -> None:
        """Draw in another theme from now on, also the next time."""
        self.theme = name
        self.setup.memory.keep(theme=name)


def _on_signals(act: Callable[[], None]) -> None:
    """Have `act` called when the terminal goes away or the program is asked to end, where the platform says so."""
    if threading.current_thread() is threading.main_thread() and sys.platform != "win32":
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            loop.add_signal_handler(number, act)


def _be_gone(engines: Sequence[Engine]) -> None:
    """End the process once the sessions have let go, if it has not ended by itself a moment later."""
    for engine in engines:
        engine.join(GRACE)
    time.sleep(FAREWELL)
    os._exit(HUNG_UP)


COLLECTING_SECONDS = 2.0
"""How often it is asked whether now is a moment to look for garbage."""

FAREWELL = 2.0
"""Seconds that the application gets to take its screen down when it hangs up."""

HUNG_UP = 129
"""Exit status of a program whose terminal went away, as of one that the signal kills."""


class LiveApp(DistillApp):
    """One session on a screen.

    Args:
        wiring: what the screen is connected to.
        theme: name of the palette to begin with; default: the setup's.
    """

    def __init__(self, wiring: Wiring, theme: str | None = None) -> None:
        self.wiring = wiring
        super().__init__(wiring.setup, lambda: LiveScreen(wiring))
        if theme is not None:
            self.theme = theme

    def on_mount(self) -> None:
        """Let the engine go; Textual has called the base's handler by itself."""
        self.wiring.engine.start()


def wire(
    make_session: MakeSession,
    *,
    policy: PolicyName,
    who: str,
    setup: Setup | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Wiring:
    """Connect a session that is still to be made with a screen that is still to be opened."""
    bridge = Bridge()
    person = PersonApprover(who, bridge.show)
    approver = PolicyApprover(policy, person)
    return Wiring(
        engine=Engine(make_session, approver, bridge),
        bridge=bridge,
        person=person,
        policy=approver,
        who=who,
        setup=setup or plain(),
        now=now,
    )


def run_live(
    make_session: MakeSession, *, policy: PolicyName = "ask", who: str, setup: Setup | None = None
) -> RunResult | None:
    """Run a session on the live screen until the person leaves it. Blocks.

    Args:
        make_session: makes the session from an approver, sinks and a receiver of signals; called on the engine's
            thread, once the screen is open.
        policy: who approves at the start.
        who: the person's name, for the record.
        setup: what the person's settings make of the screens; default: nothing.

    Returns:
        The result; None where the person dropped the session.

    Raises:
        DistillError: what the engine ended with; the person has seen it.
    """
    wiring = wire(make_session, policy=policy, who=who, setup=setup)
    try:
        LiveApp(wiring).run()
    finally:
        wiring.bridge.close()
        end(wiring.engine)
    if wiring.engine.error is not None:
        raise wiring.engine.error
    return wiring.engine.result


GRACE = 10.0
"""Seconds that a session gets to let go once its screen is gone."""


def end(engine: Engine) -> None:
    """Let go of a session that its screen has left.

    A person who leaves has decided what becomes of it. Where the screen went away by itself, the session is dropped
    where it stands: its log has no end, so it can be resumed.
    """
    if engine.alive:
        engine.leave()
        engine.join(GRACE)
