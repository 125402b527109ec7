"""`distill-tui review`: judge kept sessions one after the other, or look at one with playback."""

from __future__ import annotations

import sys
from typing import Any

import click

from tui.cli.options import config_options


@click.command("review")
@click.argument("session", required=False)
@click.option("--filter", "words", metavar="WORDS", help="Which sessions: as `sessions list` takes them.")
@click.option("--all", "everything", is_flag=True, help="Also those that you have judged already.")
@click.option("--rubric", metavar="FILE", help="The criteria, as TOML. [default: a rubric that comes along]")
@config_options
def command(
    session: str | None, words: str | None, everything: bool, rubric: str | None, **options: Any
) -> int:
    """Judge kept sessions one after the other, or look at SESSION with playback.

    SESSION is a folder, an id, the beginning of one, or last (the newest). Without it the queue opens where you left
    it: sessions that you have not judged, or what --filter selects. Every key is written to the session's log at once.
    """
    from distill_core.config import home_path, load_settings
    from tui.cli.kept import forked, who
    from tui.cli.options import flags
    from tui.setup import setup_of

    effective = load_settings(flags(options), path=options["config"])
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise click.UsageError("The review needs a terminal.")
    setup = setup_of(effective, options["config"])
    if session is not None:
        from sessions.home import Home
        from sessions.kept import readable
        from tui.review import run_past
        from tui.saying import say

        kept = readable(Home(home_path(effective.settings)).find(session))
        if kept.trouble:
            say(f"note: {kept.trouble}")
        return forked(run_past(kept, who=who(effective), setup=setup), options)
    from distill_core.config.rubric import load_rubric
    from sessions import Filter
    from sessions.home import Home
    from sessions.waiting import Queue
    from tui.review import run_queue

    person = who(effective)
    home = Home(home_path(effective.settings)).there()
    left = setup.memory.reviewed(person)
    mine = str(Filter().with_term("unreviewed", person))
    chosen = words if words is not None else "" if everything else left.words or mine
    queue = Queue(home.path, person, chosen, annotator=setup.named)
    queue.return_to(left.places.get(chosen, ""))
    labels = tuple(effective.settings.annotation.labels)
    criteria = load_rubric(rubric or effective.settings.annotation.rubric)
    return forked(run_queue(queue, criteria, setup=setup, labels=labels), options)
