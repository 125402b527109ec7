"""The pane of what waits for a decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tui.lines import Line, wrap
from tui.live import decision
from tui.live.model import Changes
from tui.screens.parts import Pane
from tui.transcript import Transcript
from tui.widgets.line_pane import LinePane

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


def wrap_decision(line: Line, width: int) -> list[Line]:
    """Prose to its full width; what stands under a cell's name goes on under it."""
    under = bool(line) and line[0][0].startswith("   ")
    return wrap(line, width, words=True, indent=3 if under else 0)


class Proposing:
    """Says what waits, in as many rows as it takes, within bounds."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self._rows = Transcript(wrap_decision)

    def panes(self) -> Mapping[str, Pane]:
        """One."""
        return {"decision": Pane(LinePane(self._rows, following=False))}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """None: it only shows."""
        return {}

    def take(self, changes: Changes) -> None:
        """Draw it."""
        screen = self._screen
        past = screen.wiring.playback
        lines = (
            decision.lines(screen.model, forks=screen.situation.forks)
            if past is None
            else past.happened(screen.model)
        )
        self._rows.set("all", lines)
        pane = screen.pane("decision")
        pane.set_class(screen.model.gate is not None, "-waiting")
        rows = self._rows.height(pane.scrollable_content_region.width or screen.size.width - 4)
        pane.styles.height = max(3, min(rows + 2, self._most()))
        pane.changed()
        if changes.gate:
            pane.show_from(0)
            pane.following = False

    def _most(self) -> int:
        """Rows that it may take: an answer is read, a step is read above."""
        screen = self._screen
        quarters = 2 if screen.model.gate == "final" or not screen.model.live else 1
        return max(5, screen.size.height * quarters // 4)
