"""A modal that shows how a recorded cell came out differently and asks what is to become of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.screen import ModalScreen

from distill_core.rerunning import Rerun
from tui.differing import lines
from tui.diverging import CHOICES, Choice
from tui.lines import Line, wrap
from tui.text import clean
from tui.transcript import Transcript
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

_ROLES = {"+": "ok", "-": "error", "@": "muted", "…": "muted"}


class DifferingScreen(ModalScreen[Choice]):
    """Ends with what the person wants; escape is to stop.

    Args:
        run: the cell and its differences.
        may_branch: whether one can go on from its step.
    """

    CSS_PATH = "differing.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(way.key, f"choose('{way.name}')", way.name, priority=True) for way in CHOICES),
        Binding("escape", "choose('stop')", "stop", priority=True),
    ]

    def __init__(self, run: Rerun, *, may_branch: bool) -> None:
        super().__init__()
        self._step = run.cell.step
        self._choices = [choice for choice in CHOICES if may_branch or choice.name != "branch"]
        self._source = Transcript(lambda line, width: wrap(line, width, indent=2))
        self._source.set("all", list(_told(run)))

    def compose(self) -> ComposeResult:
        """What differs, and under it the ways to go on."""
        with Vertical(id="differing-box"):
            yield LinePane(
                self._source, id="differing-pane", title=f"Step {self._step} comes out differently now"
            )
            yield LineBar(id="differing-keys")

    def on_mount(self) -> None:
        """Start at the top."""
        pane = self.query_one(LinePane)
        pane.following = False
        pane.focus()

    def on_resize(self, event: Resize) -> None:
        """A line for each way to go on."""
        choices: list[Line] = [
            ((f" {choice.key}  ", "key"), (choice.says.format(step=self._step), ""))
            for choice in self._choices
        ]
        bar = self.query_one("#differing-keys", LineBar)
        bar.styles.height = len(choices)
        bar.show(*choices)

    def action_choose(self, name: Choice) -> None:
        """Take a choice, if it is one."""
        if name in [choice.name for choice in self._choices]:
            self.dismiss(name)


def _told(run: Rerun) -> Iterator[Line]:
    """The differences, with a sign in front of each line, never colour alone."""
    yield (("Its record (-) and what it does now (+):", "muted"),)
    for difference in run.differences:
        heading, *changed = lines(difference)
        yield ()
        yield ((clean(heading), "heading"),)
        for line in changed:
            yield ((clean(line), _ROLES.get(line.lstrip()[:1], "")),)
