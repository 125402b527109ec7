"""The form of a fork of the session on the screen."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.screen import Screen

from distill_core.plurals import count
from distill_core.record import Record
from themes import Palette
from tui.branching import Wish
from tui.lines import Line
from tui.live import fork_form
from tui.widgets.editor import Editor
from tui.widgets.fields import Fields
from tui.widgets.line_bar import LineBar

KEYS: Line = (
    ("ctrl+s", "key"),
    (" fork   ", ""),
    ("tab", "key"),
    (" next field   ", ""),
    ("esc", "key"),
    (" back, nothing changed", ""),
)


class ForkScreen(Screen[Wish | None]):
    """Ends with the fork that is wanted, or None.

    Args:
        record: the session up to now.
        step: the step to begin with.
        palette: the theme of the fields.
    """

    CSS_PATH: ClassVar[list[str | PurePath]] = ["fork_here.tcss", "fields.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Fork", priority=True),
        Binding("escape", "cancel", "Back", priority=True),
        Binding("tab", "app.focus_next", "Next field", priority=True),
        Binding("shift+tab", "app.focus_previous", "Previous field", priority=True),
    ]

    def __init__(self, record: Record, step: int, palette: Palette) -> None:
        super().__init__()
        self._record = record
        self._palette = palette
        self._first = {"step": str(step), "code": fork_form.code_at(record, step)}

    def compose(self) -> ComposeResult:
        """What it does, the fields, the keys."""
        yield LineBar(id="fork-title")
        yield Fields(fork_form.fields(self._record.state), self._first, self._palette)
        yield LineBar(id="fork-said")
        yield LineBar(id="fork-keys")

    def on_mount(self) -> None:
        """Begin at the code, if there is some."""
        steps = len(self._record.state.steps)
        self.query_one("#fork-title", LineBar).show(
            (("Fork of this session", "heading"), (f"   {count(steps, 'step')} so far", "muted")),
            (
                (
                    "Steps before it are copied, no model is called for them. This session is held meanwhile.",
                    "muted",
                ),
            ),
        )
        self.query_one("#fork-keys", LineBar).show(KEYS)
        self._fields.go_to("code" if self._first["code"] else "instruction")

    def on_resize(self, event: Resize) -> None:
        """Leave the gaps out where there are few rows."""
        self.set_class(event.size.height < 36, "-short")

    @property
    def _fields(self) -> Fields:
        return self.query_one(Fields)

    @on(Editor.Changed, "#step")
    def step_changed(self) -> None:
        """Show the code of the step that is named now, unless it was changed by hand."""
        values = self._fields.values
        step = fork_form.step_of(values)
        if step is None or values["code"] != self._first["code"]:
            return
        code = fork_form.code_at(self._record, step)
        if code != values["code"]:
            self._first["code"] = code
            self._fields.editor("code").load(code)

    def action_start(self) -> None:
        """Hand the wish over, if nothing is wrong with it."""
        # What was typed before this key may still wait for its field, which the key went past.
        (self.focused or self).call_later(self._start)

    def _start(self) -> None:
        values = self._fields.values
        wrong = fork_form.problem(values, self._record)
        if wrong is None:
            self.dismiss(fork_form.wish(values, self._record))
            return
        name, words = wrong
        self.query_one("#fork-said", LineBar).show(((f"✗ {words}", "error"),))
        self._fields.go_to(name)

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)
