"""A bar of keys that can be pressed or clicked, from the registry of actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.events import Click, Resize
from textual.message import Message
from textual.widget import Widget

from tui.actions import Action, Gate, key_name
from tui.lines import Span
from tui.theme import content


class KeyBar(Widget):
    """Shows actions by key and label; a click does what the key does.

    Args:
        lead: words in front.
        last: so many at the end stay when there is not room for all.
    """

    class Clicked(Message):
        """An action was clicked."""

        def __init__(self, action_id: str) -> None:
            super().__init__()
            self.action_id = action_id

    def __init__(self, *, id: str, lead: Span = ("", ""), last: int = 0) -> None:
        super().__init__(id=id)
        self._lead = lead
        self._last = last
        self._shown: object = None
        self._entries: list[_Entry] = []
        self._line: list[Span] = []
        self._places: list[tuple[int, int, str]] = []

    def show(self, actions: Sequence[Action], gate: Gate | None, chosen: int | None = None) -> None:
        """Offer these actions, under the names they have at `gate`; number `chosen` is in brackets."""
        shown = (tuple(actions), gate, chosen)
        if shown == self._shown:
            return
        self._shown = shown
        self._entries = [_entry(action, gate, index == chosen) for index, action in enumerate(actions)]
        self._lay_out()

    def on_resize(self, _event: Resize) -> None:
        """Show what fits."""
        self._lay_out()

    def _lay_out(self) -> None:
        x = cell_len(self._lead[0])
        fitting = _fitting(self._entries, self.content_size.width - x, self._last)
        self._line = [self._lead] if fitting else []
        self._places = []
        for entry in fitting:
            width = entry.width
            if entry.action_id:
                self._places.append((x, x + width, entry.action_id))
            self._line += entry.spans
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


class _Entry(NamedTuple):
    action_id: str
    spans: tuple[Span, ...]

    @property
    def width(self) -> int:
        return sum(cell_len(text) for text, _ in self.spans)


_MORE = _Entry("", ((" … ", "muted"),))


def _entry(action: Action, gate: Gate | None, chosen: bool) -> _Entry:
    opens, closes = ("[", "]") if chosen else (" ", " ")
    key = f"{key_name(action.keys[0])} " if action.keys else ""
    return _Entry(
        action.id,
        ((f"{opens}{key}", "key"), (f"{action.label_at(gate)}{closes}", "heading" if chosen else "")),
    )


def _fitting(entries: list[_Entry], width: int, last: int) -> list[_Entry]:
    """The entries that have room in `width` cells, the `last` ones before all others."""
    if sum(entry.width for entry in entries) <= width or not entries:
        return entries
    kept = entries[len(entries) - last :]
    room = width - sum(entry.width for entry in (*kept, _MORE))
    first = []
    for entry in entries[: len(entries) - last]:
        room -= entry.width
        if room < 0:
            break
        first.append(entry)
    return [*first, _MORE, *kept]
