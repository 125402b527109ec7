"""`distill-tui resume`: go on with a session whose program died."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tui.cli.options import config_options, going_on_options, model_options, session_options
from tui.saying import say

if TYPE_CHECKING:
    from distill_core.config import Effective, Models
    from tui.cli.planned import Plan


@click.command("resume")
@click.argument("session", required=False)
@going_on_options
@session_options
@model_options
@config_options
def command(session: str | None, on_divergence: str, **options: Any) -> int:
    """Go on with a session whose program died, in the state of its last event.

    SESSION is its folder, its id, or the beginning of one; the newest unfinished one if not given. What it did before
    is not done again: replies are those of its record, and cells are run once more only to bring their variables back.
    """
    from distill_core.errors import LogError
    from distill_core.resuming import resume
    from sessions.forking import unfinished
    from tui.cli.kept import home_of, limits_for, opened, same_models, settings_for
    from tui.cli.launch import launch_planned
    from tui.cli.planned import Plan
    from tui.cli.rebuilding import checked

    if session is None:
        left = unfinished(home_of(options))
        if not left:
            raise LogError("no session is unfinished", remedy="name one to fork: distill-tui fork SESSION")
        session = str(left[0])
    kept = opened(session, options)
    earlier = resume(kept.reading)
    record = earlier.record
    say(f"going on with {record.started.session_id}: {' '.join(record.started.query.split())}")
    effective = settings_for(record, options)

    def plan(effective: Effective, models: Models, isolation: str) -> Plan:
        from distill_core.primitives import load_primitives
        from distill_core.respecifying import spec_of

        same_models(record, models, options)
        spec = spec_of(
            record,
            kept.context,
            session_id=record.started.session_id,
            log_dir=kept.folder,
            documents_dir=kept.documents,
            limits=limits_for(record, effective),
            prices=models.prices,
            primitives=load_primitives(effective.settings.session.primitives),
            isolation=isolation,
        )
        way: Any = on_divergence
        return Plan(
            spec=spec,
            earlier=checked(earlier, kept, isolation, way, may_branch=False),
            asks=on_divergence == "ask",
        )

    return launch_planned(effective, options, plan)
