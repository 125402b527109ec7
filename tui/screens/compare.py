"""A modal that shows the candidates for a step side by side, and gives back the one that is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Click, DescendantFocus, Resize
from textual.screen import ModalScreen

from distill_core.forecast import Forecast
from distill_core.proposals import Candidate
from tui.lines import Line, wrap
from tui.live import candidates as drawn
from tui.live.supervisor import BAR
from tui.transcript import Transcript
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

LEAST = 38
"""Cells that a column needs to be read."""
LOOKS_A_SECOND = 4


class Choice(msgspec.Struct, frozen=True):
    """The candidate that was chosen, and whether it is to run at once."""

    call_id: str
    approve: bool


class CompareScreen(ModalScreen[Choice | None]):
    """Ends with the choice, or None if the person only looked.

    Args:
        candidates: in the order they were asked for.
        now: `call_id` of the one in front.
        forecasts: what dry runs found; may still grow.
    """

    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h,shift+tab", "turn(-1)", "Previous", priority=True),
        Binding("right,l,tab", "turn(1)", "Next", priority=True),
        *(Binding(str(n), f"go({n})", str(n), priority=True) for n in range(1, 10)),
        Binding("enter", "choose(False)", "Choose", priority=True),
        Binding("a", "choose(True)", "Choose and run", priority=True),
        Binding("d", "against", "Diff", priority=True),
        Binding("escape,q", "close", "Back", priority=True),
    ]

    def __init__(
        self, candidates: tuple[Candidate, ...], now: str, forecasts: Mapping[str, Forecast]
    ) -> None:
        super().__init__()
        self._candidates = candidates
        self._forecasts = forecasts
        self._at = next((i for i, c in enumerate(candidates) if c.call_id == now), 0)
        self._against: int | None = None
        self._drawn: list[list[Line]] = [[] for _ in candidates]
        self._rows = [Transcript(_wrapped) for _ in candidates]
        self._panes = [
            LinePane(rows, title=drawn.title(n, candidate), following=False)
            for n, (rows, candidate) in enumerate(zip(self._rows, candidates, strict=True), 1)
        ]

    def compose(self) -> ComposeResult:
        """A title, a column each, the keys."""
        with Vertical(id="compare-box"):
            yield LineBar(id="compare-title")
            with Horizontal(id="compare-columns"):
                yield from self._panes
            yield LineBar(id="compare-keys")

    def on_mount(self) -> None:
        """Begin at the one in front."""
        self._draw()
        self.set_interval(1 / LOOKS_A_SECOND, self._draw)

    def on_resize(self, _event: Resize) -> None:
        """Show as many as have room."""
        self._arrange()

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        if event.widget in self._panes:
            self._at = self._panes.index(event.widget)
            self._arrange(focus=False)

    def on_click(self, event: Click) -> None:
        """Twice on a column chooses it."""
        if event.chain > 1 and event.widget in self._panes:
            self.action_choose(False)

    def action_turn(self, by: int) -> None:
        """Go to the next or the previous candidate."""
        self.action_go((self._at + by) % len(self._candidates) + 1)

    def action_go(self, number: int) -> None:
        """Go to candidate `number`."""
        if number <= len(self._candidates):
            self._at = number - 1
            self._arrange()

    def action_against(self) -> None:
        """Show what the others change against this one; again: show them as they are."""
        self._against = None if self._against is not None else self._at + 1
        self._draw()

    def action_choose(self, approve: bool) -> None:
        """End with the candidate at hand, if anything of it can run."""
        candidate = self._candidates[self._at]
        if candidate.problem is None:
            self.dismiss(Choice(candidate.call_id, approve))
        else:
            self._say("nothing of this one can run; choose another")

    def action_close(self) -> None:
        """Choose nothing."""
        self.dismiss(None)

    def _draw(self) -> None:
        for place, (rows, pane) in enumerate(zip(self._rows, self._panes, strict=True)):
            lines = drawn.column(place + 1, self._candidates, self._forecasts, self._against)
            if lines != self._drawn[place]:
                self._drawn[place] = lines
                rows.set("all", lines)
                pane.changed()
        self._arrange()

    def _arrange(self, *, focus: bool = True) -> None:
        """As many columns as have room, the one at hand among them."""
        room = max(1, (self.app.size.width - 4) // LEAST)
        first = max(0, min(self._at - room // 2, len(self._panes) - room))
        for place, pane in enumerate(self._panes):
            pane.display = first <= place < first + room
            pane.set_class(place == self._at, "-at")
        if focus and self.focused is not self._panes[self._at]:
            self._panes[self._at].focus()
        self._say()

    def _say(self, problem: str = "") -> None:
        count = len(self._candidates)
        self.query_one("#compare-title", LineBar).show(
            (
                (f"{count} candidates from the same prompt", "heading"),
                (f" · at {self._at + 1}; those not chosen are kept", "muted"),
            )
        )
        keys: Line = (
            ("← →", "key"),
            (" look  ", ""),
            ("enter", "key"),
            (" choose  ", ""),
            ("a", "key"),
            (" choose and run  ", ""),
            ("d", "key"),
            (" differences  " if self._against is None else " whole  ", ""),
            ("esc", "key"),
            (" back", ""),
        )
        line: Line = ((f"✗ {problem}", "error"),) if problem else keys
        self.query_one("#compare-keys", LineBar).show(line)


def _wrapped(line: Line, width: int) -> list[Line]:
    """Code anywhere, under its bar; prose between words."""
    return wrap(line, width, words=line[:1] != (BAR,), indent=2)
