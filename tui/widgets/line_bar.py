"""A bar of a few lines that does not scroll: status, keys, titles. All of its text is data, never markup."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from tui.lines import Line, fit, wrap
from tui.theme import content


class LineBar(Widget):
    """Draws the lines it is given, each cut to its width."""

    def __init__(self, *, id: str, classes: str = "") -> None:
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = ()

    def show(self, *lines: Line) -> None:
        """Draw these lines from now on."""
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def show_wrapped(self, *lines: Line, width: int) -> None:
        """Draw these lines from now on, in as many rows of `width` cells as they need; the bar is as high as that."""
        rows = [row for line in lines for row in wrap(line, max(width, 1), words=True)]
        self.styles.height = len(rows)
        self.show(*rows)

    def render(self) -> Content:
        """The lines."""
        return content(*(fit(line, self.content_size.width) for line in self._lines))
