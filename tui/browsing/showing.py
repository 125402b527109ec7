"""Opening the screens of kept sessions by themselves, from the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from distill_core.errors import ConfigError

if TYPE_CHECKING:
    from sessions.stats import Stats
    from tui.live.playback import Fork
    from tui.setup import Setup


def show_sessions(setup: Setup, home: Path, who: str, words: str) -> Fork | None:
    """The list of kept sessions, until the person leaves it. Blocks.

    Returns:
        The arguments of `distill-tui fork`, where the person wants to go on in a fork.

    Raises:
        ConfigError: there is no terminal.
    """
    _need_terminal("distill-tui sessions list")
    from tui.app import DistillApp
    from tui.screens.sessions import SessionsScreen

    return DistillApp(setup, lambda: SessionsScreen(setup, home, who, words)).run()


def show_stats(setup: Setup, found: Stats, words: str, left: int) -> None:
    """Statistics with plots, until the person leaves them. Blocks.

    Raises:
        ConfigError: there is no terminal.
    """
    _need_terminal("distill-tui stats")
    from tui.app import DistillApp
    from tui.screens.statistics import StatisticsScreen

    DistillApp(setup, lambda: StatisticsScreen(found, words, left)).run()


def _need_terminal(instead: str) -> None:
    # The screen is drawn on stderr; in a browser it has a driver of its own and no terminal.
    there = all(stream.isatty() for stream in (sys.stdin, sys.stderr)) and os.environ.get("TERM") != "dumb"
    if not there and "TEXTUAL_DRIVER" not in os.environ:
        raise ConfigError("this screen needs a terminal", remedy=f"use {instead}")
