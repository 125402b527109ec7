"""Looking around: going between panes, the whole screen for one, themes, the help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from textual.command import CommandPalette

from distill_core.plurals import count
from tui.lines import roled
from tui.live import keys
from tui.live.layout import PANES
from tui.live.model import Changes
from tui.screens.parts import Pane
from tui.screens.read import ReadScreen
from tui.widgets.line_pane import LinePane

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


class Looking:
    """Changes what is seen, never what happens."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen

    def panes(self) -> Mapping[str, Pane]:
        """None of its own."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """Panes, themes, help."""
        return {
            **{f"pane.{pane.name}": partial(self._go_to, pane.name) for pane in PANES},
            "pane.next": partial(self._turn, 1),
            "pane.previous": partial(self._turn, -1),
            "pane.follow": self._follow,
            "pane.zoom": self._zoom,
            "text.copy": self.copy,
            "palette.show": self._palette,
            "fault.show": self._fault,
            "theme.next": self._next_theme,
            "help.show": self._help,
        }

    def take(self, changes: Changes) -> None:
        """Nothing to follow."""

    def _go_to(self, name: str) -> None:
        self._screen.chosen_by_hand = True
        self._screen.activate(name)

    def _turn(self, by: int) -> None:
        names = self._screen.pane_names()
        at = names.index(self._screen.focused_pane) if self._screen.focused_pane in names else 0
        self._go_to(names[(at + by) % len(names)])

    def _follow(self) -> None:
        self._screen.follow(*(name for name in self._screen.pane_names() if name != "decision"))

    def _zoom(self) -> None:
        screen = self._screen
        if screen.maximized is not None:
            screen.minimize()
        elif isinstance(screen.focused, LinePane):
            screen.maximize(screen.focused)

    def copy(self) -> None:
        """Copy by OSC 52, which reaches the terminal that the person sits at, also through SSH."""
        screen = self._screen
        text = screen.get_selected_text() or screen.pane(screen.focused_pane).text_to_copy()
        if not text.strip():
            screen.say("There is nothing to copy here.")
            return
        screen.app.copy_to_clipboard(text)
        screen.clear_selection()
        screen.say(f"Copied {count(len(text), 'character')}.")

    def _palette(self) -> None:
        self._screen.app.push_screen(CommandPalette())

    def _next_theme(self) -> None:
        app = self._screen.app
        names = sorted(app.available_themes)
        app.theme = names[(names.index(app.theme) + 1) % len(names)]
        self._screen.wiring.setup.memory.keep(theme=app.theme)
        self._screen.say(f"theme: {app.theme}")

    def _fault(self) -> None:
        ended = self._screen.model.ended
        if ended is not None:
            lines = [*roled(ended.error or "", "error"), (), *roled(ended.details.rstrip("\n"))]
            self._screen.app.push_screen(ReadScreen("A fault of the program", lines, indent=4))

    def _help(self) -> None:
        lines = keys.help_lines(self._screen.registry)
        self._screen.app.push_screen(ReadScreen("Help", lines, indent=keys.INDENT))
