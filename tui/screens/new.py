"""The form of a new session."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.screen import Screen

from distill_core.errors import ConfigError
from themes import Palette
from tui.home import form
from tui.lines import Line
from tui.memory import NewSession
from tui.screens.browse import BrowseScreen
from tui.widgets.fields import Fields
from tui.widgets.line_bar import LineBar

KEYS: Line = (
    ("ctrl+s", "key"),
    (" start   ", ""),
    ("tab", "key"),
    (" next field   ", ""),
    ("ctrl+o", "key"),
    (" look for documents   ", ""),
    ("esc", "key"),
    (" back", ""),
)


class NewSessionScreen(Screen[NewSession | None]):
    """Ends with the form as filled in, or None.

    Args:
        values: what the fields hold at first.
        palette: the theme of the fields.
    """

    CSS_PATH: ClassVar[list[str | PurePath]] = ["new.tcss", "fields.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", priority=True, id="new.start"),
        Binding("ctrl+o", "pick", "Documents", priority=True, id="new.pick"),
        Binding("escape", "cancel", "Back", priority=True, id="new.cancel"),
        Binding("tab", "app.focus_next", "Next field", priority=True, id="new.next"),
        Binding("shift+tab", "app.focus_previous", "Previous field", priority=True, id="new.previous"),
        Binding("enter", "next", "Next field", priority=True, id="new.enter"),
    ]

    def __init__(self, values: NewSession, palette: Palette) -> None:
        super().__init__()
        self._values = values
        self._palette = palette

    def compose(self) -> ComposeResult:
        """A row a field."""
        yield LineBar(id="new-title")
        yield Fields(form.FIELDS, msgspec.structs.asdict(self._values), self._palette)
        yield LineBar(id="new-said")
        yield LineBar(id="new-keys")

    def on_mount(self) -> None:
        """Name the fields, begin at the first one that is empty."""
        self.query_one("#new-title", LineBar).show((("New session", "heading"),))
        self.query_one("#new-keys", LineBar).show(KEYS)
        first = next((f.name for f in form.FIELDS[:2] if not getattr(self._values, f.name)), "question")
        self._fields.go_to(first)

    def on_resize(self, event: Resize) -> None:
        """Leave the gaps out where there are few rows."""
        self.set_class(event.size.height < 30, "-short")

    @property
    def values(self) -> NewSession:
        """The form as it stands."""
        return NewSession(**self._fields.values)

    @property
    def _fields(self) -> Fields:
        return self.query_one(Fields)

    def action_start(self) -> None:
        """Hand the form over, if nothing is wrong with it."""
        # What was typed before this key may still wait for its field, which the key went past.
        (self.focused or self).call_later(self._start)

    def _start(self) -> None:
        values = self.values
        wrong = form.problem(values)
        if wrong is None:
            self.dismiss(values)
            return
        name, words = wrong
        self.query_one("#new-said", LineBar).show(((f"✗ {words}", "error"),))
        self._fields.go_to(name)

    def action_next(self) -> None:
        """Go to the next field; on the last one, start."""
        if self._fields.at_last:
            self.action_start()
        else:
            self.focus_next()

    def action_cancel(self) -> None:
        """Go back; what was filled in is not kept."""
        self.dismiss(None)

    def action_pick(self) -> None:
        """Look for documents."""
        editor = self._fields.editor("documents")
        try:
            named = form.documents(self.values)
        except ConfigError:
            named = []

        def take(path: str | None) -> None:
            if path is not None:
                editor.load(form.quoted([*named, path]) if path not in named else form.quoted(named))
                editor.move_cursor(editor.document.end)

        self.app.push_screen(BrowseScreen(named[-1] if named else None), take)
