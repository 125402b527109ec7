"""A modal in which a person looks for a document."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.home.folder import Folder
from tui.lines import Line
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

KEYS: Line = (
    ("enter", "key"),
    (" open a folder, take a file   ", ""),
    ("o", "key"),
    (" take the folder   ", ""),
    ("esc", "key"),
    (" back", ""),
)


class BrowseScreen(ModalScreen[str | None]):
    """Ends with a path, or None.

    Args:
        near: begin in its folder; default: the working directory.
    """

    CSS_PATH = "browse.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Back", priority=True, id="browse.cancel"),
        Binding("backspace,left,h", "up", "The folder above", id="browse.up"),
        Binding("o", "folder", "Take the folder", id="browse.folder"),
    ]

    def __init__(self, near: str | None = None) -> None:
        super().__init__()
        begin = Path(near) if near else Path.cwd()
        self._folder = Folder(
            begin if begin.is_dir() else begin.parent if begin.parent.is_dir() else Path.cwd()
        )

    def compose(self) -> ComposeResult:
        """The folder and the keys."""
        with Vertical(id="browse-box"):
            yield LineBar(id="browse-path")
            yield LinePane(
                self._folder, id="browse-list", title="Documents", entries=self._folder, following=False
            )
            yield LineBar(id="browse-keys")

    def on_mount(self) -> None:
        """Show where it begins."""
        self.query_one("#browse-keys", LineBar).show(KEYS)
        self._show(self._folder.path)
        self.query_one(LinePane).focus()

    def _show(self, path: Path) -> None:
        before = self._folder.path
        self._folder = Folder(path)
        pane = self.query_one(LinePane)
        pane.source = pane.entries = self._folder
        pane.changed()
        # Coming out of a folder, the cursor stands on it.
        at = (
            self._folder.paths.index(before)
            if before in self._folder.paths[1:]
            else min(1, self._folder.count() - 1)
        )
        pane.point_at(at)
        trouble: Line = ((f"  ✗ {self._folder.trouble}", "error"),) if self._folder.trouble else ()
        self.query_one("#browse-path", LineBar).show(((str(self._folder.path), "heading"), *trouble))

    @on(LinePane.Chosen)
    def chosen(self, message: LinePane.Chosen) -> None:
        """Open a folder, or end with a file."""
        path = self._folder.paths[message.index]
        if path.is_dir():
            self._show(path)
        else:
            self.dismiss(str(path))

    def action_up(self) -> None:
        """Go to the folder above."""
        self._show(self._folder.path.parent)

    def action_folder(self) -> None:
        """End with the folder at the cursor."""
        at = self.query_one(LinePane).cursor or 0
        path = self._folder.paths[at]
        self.dismiss(str(path if at and path.is_dir() else self._folder.path))

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)
