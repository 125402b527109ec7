"""The four panes of a session: timeline, supervisor, output, worker calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from distill_core.approval import StepProposal
from tui.live import workers
from tui.live.model import Changes
from tui.live.panes import Panes, StepEntries
from tui.screens.parts import Pane
from tui.screens.read import ReadScreen
from tui.widgets.line_pane import LinePane

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


class Watching:
    """Shows what happens, and brings a chosen step into view."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self.rows = Panes(screen.model)

    def panes(self) -> Mapping[str, Pane]:
        """The four."""
        rows = self.rows
        return {
            "timeline": Pane(
                LinePane(rows.timeline, entries=StepEntries(rows.timeline)), self.show_step, self._go_to_step
            ),
            "supervisor": Pane(LinePane(rows.supervisor)),
            "output": Pane(LinePane(rows.output)),
            "workers": Pane(LinePane(rows.workers, entries=rows.workers), chosen=self._read_call),
        }

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """None: it only shows."""
        return {}

    def take(self, changes: Changes) -> None:
        """Draw what changed."""
        screen, model = self._screen, self._screen.model
        for name in self.rows.take(changes):
            screen.pane(name).changed()
        if changes.calls or not model.counts.total:
            summary = workers.summary(model.state, model.counts)
            screen.pane("workers").header = (summary, workers.HEADER) if model.counts.total else (summary,)
        if changes.steps and screen.pane("timeline").following:
            screen.pane("timeline").point_at(len(model.state.steps) - 1)
        if changes.gate:
            self._make_room()

    def _make_room(self) -> None:
        """While a step waits, its reply gets the larger part and is read from its start; afterwards it is followed."""
        screen = self._screen
        proposal = screen.model.proposal
        deciding = isinstance(proposal, StepProposal)
        if deciding == screen.has_class("-deciding"):
            return
        screen.set_class(deciding, "-deciding")
        screen.arranging.apply()
        if isinstance(proposal, StepProposal):
            screen.call_after_refresh(self._read_from_start, proposal.proposal_id)
        else:
            screen.call_after_refresh(screen.follow, "supervisor")

    def _read_from_start(self, call_id: str) -> None:
        span, pane = self.rows.supervisor.span(call_id), self._screen.pane("supervisor")
        if span is not None and span[1] > pane.size.height and pane.following:
            pane.show_from(span[0])

    def show_step(self, index: int) -> None:
        """Bring the chosen step into the other panes, or follow again at the last."""
        screen = self._screen
        if index == len(screen.model.state.steps) - 1:
            screen.follow("supervisor", "output", "workers")
            return
        at = self.rows.anchors(index + 1)
        for name, first in zip(("supervisor", "output", "workers"), at, strict=True):
            if first is not None:
                screen.pane(name).show_from(first)

    def _go_to_step(self, index: int) -> None:
        self._screen.activate("supervisor")

    def _read_call(self, index: int) -> None:
        state = self._screen.model.state
        call = state.calls[state.call_order[index]]
        self._screen.app.push_screen(ReadScreen(f"Worker call {call.call_id}", workers.detail_lines(call)))
