"""The Textual application around the live screen, and `run_live`, by which the command line opens it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

from textual.app import App, SystemCommand
from textual.screen import Screen
from textual.theme import Theme

import themes
from distill_core.approval import PersonApprover, PolicyApprover, PolicyName
from distill_core.errors import ConfigError
from distill_core.recorder import utc_now
from distill_core.session import RunResult
from themes import Palette
from tui.bridge import Bridge
from tui.engine import Engine, MakeSession
from tui.screens.live import LiveScreen, Wiring
from tui.theme import DEFAULT, textual_theme, variables


class LiveApp(App[None]):
    """One session on a screen.

    Args:
        wiring: what the screen is connected to.
        theme: name of the palette to begin with.
    """

    TITLE = "distill-tui"

    def __init__(self, wiring: Wiring, theme: str = DEFAULT) -> None:
        self._palettes = wiring.palettes
        self._own_themes: dict[str, Theme] = {}
        super().__init__()
        self.wiring = wiring
        # Textual asks for the themes whenever it looks up a style, so they are put together once.
        self._own_themes = {name: textual_theme(palette) for name, palette in wiring.palettes.items()}
        for own in self._own_themes.values():
            self.register_theme(own)
        self.theme = theme

    @property
    def available_themes(self) -> dict[str, Theme]:
        """The palettes; Textual's own themes lack the colours that the screens use."""
        return self._own_themes or super().available_themes

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours for the time before a palette is chosen."""
        return variables(self._palettes[DEFAULT])

    def on_mount(self) -> None:
        """Open the screen and let the engine go."""
        self.push_screen(LiveScreen(self.wiring))
        self.wiring.engine.start()

    async def action_quit(self) -> None:
        """Quit as the screen does, which may ask first."""
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen):
                screen.action_act("app.quit")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette: the registry of actions, those that apply now."""
        if isinstance(screen, LiveScreen):
            for action in screen.registry.applying(screen.situation):
                yield SystemCommand(action.label, action.help, partial(screen.action_act, action.id))


def wire(
    make_session: MakeSession,
    *,
    policy: PolicyName,
    who: str,
    palettes: dict[str, Palette] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Wiring:
    """Connect a session that is still to be made with a screen that is still to be opened."""
    bridge = Bridge()
    person = PersonApprover(who, bridge.show)
    approver = PolicyApprover(policy, person)
    return Wiring(
        engine=Engine(make_session, approver, bridge),
        bridge=bridge,
        person=person,
        policy=approver,
        who=who,
        palettes=palettes or themes.available(),
        now=now,
    )


def run_live(
    make_session: MakeSession,
    *,
    policy: PolicyName = "ask",
    who: str,
    theme: str = DEFAULT,
    theme_folders: Iterable[Path] = (),
) -> RunResult | None:
    """Run a session on the live screen until the person leaves it. Blocks.

    Args:
        make_session: makes the session from an approver, sinks and a receiver of signals; called on the engine's
            thread, once the screen is open.
        policy: who approves at the start.
        who: the person's name, for the record.
        theme: name of the palette.
        theme_folders: where more palettes are looked for.

    Returns:
        The result; None where the person dropped the session.

    Raises:
        ConfigError: there is no such theme, or a theme is not right.
        DistillError: what the engine ended with; the person has seen it.
    """
    palettes = themes.available(*theme_folders)
    if theme not in palettes:
        raise ConfigError("no such theme", found=theme, remedy="use " + ", ".join(sorted(palettes)))
    wiring = wire(make_session, policy=policy, who=who, palettes=palettes)
    try:
        LiveApp(wiring, theme).run()
    finally:
        wiring.bridge.close()
        _end(wiring.engine, who)
    if wiring.engine.error is not None:
        raise wiring.engine.error
    return wiring.engine.result


GRACE = 10.0
"""Seconds that a session gets to end by itself once its screen is gone."""


def _end(engine: Engine, who: str) -> None:
    """See the session to its end: nobody is left to decide."""
    if not engine.alive:
        return
    engine.stop(who)
    if not engine.join(GRACE):
        engine.cancel()
        engine.join(GRACE)
