"""`distill-tui home`: the home screen, which the program opens where no command is given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from tui.cli.hushed import hushed
from tui.cli.options import config_options, flags


@click.command("home")
@config_options
@click.option("--theme", metavar="NAME", help="Palette of the screen.")
def command(**options: Any) -> int:
    """Recent sessions, a new one, examples; opens where no command is given."""
    with hushed():
        from distill_core.config import home_path, load_settings
        from distill_core.errors import ConfigError
        from tui.cli.launch import on_terminal
        from tui.setup import setup_of

        # The browser is a terminal too, of which the file descriptors know nothing.
        if not on_terminal() and "TEXTUAL_DRIVER" not in os.environ:
            raise ConfigError(
                "the home screen needs a terminal", remedy="use a command, see distill-tui --help"
            )
        effective = load_settings(flags(options), path=options["config"])
        setup = setup_of(effective, options["config"])
    return show_home(setup, home_path(effective.settings), given(options))


def show_home(setup: Any, home: Path, options: list[str]) -> int:
    """Open the home screen; returns when the person has left it."""
    with hushed():
        from tui.app import DistillApp
        from tui.screens.home import HomeScreen
        from tui.stage import AppStage

        app = DistillApp(setup, lambda: HomeScreen(setup, home, stage, options))
        stage = AppStage(app)
    try:
        app.run()
    finally:
        stage.close()
    return app.return_code or 0


def given(options: dict[str, Any]) -> list[str]:
    """The options that other commands are to get as well."""
    names = (("config", "--config"), ("home", "--home"))
    return [part for name, option in names if options[name] for part in (option, str(options[name]))]
