"""`distill-tui compare`: two sessions or branches beside one another."""

from __future__ import annotations

import sys
from typing import Any

import click

from tui.cli.options import config_options
from tui.saying import say_json


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
    from distill_core.evidence import Evidence, readable
    from sessions.comparing import Winner, compare, prefer
    from tui.cli.kept import opened, who
    from tui.cli.options import flags

    one, other = opened(first, options), opened(second, options)
    effective = load_settings(flags(options), path=options["config"])
    evidence = Evidence(readable(one.context))
    same = one.record.started.document.sha256 == other.record.started.document.sha256
    found = compare(
        one.record.state,
        other.record.state,
        evidence=(evidence, evidence if same else Evidence(readable(other.context))),
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
