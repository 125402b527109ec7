"""The four panes of a session: timeline, supervisor, output, worker calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from distill_core.approval import StepProposal
from tui.lines import Line
from tui.live import workers
from tui.live.calls import FILTERS, ORDERS, Filter, Order, after
from tui.live.layout import BY_NAME
from tui.live.model import Changes
from tui.live.panes import Panes, StepEntries
from tui.screens.parts import Pane
from tui.widgets.line_pane import LinePane

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


CATCHING_UP_SECONDS = 0.008
"""So long each pane of a long session lays out rows between two drawings, so that keys are answered meanwhile."""


class Watching:
    """Shows what happens, and brings a chosen step into view."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self.rows = Panes(screen.model)
        self.rows.workers.now = self._now
        self._second = 0
        self._looking_again = False

    def panes(self) -> Mapping[str, Pane]:
        """The four."""
        rows = self.rows
        calls = LinePane(rows.workers, entries=rows.workers)
        calls.heading = self._heading
        return {
            "timeline": Pane(
                LinePane(rows.timeline, entries=StepEntries(rows.timeline)), self.show_step, self._go_to_step
            ),
            "supervisor": Pane(LinePane(rows.supervisor)),
            "output": Pane(LinePane(rows.output)),
            "workers": Pane(calls, chosen=lambda _: self._screen.action_act("call.read")),
        }

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """Which worker calls are listed, and how."""
        return {
            "workers.filter": self._next_filter,
            "workers.order": self._next_order,
        }

    def take(self, changes: Changes) -> None:
        """Draw what changed."""
        screen, model = self._screen, self._screen.model
        for name in self.rows.take(changes):
            screen.pane(name).changed()
        if changes.calls:
            self._keep_up()
        if changes.steps and screen.pane("timeline").following:
            screen.pane("timeline").point_at(len(model.state.steps) - 1)
        if changes.gate:
            self._make_room()

    def _now(self) -> datetime:
        wiring = self._screen.wiring
        return wiring.now() if wiring.playback is None else wiring.playback.now

    def tick(self) -> None:
        """Ask the engine what no event tells: who is not answered; how long calls take, every second."""
        model, second = self._screen.model, int(self._now().timestamp())
        model.again = self._screen.wiring.engine.again
        slots = self._screen.wiring.engine.worker_slots
        if slots != model.slots or (second != self._second and model.counts.running):
            model.slots = slots
            self._screen.pane("workers").changed()
        if second != self._second and self.rows.draw_silent():
            self._screen.pane("supervisor").changed()
        self._second = second

    def catch_up(self) -> None:
        """Lay out more of what waits in the panes that are seen."""
        for name, rows in self.rows.slow.items():
            pane = self._screen.pane(name)
            if rows.behind and pane.is_on_screen:
                rows.catch_up(CATCHING_UP_SECONDS)
                pane.changed()

    def _heading(self, width: int) -> tuple[Line, ...]:
        summary = workers.summary(self._screen.model, width, self._now())
        return (*summary, workers.HEADER) if self._screen.model.counts.total else tuple(summary)

    def _keep_up(self) -> None:
        """Look again where the list of calls was not brought up to date at once."""
        view = self.rows.workers.view
        if view.is_behind(self._screen.model.state) and not self._looking_again:
            self._looking_again = True
            self._screen.set_timer(0.5, self._look_again)

    def _look_again(self) -> None:
        self._looking_again = False
        self._screen.pane("workers").changed()
        self._keep_up()

    def _next_filter(self) -> None:
        self._choose(filter=after(FILTERS, self.rows.workers.view.filter))

    def _next_order(self) -> None:
        self._choose(order=after(ORDERS, self.rows.workers.view.order))

    def _choose(self, *, filter: Filter | None = None, order: Order | None = None) -> None:
        """List other calls, or in another order; the cursor stays on its call."""
        rows, pane = self.rows.workers, self._screen.pane("workers")
        at = rows.call(pane.cursor) if pane.cursor is not None else None
        rows.view.choose(filter=filter, order=order)
        pane.following = rows.view.whole
        pane.border_subtitle = "" if rows.view.whole else f"{rows.view.filter} calls, by {rows.view.order}"
        pane.empty = (
            f"No {rows.view.filter} calls." if rows.view.filter != "all" else BY_NAME["workers"].empty
        )
        pane.changed()
        pane.point_at(rows.index(at.call_id) if at is not None else None)
        if pane.cursor is None and not pane.following:
            pane.show_from(0)

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
