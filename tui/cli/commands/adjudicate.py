"""`distill-tui adjudicate`: settle what annotators disagree on."""

from __future__ import annotations

import sys
from typing import Any

import click

from tui.cli.options import config_options


@click.command("adjudicate")
@click.argument("session")
@config_options
def command(session: str, **options: Any) -> int:
    """Settle what the annotators of SESSION disagree on; what you settle counts.

    SESSION is a folder, an id, the beginning of one, or last (the newest by its start).
    """
    from distill_core.config import load_settings
    from sessions.home import Home
    from tui.cli.kept import home_of, who
    from tui.cli.options import flags

    folder = Home(home_of(options)).find(session)
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise click.UsageError("Settling needs a terminal; distill-tui agreement says how far they agree.")
    from tui.app import DistillApp
    from tui.screens.adjudicate import AdjudicateScreen, Bench
    from tui.setup import setup_of

    effective = load_settings(flags(options), path=options["config"])
    setup = setup_of(effective, options["config"])
    bench = Bench(folder, who(effective))
    DistillApp(setup, lambda: AdjudicateScreen(bench, setup)).run()
    return 0
