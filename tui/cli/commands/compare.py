"""`distill-tui compare`: two sessions or branches beside one another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from tui.cli.options import config_options
from tui.saying import say, say_json

if TYPE_CHECKING:
    from distill_core.state import SessionState


@click.command("compare")
@click.argument("first")
@click.argument("second")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@config_options
def command(first: str, second: str, as_json: bool, **options: Any) -> int:
    """Put FIRST and SECOND beside one another: outcome, cost, evidence, and their code step by step.

    Each is a folder, an id, the beginning of one, or last (the newest). On a terminal a screen opens, where a key says
    which of the two is better; elsewhere the comparison is printed.
    """
    from distill_core.config import load_settings
    from distill_core.errors import LogError
    from distill_core.evidence import Evidence, readable
    from sessions.comparing import Winner, compare, prefer
    from sessions.home import Home
    from sessions.kept import Kept, fitting
    from tui.cli.kept import home_of, who
    from tui.cli.options import flags

    def evidence(kept: Kept) -> Evidence | None:
        try:
            return Evidence(readable(kept.context))
        except LogError as error:  # what it quotes cannot be looked up then
            say(f"note: {error}")
            return None

    home = Home(home_of(options))
    one, other = fitting(home.find(first)), fitting(home.find(second))
    effective = load_settings(flags(options), path=options["config"])
    looked_up = evidence(one)
    same = _document(one.state) == _document(other.state)
    found = compare(
        one.state,
        other.state,
        evidence=(looked_up, looked_up if same else evidence(other)),
        who=who(effective),
    )
    terminal = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    if as_json or not terminal:
        from tui.comparing import as_data, plain_lines

        if as_json:
            say_json(as_data(found))
        else:
            click.echo("\n".join(plain_lines(found)))
        return 0
    from tui.app import DistillApp
    from tui.screens.side_by_side import SideBySideScreen
    from tui.setup import setup_of

    setup, name = setup_of(effective, options["config"]), who(effective)

    def record(winner: Winner, reason: str) -> None:
        prefer(
            (one.folder, found.one.session_id),
            (other.folder, found.other.session_id),
            winner,
            by=name,
            reason=reason,
        )

    DistillApp(setup, lambda: SideBySideScreen(found, setup, record)).run()
    return 0


def _document(state: SessionState) -> str | None:
    return None if state.started is None else state.started.document.sha256
