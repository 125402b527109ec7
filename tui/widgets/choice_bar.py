"""A bar of choices of which one holds; left, right and space change it, so does a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.widget import Widget

from tui.lines import Span
from tui.theme import content


class ChoiceBar(Widget, can_focus=True):
    """One of several words.

    Args:
        choices: the words.
        chosen: the one that holds at first; the first of all if it is none of them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "turn(-1)", "Previous", show=False),
        Binding("right,l,space", "turn(1)", "Next", show=False),
    ]

    def __init__(self, choices: Sequence[str], chosen: str, *, id: str) -> None:
        super().__init__(id=id)
        self._choices = tuple(choices)
        self._at = self._choices.index(chosen) if chosen in choices else 0

    @property
    def chosen(self) -> str:
        """The word that holds."""
        return self._choices[self._at]

    def action_turn(self, by: int) -> None:
        """Take the next or the previous word."""
        self._at = (self._at + by) % len(self._choices)
        self.refresh()

    def on_click(self, event: Click) -> None:
        """Take the word that was clicked."""
        offset = event.get_content_offset(self)
        x = 0
        for index, choice in enumerate(self._choices):
            width = cell_len(choice) + 2
            if offset is not None and x <= offset.x < x + width:
                self._at = index
                self.refresh()
            x += width

    def render(self) -> Content:
        """The words, the chosen one in brackets."""
        spans: list[Span] = [
            (f"[{choice}]", "heading") if index == self._at else (f" {choice} ", "muted")
            for index, choice in enumerate(self._choices)
        ]
        return content(tuple(spans))
