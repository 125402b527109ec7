"""Leaving the live screen: at once when the session has ended, else after asking what is to become of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tui.live.model import Changes
from tui.screens.confirm import Choice, ConfirmScreen
from tui.screens.parts import Pane

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


CHOICES = (
    Choice("x", "stop", "end the session with its best partial result"),
    Choice("l", "leave", "leave it as it stands; distill-tui resume goes on from there"),
)


class Leaving:
    """Takes the person away from a session."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen

    def panes(self) -> Mapping[str, Pane]:
        """None."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """Quitting."""
        return {"app.quit": self.leave, "app.break": self._break}

    def take(self, changes: Changes) -> None:
        """Nothing to follow."""

    def _break(self) -> None:
        """What ctrl+c means where no cell runs."""
        if self._screen.get_selected_text():
            self._screen.action_act("text.copy")
        else:
            self.leave()

    def leave(self) -> None:
        """Quit, after asking where the session still runs."""
        screen = self._screen
        engine, who = screen.wiring.engine, screen.wiring.who
        screen.take_in()  # it may have ended a moment ago
        if not engine.alive:
            screen.leave()
            return
        if screen.leaving:
            # Asked again while it ends: the person will not wait.
            engine.cancel()
            return
        if not screen.model.live:
            # Its last event is here, its thread is about to end.
            screen.leave_when_ended()
            return

        def go(choice: str | None) -> None:
            if choice == "stop":
                engine.stop(who)
            elif choice == "leave":
                engine.leave()
            if choice is not None:
                screen.leave_when_ended()

        screen.app.push_screen(ConfirmScreen("The session is still running.", CHOICES), go)
