"""The Textual application around the screens."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from textual.app import App, SystemCommand
from textual.events import Event, Key
from textual.screen import Screen
from textual.theme import Theme

from tui.actions import ACTIONS, Action
from tui.collecting import Collecting
from tui.setup import Setup
from tui.text import clean
from tui.theme import DEFAULT, textual_theme, variables

if TYPE_CHECKING:
    from tui.engine import Engine


@runtime_checkable
class Offering(Protocol):
    """A screen whose actions stand in the command palette."""

    @property
    def offered(self) -> Sequence[Action]:
        """The actions that apply now."""
        ...

    def action_act(self, action_id: str) -> None:
        """Do one of them."""
        ...


@runtime_checkable
class Running(Protocol):
    """A screen that a session runs on."""

    @property
    def engine(self) -> Engine:
        """Runs it."""
        ...

    def action_act(self, action_id: str) -> None:
        """Do an action of the registry."""
        ...


class DistillApp(App[tuple[str, ...]]):
    """The program on a terminal. `run` gives the fork that the person asked for when they left, if they did.

    Args:
        setup: what a person's settings make of the screens.
        first: makes the screen to begin with; leaving that ends the program.
    """

    TITLE = "distill-tui"
    # The screens have an action for it, whose key can be bound anew.
    ENABLE_COMMAND_PALETTE = False
    # Keys stand at the bottom of every screen; a notice must not hide them.
    CSS = """
    ToastRack {
        dock: top;
        align: right top;
        margin: 2 0 0 0;
    }
    Toast {
        padding: 0 1;
    }
    """

    def __init__(self, setup: Setup, first: Callable[[], Screen[Any]]) -> None:
        self._palettes = setup.palettes
        self._own_themes: dict[str, Theme] = {}
        super().__init__()
        self.setup = setup
        self._first = first
        self.pressed = 0.0
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

    async def on_event(self, event: Event) -> None:
        """Note when a key was pressed last (`pressed`, monotonic); a screen with much to draw looks at it."""
        if isinstance(event, Key):
            self.pressed = time.monotonic()
        await super().on_event(event)

    def on_unmount(self) -> None:
        """Collect garbage as before."""
        self._collecting.end()

    def _signalled(self) -> None:
        """Hang up, and be gone soon: taking the screen down writes to a terminal that may take nothing any more."""
        engines = [screen.engine for screen in self.screen_stack if isinstance(screen, Running)]
        threading.Thread(target=_be_gone, args=(engines,), name="hanging up", daemon=True).start()
        self.hang_up()

    def hang_up(self) -> None:
        """The terminal is gone, or the system wants the program gone: leave at once, sessions as they stand."""
        for screen in self.screen_stack:
            if isinstance(screen, Running):
                screen.engine.leave()
        self.exit(return_code=HUNG_UP)

    async def action_quit(self) -> None:
        """Quit as the screen does, which may ask first; a fork is in front of its parent."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Running):
                screen.action_act("app.quit")
                return
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette: the actions of the registry that apply now, and the themes."""
        if isinstance(screen, Offering):
            for action in screen.offered:
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

GRACE = 10.0
"""Seconds that a session gets to let go once its screen is gone."""

FAREWELL = 2.0
"""Seconds that the application gets to take its screen down when it hangs up."""

HUNG_UP = 129
"""Exit status of a program whose terminal went away, as of one that the signal kills."""
