"""Looking into the REPL from the live screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tui.live.model import Changes
from tui.screens.parts import Pane
from tui.screens.probe import ProbeScreen

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


class Probing:
    """Opens a probe over the screen."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen

    def panes(self) -> Mapping[str, Pane]:
        """None."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """One."""
        return {"repl.probe": self._probe}

    def take(self, changes: Changes) -> None:
        """Nothing to follow."""

    def _probe(self) -> None:
        screen = self._screen
        session = screen.wiring.engine.session
        if session is None:
            screen.say("The session has not begun yet.")
            return
        palette = screen.wiring.palettes[screen.app.theme]
        screen.app.push_screen(ProbeScreen(session.probe, palette))
