"""A modal that asks before something that cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen

from tui.lines import Line
from tui.widgets.line_bar import LineBar


class Choice(msgspec.Struct, frozen=True):
    """One way to go on: its key, its name, and what it means."""

    key: str
    name: str
    label: str


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

    def on_mount(self) -> None:
        """Say it."""
        lines: list[Line] = [((self._question, "heading"),), ()]
        for choice in self._choices:
            lines.append(((f" {choice.key:<4}", "key"), (choice.label, "")))
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
