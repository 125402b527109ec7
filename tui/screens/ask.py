"""A modal that asks for one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input

from tui.text import clean
from tui.widgets.line_bar import LineBar


class AskScreen(ModalScreen[str | None]):
    """Ends with what was typed, or None for escape.

    Args:
        question: the line on top.
        known: words to complete from.
        refuse: says what is wrong with what was typed, or None.
    """

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Back", priority=True)]

    def __init__(
        self,
        question: str,
        known: tuple[str, ...] = (),
        refuse: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._refuse = refuse
        self._question = question
        self._known = [clean(word) for word in known]

    def compose(self) -> ComposeResult:
        """The question, the line, the keys."""
        with Vertical(id="ask-box"):
            yield LineBar(id="ask-title")
            yield Input(id="ask-line", suggester=SuggestFromList(self._known, case_sensitive=False))
            yield LineBar(id="ask-keys")

    def on_mount(self) -> None:
        """Begin."""
        self.query_one("#ask-title", LineBar).show(((self._question, "heading"),))
        keys = (("enter ", "key"), ("takes it   ", "muted"), ("→ ", "key"), ("completes   ", "muted"))
        self.query_one("#ask-keys", LineBar).show((*keys, ("esc ", "key"), ("back", "muted")))
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def submitted(self, message: Input.Submitted) -> None:
        """Take it, or say why not."""
        typed = message.value.strip()
        problem = self._refuse(typed) if typed else None
        if problem is None:
            self.dismiss(typed or None)
            return
        bar = self.query_one("#ask-keys", LineBar)
        bar.show_wrapped(((f"✗ {problem}", "error"),), width=bar.content_size.width)

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)
