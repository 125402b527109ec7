"""Calling the person: to a decision, by bell or desktop notification if asked for, and to what happens off screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from distill_core.plurals import count
from tui.live import words
from tui.live.model import Changes
from tui.screens.parts import Pane

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen

NOTICE = "\x1b]9;distill-tui: a decision waits\x07"
"""OSC 9, the terminal's desktop notification; terminals that have none ignore it. It holds no word of the session."""

BAD = frozenset({"error", "timeout", "killed"})


class Alerting:
    """Says what the person would not see."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self._failed = 0
        self._told: set[str] = set()

    def panes(self) -> Mapping[str, Pane]:
        """None."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """None."""
        return {}

    def take(self, changes: Changes) -> None:
        """Call where something happened that wants to be known."""
        if self._screen.wiring.playback is not None:
            return
        if changes.gate and self._screen.model.gate is not None:
            self._call()
        self._cells(changes.cells)
        if changes.calls:
            self._calls()

    def _call(self) -> None:
        screen = self._screen
        alert = screen.wiring.setup.alert
        if alert in ("bell", "both"):
            screen.app.bell()
        if alert in ("desktop", "both") and screen.app._driver is not None:
            screen.app._driver.write(NOTICE)
        if screen.app.screen is not screen:
            screen.say("A decision waits.")

    def _cells(self, cell_ids: set[str]) -> None:
        """Cells that ended badly where nobody sees their output, and nobody is asked what to do about it."""
        if self._screen.wiring.policy.policy != "auto":
            return
        state = self._screen.model.state
        for cell_id in cell_ids - self._told:
            cell = state.cells.get(cell_id)
            if cell is not None and cell.status in BAD:
                self._told.add(cell_id)
                if not self._seen("output"):
                    self._screen.say(f"{cell_id}: {words.CELL[cell.status].text}", warning=True)

    def _calls(self) -> None:
        """Worker calls that failed where nobody sees them, said once for all that failed together."""
        before, self._failed = self._failed, self._screen.model.counts.failed
        failed = self._failed
        if failed > before and not self._seen("workers"):
            self._screen.say(f"{count(failed - before, 'worker call')} failed", warning=True)

    def _seen(self, pane: str) -> bool:
        return self._screen.app.screen is self._screen and self._screen.pane(pane).is_on_screen
