"""Leaving the live screen: at once when the session has ended, else after asking what is to become of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tui.live.model import Changes
from tui.screens.confirm import Choice, ConfirmScreen
from tui.screens.parts import Pane

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


class Leaving:
    """Takes the person away from a session."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen

    def panes(self) -> Mapping[str, Pane]:
        """None."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """Quitting."""
        return {"app.quit": self.leave}

    def take(self, changes: Changes) -> None:
        """Nothing to follow."""

    def leave(self) -> None:
        """Quit, after asking where the session still runs."""
        screen = self._screen
        if screen.leaving or not screen.wiring.engine.alive:
            screen.app.exit()
            return
        if not screen.model.live:
            # Its last event is here, its thread is about to end.
            screen.leaving = True
            return

        def go(choice: str | None) -> None:
            if choice == "stop":
                screen.leave_when_ended()
            elif choice == "drop":
                screen.wiring.engine.cancel()
                screen.leave_when_ended()

        choices = [
            Choice("x", "stop", "stop the session with its best partial result, then quit"),
            Choice("d", "drop", "drop what it is doing and quit at once; its log stays"),
        ]
        screen.app.push_screen(ConfirmScreen("The session is still running.", choices), go)
