"""A modal that asks before something that cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key, Resize
from textual.screen import ModalScreen

from tui.lines import Line, wrap
from tui.widgets.line_bar import LineBar


class Choice(msgspec.Struct, frozen=True):
    """One way to go on: its key, its name, what it means, and a title in front where a list needs one."""

    key: str
    name: str
    label: str
    title: str = ""


WIDEST, FRAME = 90, 4
"""Cells of the box at most, and those that its border and padding take; as in the style sheet."""


class ConfirmScreen(ModalScreen[str | None]):
    """Ends with the name of the choice, or None for escape.

    Args:
        question: the line on top.
        choices: each with a key of its own.
    """

    CSS_PATH = "confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Back", priority=True)]

    def __init__(self, question: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._question = question
        self._choices = tuple(choices)

    def compose(self) -> ComposeResult:
        """The question and the ways to go on."""
        with Vertical(id="confirm-box"):
            yield LineBar(id="confirm-text")

    def on_resize(self, event: Resize) -> None:
        """Say it, in the width there is."""
        width = min(event.size.width * 9 // 10, WIDEST) - FRAME
        lines: list[Line] = [((self._question, "heading"),), ()]
        for choice in self._choices:
            key = (f" {choice.key:<4}", "key")
            name = (f"{choice.title:<10}", "") if choice.title else ("", "")
            lines += wrap((key, name, (choice.label, "")), width, words=True, indent=len(key[0] + name[0]))
        lines.append(((" esc ", "key"), ("back, nothing changed", "muted")))
        bar = self.query_one("#confirm-text", LineBar)
        bar.styles.height = len(lines)
        bar.show(*lines)

    def on_key(self, event: Key) -> None:
        """Take a choice by its key."""
        for choice in self._choices:
            if event.key == choice.key:
                event.stop()
                self.dismiss(choice.name)
                return

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)
