"""A bar of keys that can be pressed or clicked, from the registry of actions."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from tui.actions import Action, Gate, key_name
from tui.lines import Span
from tui.theme import content


class KeyBar(Widget):
    """Shows actions by key and label; a click does what the key does.

    Args:
        lead: words in front.
    """

    class Clicked(Message):
        """An action was clicked."""

        def __init__(self, action_id: str) -> None:
            super().__init__()
            self.action_id = action_id

    def __init__(self, *, id: str, lead: Span = ("", "")) -> None:
        super().__init__(id=id)
        self._lead = lead
        self._shown: object = None
        self._line: list[Span] = []
        self._places: list[tuple[int, int, str]] = []

    def show(self, actions: Sequence[Action], gate: Gate | None, chosen: int | None = None) -> None:
        """Offer these actions, under the names they have at `gate`; number `chosen` is in brackets."""
        shown = (tuple(actions), gate, chosen)
        if shown == self._shown:
            return
        self._shown = shown
        self._line = [self._lead] if actions else []
        self._places = []
        x = sum(cell_len(text) for text, _ in self._line)
        for index, action in enumerate(actions):
            key, name = key_name(action.keys[0]), action.label_at(gate)
            opens, closes = ("[", "]") if index == chosen else (" ", " ")
            spans: list[Span] = [
                (f"{opens}{key} ", "key"),
                (f"{name}{closes}", "heading" if index == chosen else ""),
            ]
            width = sum(cell_len(text) for text, _ in spans)
            self._places.append((x, x + width, action.id))
            self._line += spans
            x += width
        self.refresh()

    def on_click(self, event: Click) -> None:
        """Do what was clicked."""
        offset = event.get_content_offset(self)
        for start, end, action_id in self._places:
            if offset is not None and start <= offset.x < end:
                self.post_message(self.Clicked(action_id))

    def render(self) -> Content:
        """The keys."""
        return content(tuple(self._line))
