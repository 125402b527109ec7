"""`distill-tui replay`: does a session come out the same; and what would another worker have said?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from distill_core.plurals import count
from tui.cli.options import config_options, model_options, session_options
from tui.saying import say, say_json
from tui.text import clean

if TYPE_CHECKING:
    from distill_core.config import Effective, Models
    from distill_core.replaying import Replay
    from distill_core.rerunning import Rerun
    from distill_core.session import Session
    from distill_core.state import SessionState
    from distill_core.trying_again import Comparison
    from sessions.kept import Kept
    from tui.cli.planned import Plan

LIVE = "live"
SHOWN = 12
"""Prompts with other replies that are shown."""


@click.command("replay")
@click.argument("session")
@click.option("--all", "to_the_end", is_flag=True, help="Go on after a cell that comes out differently.")
@session_options
@model_options
@config_options
def command(session: str, to_the_end: bool, **options: Any) -> int:
    """Run a session's cells again with what they were answered, and say whether they come out equal.

    Calls no model. SESSION is a folder, an id, the beginning of one, or last (the newest). With --worker (a
    model, or "live" for the configured one) the same code runs with that worker, as a session of its own, and what the
    two said is compared. Exits with 1 where something came out differently.
    """
    from tui.cli.kept import opened

    kept = opened(session, options)
    if options["worker"] or options["gguf"]:
        return _with_another_worker(kept, options)
    return _again(kept, options, to_the_end=to_the_end)


def _again(kept: Kept, options: dict[str, Any], *, to_the_end: bool) -> int:
    from distill_core.replaying import replay

    as_json = options["as_json"]
    isolation = "none" if options["unsafe_no_sandbox"] else options["isolation"] or "auto"

    def told(run: Rerun) -> None:
        from tui.cli.kept import difference_lines

        if as_json:
            return
        verdict = "DIVERGED" if run.differences else "cut where its record ends" if run.cut else "equal"
        click.echo(f"step {run.cell.step}, cell {run.cell.cell_id}: {verdict}, {run.result.elapsed:.2f} s")
        for line in difference_lines(run.differences)[1:]:
            click.echo(clean(line))

    result = asyncio.run(
        replay(kept.record, kept.context, isolation=isolation, to_the_end=to_the_end, on_rerun=told)
    )
    if as_json:
        say_json(_as_json(result))
    else:
        for cell_id in result.unfinished:
            click.echo(f"cell {cell_id}: not run again, the program died while it ran")
        left = len(kept.record.finished_cells) - len(result.reruns)
        after = (
            f"; {count(left, 'cell')} after it {'was' if left == 1 else 'were'} not run (--all runs them)"
            if left
            else ""
        )
        click.echo(f"{clean(result.session_id)}: {'equal' if result.equal else 'diverged'}{after}")
    return 0 if result.equal else 1


def _as_json(result: Replay) -> dict[str, Any]:
    return {
        "session": result.session_id,
        "equal": result.equal,
        "isolation": result.isolation,
        "unfinished": list(result.unfinished),
        "cells": [
            {
                "step": run.cell.step,
                "cell": run.cell.cell_id,
                "equal": not run.differences,
                "cut": run.cut,
                "differences": [
                    {"kind": d.kind, "recorded": d.recorded, "now": d.found} for d in run.differences
                ],
            }
            for run in result.reruns
        ],
    }


def _with_another_worker(kept: Kept, options: dict[str, Any]) -> int:
    from distill_core.config import load_settings
    from distill_core.errors import DivergenceError
    from distill_core.reading import read_session
    from distill_core.state import fold
    from distill_core.trying_again import KIND, DecidedAgain, compare, supervisor_again
    from tui.cli.kept import limits_for, settings_for
    from tui.cli.launch import launch_planned
    from tui.cli.options import flags
    from tui.cli.planned import Plan, place

    record = kept.record
    # The supervisor's replies are those on record; the playbook only stands in for a model that is not needed.
    asked = {**options, "as_json": False, "headless": True, "playbook": True, "supervisor": None}
    if asked["worker"] == LIVE:
        asked["worker"] = None
        effective = load_settings(flags(asked), path=options["config"])
    else:
        effective = settings_for(record, asked)
    sessions: list[Session] = []

    def plan(effective: Effective, models: Models, isolation: str) -> Plan:
        from distill_core.continuing import Earlier
        from distill_core.events import Parent
        from distill_core.primitives import load_primitives
        from distill_core.record import record_of
        from distill_core.respecifying import spec_of

        spec = spec_of(
            record,
            kept.context,
            limits=limits_for(record, effective),
            prices={role: price for role, price in models.prices.items() if role == "worker"},
            worker_ctx_k=models.worker_ctx_k,
            primitives=load_primitives(effective.settings.session.primitives),
            isolation=isolation,
            kind=KIND,
            **place(effective),
        )
        parent = Parent(session_id=record.started.session_id, steps=0)
        nothing = record_of([record.started])
        return Plan(
            spec=spec,
            earlier=Earlier(record=nothing, parent=parent),
            supervisor=supervisor_again(record),
            approver=DecidedAgain(record),
        )

    ended = ""
    beyond = "with this worker the code went on beyond what is on record of the supervisor"
    try:
        launch_planned(effective, asked, plan, tell=False, on_session=sessions.append)
    except DivergenceError:
        ended = beyond
    except click.exceptions.Exit as told:  # what the progress has told already
        if not isinstance(told.__cause__, DivergenceError):
            raise
        ended = beyond
    made = sessions[0].folder
    assert made is not None
    found = compare(record.state, fold(read_session(made).events))
    if options["as_json"]:
        say_json({**_compared(found), "log_dir": str(made)})
    else:
        _tell(found)
    if ended:
        say(ended)
    say(f"the session with the other worker is kept in {made}")
    return 0 if found.same == len(found.pairs) else 1


def _answer(state: SessionState) -> str:
    finished = state.finished
    return finished.answer.text if finished is not None and finished.answer is not None else ""


def _side(state: SessionState) -> dict[str, Any]:
    """What one of the two sessions came to."""
    finished = state.finished
    return {
        "worker": state.started.worker if state.started else "",
        "status": finished.status if finished else None,
        "answer": _answer(state),
        "calls": len(state.call_order),
        "tokens": state.worker_usage.total_tokens,
        "cost": finished.cost if finished else None,
    }


def _compared(found: Comparison) -> dict[str, Any]:
    return {
        "before": _side(found.before),
        "now": _side(found.now),
        "same_replies": found.same,
        "prompts": len(found.pairs),
        "pairs": [
            {"step": p.step, "prompt": p.prompt, "before": p.before, "now": p.now, "same": p.same}
            for p in found.pairs
        ],
    }


def _tell(found: Comparison) -> None:
    """The comparison, for people."""
    for name, state in (("recorded", found.before), ("now", found.now)):
        side = _side(state)
        line = f"{name:9} {side['worker']}: {side['status']}, {count(side['calls'], 'call')}, {side['tokens']} tokens"
        click.echo(clean(line))
        click.echo(clean(f"{'':9} answer: {_line(side['answer']) or 'none'}"))
    click.echo(f"{found.same} of {len(found.pairs)} prompts got the same reply")
    other = [pair for pair in found.pairs if not pair.same]
    for pair in other[:SHOWN]:
        click.echo(clean(f"step {pair.step}: {_line(pair.prompt)}"))
        click.echo(clean(f"  recorded  {_line(pair.before)}"))
        click.echo(clean(f"  now       {_line(pair.now)}"))
    if len(other) > SHOWN:
        click.echo(f"… {len(other) - SHOWN} more; --json gives all")


def _line(text: str | None) -> str:
    """`text` on one line, cut where it is long."""
    if text is None:
        return "(nothing)"
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:99] + "…"
