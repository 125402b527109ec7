"""Playing a past session: the keys that go to another of its moments, and the bar that says which one is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from tui.live.model import Changes
from tui.live.playback import Playback
from tui.screens.parts import Pane
from tui.screens.write import Page, WriteScreen

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


class Playing:
    """Goes through a past session; does nothing on a live one."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self._seen = time.monotonic()
        if screen.wiring.playback is not None:
            screen.wiring.playback.open(screen.model)

    def panes(self) -> Mapping[str, Pane]:
        """None of its own."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """Going back and forth, playing, jumping."""
        model = self._screen.model
        return {
            "play.toggle": self._with(lambda play: play.toggle(model), holds=False),
            "play.back": self._with(lambda play: play.move(model, -1)),
            "play.on": self._with(lambda play: play.move(model, 1)),
            "play.step_back": self._with(lambda play: play.step(model, -1)),
            "play.step_on": self._with(lambda play: play.step(model, 1)),
            "play.start": self._with(lambda play: play.show(model, 1)),
            "play.end": self._with(lambda play: play.show(model, len(play.events))),
            "play.faster": self._with(lambda play: play.change_speed(1), holds=False),
            "play.slower": self._with(lambda play: play.change_speed(-1), holds=False),
            "play.jump": self._with(self._ask_where),
        }

    def take(self, changes: Changes) -> None:
        """Nothing to follow."""

    def tick(self) -> None:
        """Go on as time does."""
        now = time.monotonic()
        passed, self._seen = now - self._seen, now
        if self._screen.wiring.playback is not None:
            self._screen.wiring.playback.tick(self._screen.model, passed)

    def _with(self, act: Callable[[Playback], object], *, holds: bool = True) -> Callable[[], None]:
        return partial(self._act, act, holds)

    def _act(self, act: Callable[[Playback], object], holds: bool) -> None:
        screen, playback = self._screen, self._screen.wiring.playback
        if playback is None:
            return
        if holds:
            playback.playing = False
        act(playback)
        screen.redraw()
        screen.follow(*(name for name in screen.pane_names() if name not in ("decision", "timeline")))

    def _ask_where(self, playback: Playback) -> None:
        screen = self._screen

        def wrong(texts: tuple[str, ...]) -> str | None:
            known = texts[0].strip().isdigit() and int(texts[0]) <= playback.steps
            return None if known else f"a number from 0 to {playback.steps}"

        def go(texts: tuple[str, ...] | None) -> None:
            if texts is not None:
                self._act(lambda play: play.jump(screen.model, int(texts[0])), True)

        page = Page("To which step?", "")
        palette = screen.wiring.palettes[screen.app.theme]
        hint = f"Shows the session as it was when that step was over; it has {playback.steps}."
        screen.app.push_screen(
            WriteScreen([page], hint=hint, palette=palette, done="go", one_line=True, check=wrong), go
        )
