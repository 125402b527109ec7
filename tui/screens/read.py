"""A modal for reading: a worker call in full, the help, an error with its traceback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.lines import Line, wrap
from tui.transcript import Transcript
from tui.widgets.line_pane import LinePane


class ReadScreen(ModalScreen[None]):
    """Shows lines until it is closed.

    Args:
        title: what they are.
        lines: what to read.
        indent: cells before what is left of a long line.
    """

    CSS_PATH = "read.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,question_mark", "close", "Close", priority=True)
    ]

    def __init__(self, title: str, lines: Sequence[Line], *, indent: int = 0) -> None:
        super().__init__()
        self._title = title
        self._source = Transcript(lambda line, width: wrap(line, width, words=True, indent=indent))
        self._source.set("all", lines)

    def compose(self) -> ComposeResult:
        """One pane."""
        with Vertical(id="read-box"):
            yield LinePane(self._source, id="read-pane", title=self._title)

    def on_mount(self) -> None:
        """Start at the top."""
        pane = self.query_one(LinePane)
        pane.following = False
        pane.border_subtitle = "esc closes"
        pane.focus()

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)
