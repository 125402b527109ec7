"""A modal for choosing one of many: a quotation to go to, a thing to judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.lines import Line, fit, wrap
from tui.transcript import Transcript
from tui.widgets.line_pane import LinePane


class Items:
    """Lines, each of which can be chosen."""

    def __init__(self, lines: Sequence[Line], *, wrapped: int | None = None) -> None:
        def lay_out(line: Line, width: int) -> list[Line]:
            return [fit(line, width)] if wrapped is None else wrap(line, width, words=True, indent=wrapped)

        self.rows = Transcript(lay_out)
        for at, line in enumerate(lines):
            self.rows.set(at, [line])
        self._count = len(lines)

    def count(self) -> int:
        """How many there are."""
        return self._count

    def span(self, index: int) -> tuple[int, int]:
        """The rows of one."""
        return self.rows.span(index) or (0, 0)

    def at(self, y: int) -> int:
        """The one that row `y` belongs to."""
        key = self.rows.key_at(y)
        return key if isinstance(key, int) else 0


class PickScreen(ModalScreen[int | None]):
    """Ends with the number of what was chosen, or None.

    Args:
        title: what is chosen.
        lines: one each.
        start: where the cursor is at first.
        indent: cells before what is left of a long line; None cuts it.
        refuse: says why one cannot be chosen, or None.
    """

    CSS_PATH = "pick.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", "Close", priority=True)]

    def __init__(
        self,
        title: str,
        lines: Sequence[Line],
        *,
        start: int = 0,
        indent: int | None = None,
        refuse: Callable[[int], str | None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._title = title
        self._items = Items(lines, wrapped=indent)
        self._start = start
        self._refuse = refuse

    def compose(self) -> ComposeResult:
        """One pane."""
        with Vertical(id="pick-box"):
            yield LinePane(
                self._items.rows,
                id="pick-pane",
                title=self._title,
                entries=self._items,
                empty="Nothing is here.",
            )

    def on_mount(self) -> None:
        """Start at the first."""
        pane = self.query_one(LinePane)
        pane.following = False
        pane.border_subtitle = "enter chooses · esc closes"
        pane.focus()
        if self._items.count():
            pane.point_at(min(self._start, self._items.count() - 1))

    @on(LinePane.Chosen)
    def chosen(self, message: LinePane.Chosen) -> None:
        """Take the one at the cursor."""
        message.stop()
        why_not = self._refuse(message.index)
        if why_not is not None:
            self.query_one(LinePane).border_subtitle = why_not
            return
        self.dismiss(message.index)

    @on(LinePane.Highlighted)
    def moved(self, message: LinePane.Highlighted) -> None:
        """The screen below does not hear of it."""
        message.stop()

    def action_close(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
