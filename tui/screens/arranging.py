"""Arranging the panes: wider, taller, hidden, and as they were the last time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from tui.live.layout import BY_NAME, PANES, Layout
from tui.live.model import Changes
from tui.screens.parts import Pane

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen

STEP, WEIGHT = 4, 2
"""By how many percent a column and by how much weight a pane changes at a key."""

LEFT = ((180, 60), (118, 46), (0, 42))
"""Least width of the screen and what its left column gets there, in cells, until somebody moves it."""


class Arranging:
    """Keeps the layout and gives the panes their places by it."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self.layout = screen.wiring.setup.memory.value.layout

    def panes(self) -> Mapping[str, Pane]:
        """None of its own."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """The actions that arrange."""
        return {
            "pane.wider": partial(self._wider, STEP),
            "pane.narrower": partial(self._wider, -STEP),
            "pane.taller": partial(self._taller, WEIGHT),
            "pane.shorter": partial(self._taller, -WEIGHT),
            "pane.hide": self._hide,
            "layout.reset": lambda: self.arrange(Layout()),
        }

    def take(self, changes: Changes) -> None:
        """Nothing to follow."""

    def arrange(self, layout: Layout) -> None:
        """Put the panes where `layout` has them, and remember it."""
        self.layout = layout
        self._screen.wiring.setup.memory.keep(layout=layout)
        self.apply()

    def apply(self) -> None:
        """Give every pane its place."""
        screen = self._screen
        abreast = screen.has_class("-very-wide")
        for spec in PANES:
            pane = screen.pane(spec.name)
            pane.set_class(spec.name in self.layout.hidden, "-hidden")
            if spec.column != "bottom":
                share = f"{self._weight(spec.name)}fr"
                beside = abreast and spec.column == "right"
                pane.styles.width, pane.styles.height = (share, "1fr") if beside else ("1fr", share)
        sides = {side: screen.query_one(f"#{side}") for side in ("left", "right")}
        for side, box in sides.items():
            names = [spec.name for spec in PANES if spec.column == side]
            box.set_class(all(name in self.layout.hidden for name in names), "-hidden")
        alone = sides["right"].has_class("-hidden") or screen.has_class("-narrow")
        sides["left"].styles.width = "1fr" if alone else self._left()

    def _left(self) -> str | int:
        if self.layout.left is not None:
            return f"{self.layout.left}%"
        return next(cells for least, cells in LEFT if self._screen.size.width >= least)

    def show(self, name: str) -> None:
        """Take a pane out again."""
        if name in self.layout.hidden:
            self.arrange(self.layout.showing(name, True))

    def _weight(self, name: str) -> int:
        # The code that waits for a decision is what is read now.
        deciding = name == "supervisor" and self._screen.has_class("-deciding")
        return self.layout.height(name) * (2 if deciding else 1)

    def _wider(self, by: int) -> None:
        width = max(1, self._screen.size.width)
        now = round(self._screen.query_one("#left").size.width * 100 / width)
        self.arrange(self.layout.wider(by, now))

    def _taller(self, by: int) -> None:
        name = self._screen.focused_pane
        if name in BY_NAME and BY_NAME[name].column != "bottom":
            self.arrange(self.layout.taller(name, by))

    def _hide(self) -> None:
        screen = self._screen
        name = screen.focused_pane
        others = [n for n in screen.pane_names() if n not in (name, "decision")]
        if not others:
            screen.say("This is the last pane; z gives it the whole screen.", warning=True)
            return
        self.arrange(self.layout.showing(name, False))
        screen.activate(others[0])
