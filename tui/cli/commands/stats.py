"""`distill-tui stats`: what the kept sessions come to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from distill_core.plurals import count
from tui.cli.commands.sessions import all_judgements, as_json, opened
from tui.cli.listing import left_out, money
from tui.cli.options import config_options
from tui.cli.worded import WORDS, Worded
from tui.saying import say, say_json
from tui.text import clean

if TYPE_CHECKING:
    from sessions.stats import Stats


@click.command("stats", cls=Worded, context_settings=WORDS)
@click.argument("words", nargs=-1, metavar="[FILTER]...")
@click.option("--examples", is_flag=True, help="The sessions that come with the program too.")
@click.option("--plots", is_flag=True, help="On a screen, with plots.")
@all_judgements
@as_json
@config_options
def command(words: tuple[str, ...], examples: bool, plots: bool, as_json: bool, **options: Any) -> None:
    """Counts, acceptance by model, edits, cost, time to decide, labels.

    FILTER selects the sessions, as for `sessions list`. Those that come with the program are left out where it does
    not ask for them.
    """
    from sessions import parse
    from sessions.stats import own

    wanted = parse(" ".join(words))
    with opened(options) as store:
        found, left = own(store, wanted, examples=examples)
    if left and not plots:
        say(left_out(left))
    if as_json:
        say_json(found)
    elif plots:
        from distill_core.config import load_settings
        from tui.browsing.showing import show_stats
        from tui.cli.options import flags
        from tui.setup import setup_of

        config = options.get("config")
        setup = setup_of(load_settings(flags(options), path=config), config)
        show_stats(setup, found, str(wanted), left)
    else:
        for line in lines(found):
            click.echo(line)


def lines(found: Stats) -> Iterator[str]:
    """The statistics in words."""
    yield f"sessions      {found.sessions} ({_counts(found.by_status)})"
    yield f"steps         {found.steps}, {count(found.cells, 'cell')}, {found.errors} failed"
    yield f"worker calls  {found.worker_calls}, {found.failed_calls} failed"
    yield f"tokens        {found.tokens}"
    known = f"{money(found.cost)} over {count(found.priced, 'session')} of known cost"
    yield f"cost          {known if found.priced else 'of no session is known'}"
    yield f"time          {found.seconds / 3600:.2f} h"
    yield f"decisions     {_counts(found.actions)} by persons; {_counts(found.policies)} by policies"
    if found.decision_seconds is not None:
        median, late = found.decision_seconds
        yield f"to decide     {median:.1f} s in the median, {late:.1f} s at the 90th percentile"
    yield f"edits         {_counts(found.edits)}"
    of = found.sessions or 1
    yield (
        f"judged        {found.reviewed} reviewed ({found.reviewed / of:.0%}), {found.rated} rated, "
        f"{found.labelled} labelled"
    )
    yield f"labels        {_counts(found.labels)}"
    yield "acceptance by model"
    for share in found.models:
        rate = "n/a" if share.rate is None else f"{share.rate:.0%}"
        yield f"  {rate:>5} of {share.decided:<5} {clean(share.model)} ({count(share.sessions, 'session')})"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{clean(name)} {count}" for name, count in counts.items()) or "none"
