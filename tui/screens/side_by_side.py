"""Two sessions beside one another: what they came to on top, their code step by step below."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from distill_core.errors import DistillError
from sessions.comparing import Comparison, Preferred, StepPair, Winner
from tui.actions import REGISTRY, Situation
from tui.comparing import NAMES, RULE, side_lines, step_lines, title_lines, wrap_side
from tui.lines import Line, rule, wrap
from tui.live.keys import INDENT, help_lines
from tui.screens.read import ReadScreen
from tui.screens.write import Page, WriteScreen
from tui.setup import Setup
from tui.text import clean
from tui.transcript import Transcript
from tui.widgets.key_bar import KeyBar
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

Prefer = Callable[[Winner, str], None]
"""Puts on record which is better, and why."""


class StepRows:
    """The steps of a comparison as rows and as entries of a pane."""

    def __init__(self, steps: tuple[StepPair, ...]) -> None:
        self.rows = Transcript(_wrap)
        self._count = len(steps)
        for step in steps:
            self.rows.set(step.number, step_lines(step))

    def count(self) -> int:
        """How many steps there are."""
        return self._count

    def span(self, index: int) -> tuple[int, int]:
        """The rows of a step."""
        return self.rows.span(index + 1) or (0, 0)

    def at(self, y: int) -> int:
        """The step that row `y` belongs to."""
        key = self.rows.key_at(y)
        return key - 1 if isinstance(key, int) else 0


class SideBySideScreen(Screen[None]):
    """Shows a comparison and asks which is better.

    Args:
        comparison: the two.
        setup: what the person's settings make of the screens.
        prefer: records a preference; None where that is not possible.
    """

    CSS_PATH = "side_by_side.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(REGISTRY.bindings("compare"))

    def __init__(self, comparison: Comparison, setup: Setup, prefer: Prefer | None) -> None:
        super().__init__()
        self._comparison = comparison
        self._setup = setup
        self._prefer = prefer
        self._steps = StepRows(comparison.steps)

    def compose(self) -> ComposeResult:
        """What was asked, the two sides, the steps, the keys."""
        found = self._comparison
        yield LineBar(id="compare-title")
        with Horizontal(id="compare-sides"):
            for name, side, other in (
                ("1 First", found.one, found.other),
                ("2 Second", found.other, found.one),
            ):
                rows = Transcript(wrap_side)
                rows.set("all", side_lines(side, other))
                pane = LinePane(rows, id=f"compare-{name[0]}", title=clean(f"{name}: {side.session_id}"))
                pane.following = False
                yield pane
        yield LinePane(
            self._steps.rows,
            id="compare-steps",
            title="Code, step by step",
            entries=self._steps,
            following=False,
            empty="Neither has run any code.",
        )
        yield KeyBar(id="compare-keys", last=1)

    def on_mount(self) -> None:
        """Say what is compared; stand at the steps."""
        self._draw_title()
        shown = [a for a in self._setup.registry.applying(Situation(), "compare") if a.shown]
        self.query_one("#compare-keys", KeyBar).show(shown, None)
        steps = self.query_one("#compare-steps", LinePane)
        steps.focus()
        if self._comparison.steps:
            steps.point_at(0)

    def _draw_title(self) -> None:
        lines = title_lines(self._comparison)
        bar = self.query_one("#compare-title", LineBar)
        bar.styles.height = len(lines)
        bar.show(*lines)

    def action_act(self, action_id: str) -> None:
        """Do an action of the registry."""
        match action_id.partition(".")[2]:
            case "first":
                self._ask("one")
            case "second":
                self._ask("other")
            case "neither":
                self._ask("neither")
            case "next":
                self._turn(1)
            case "previous":
                self._turn(-1)
            case "panes":
                self.focus_next()
            case "help":
                self.app.push_screen(
                    ReadScreen("Help", help_lines(self._setup.registry, "compare"), indent=INDENT)
                )
            case "leave":
                self.dismiss(None)

    def on_key_bar_clicked(self, message: KeyBar.Clicked) -> None:
        """A click on a key is the key."""
        self.action_act(message.action_id)

    def _turn(self, by: int) -> None:
        """To the next step whose code differs."""
        pane = self.query_one("#compare-steps", LinePane)
        count = len(self._comparison.steps)
        start = pane.cursor if pane.cursor is not None else -1
        for distance in range(1, count + 1):
            at = (start + by * distance) % count
            if self._comparison.steps[at].diff:
                pane.point_at(at)
                pane.show_from(self._steps.span(at)[0])
                return

    def _ask(self, winner: Winner) -> None:
        record = self._prefer
        if record is None:
            self._say("These two cannot be judged here.", warning=True)
            return

        def keep(texts: tuple[str, ...] | None) -> None:
            if texts is None:
                return
            try:
                record(winner, texts[0].strip())
            except DistillError as error:
                self._say(str(error), warning=True)
            else:
                said = Preferred(by=self._setup.who, winner=winner, reason=texts[0].strip())
                self._comparison = self._comparison.preferring(said)
                self._draw_title()
                self._say(
                    "Kept: neither is better." if winner == "neither" else f"Kept: {NAMES[winner]} is better."
                )

        modal = WriteScreen(
            [Page(f"Better: {NAMES[winner]}. Why?", "")],
            hint="A few words, or none; what you say is kept in the logs of both.",
            palette=self._setup.palettes[self.app.theme],
            done="keep",
            one_line=True,
        )
        self.app.push_screen(modal, keep)

    def _say(self, message: str, *, warning: bool = False) -> None:
        self.app.notify(
            clean(message), markup=False, severity="warning" if warning else "information", timeout=3
        )


def _wrap(line: Line, width: int) -> list[Line]:
    return [rule(line[1:], width)] if line[:1] == (RULE,) else wrap(line, width, indent=2)
