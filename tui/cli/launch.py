"""From options to a running session: settings, models and document are put together, then shown live or headless."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import click
import msgspec

from tui.cli.options import flags, json_is_told
from tui.cli.planned import Plan, Planned, for_the_record, place
from tui.cli.program import INTERRUPTED
from tui.saying import say, say_json

if TYPE_CHECKING:
    from distill_core.approval import PolicyName
    from distill_core.config import Effective, Models
    from distill_core.rerunning import Rerun
    from distill_core.session import Session
    from distill_core.specification import Context, RunResult, SessionSpec
    from tui.branching import MakeFork
    from tui.diverging import Choice
    from tui.engine import MakeSession
    from tui.headless import Outcome

PARTIAL = 1
"""Exit status of a session that ended without an answer of its own."""


class Stage(Protocol):
    """A program with a screen of its own on which sessions are shown, one at a time."""

    def show(
        self, make_session: MakeSession, *, policy: PolicyName, who: str, fork: MakeFork | None = None
    ) -> RunResult | None:
        """Run a session there until the person leaves it; `fork` makes forks of it.

        Returns:
            The result; None where it was left before its end, or ended with a DistillError, which the screen has told.

        Raises:
            Exception: a fault of the program that the session ended with.
        """
        ...

    def ask_about(self, run: Rerun, *, may_branch: bool) -> Choice:
        """What the person wants where a recorded cell came out differently."""
        ...


Planning: TypeAlias = "Callable[[Effective, Models, str], Plan]"
"""Makes the plan from settings, models and the level of isolation that is asked for."""


def launch(name: str, context: Context, question: str, options: dict[str, Any]) -> int:
    """Run a new session and show it; as `launch_planned`."""
    from distill_core.config import load_settings

    effective = load_settings(flags(options), path=options.get("config"))

    def plan(effective: Effective, models: Models, isolation: str) -> Plan:
        return Plan(spec=_new(effective, models, name, context, question, isolation))

    return launch_planned(effective, options, plan)


def launch_planned(
    effective: Effective,
    options: dict[str, Any],
    planning: Planning,
    *,
    tell: bool = True,
    on_session: Callable[[Session], None] = lambda _: None,
) -> int:
    """Run a session and show it; returns the exit status: 0 answered, 1 not, 130 interrupted.

    Args:
        tell: whether the answer goes to stdout, headless.
        on_session: told of the session before it runs; its folder stands once it has begun.

    Raises:
        DistillError: a setting is wrong, a model cannot be had, or the session could not start.
    """
    from distill_core.config import choose_models

    unwalled = bool(options["unsafe_no_sandbox"])
    if unwalled and options["isolation"] is not None:
        raise click.UsageError("--isolation and --unsafe-no-sandbox exclude one another.")
    context = click.get_current_context(silent=True)
    stage: Stage | None = context.obj if context is not None else None
    wanted = bool(options["headless"] or options["as_json"])
    headless = stage is None and (wanted or not on_terminal())
    unwatched = wanted or not _streams_are_terminals()
    models = choose_models(effective, gguf=options["gguf"], playbook=options["playbook"])
    for note in models.notes if stage is None else ():  # the home screen stands where it would be said
        say(f"note: {note}")
    try:
        isolation = "none" if unwalled else effective.settings.session.isolation
        planned = Planned(
            effective,
            models,
            planning(effective, models, isolation),
            config=options.get("config"),
            on_session=on_session,
        )
        # At a terminal on which nothing can be drawn a person sits all the same.
        policy = _policy(effective, headless and unwatched)
        try:
            if headless:
                if (
                    policy == "auto"
                    and effective.is_default("session.approve")
                    and planned.plan.approver is None
                ):
                    say("nobody is asked: steps are approved by policy auto (--approve ask asks here)")
                outcome = _headless(planned, policy, as_json=options["as_json"])
                if tell:
                    _tell(outcome.result, as_json=options["as_json"])
                    _tell_partial(outcome.result)
                _tell_folder(outcome.result)
                return INTERRUPTED if outcome.interrupted else _status(outcome.result)
            # What stands in for a model or a person gives what a record holds, which a fork leaves.
            free = planned.plan.supervisor is None and planned.plan.approver is None
            fork = planned.fork if free else None
            if stage is not None:
                shown = stage.show(planned.seen, policy=policy, who=planned.who, fork=fork)
                return PARTIAL if shown is None else _status(shown)
            from tui.running import run_live
            from tui.setup import setup_of

            setup = setup_of(effective, options.get("config"))
            result = run_live(planned.seen, policy=policy, who=planned.who, setup=setup, fork=fork)
        finally:
            planned.close()
    finally:
        models.close()
    for folder in planned.forks:
        say(f"a fork of it is kept in {folder}")
    if result is None:
        _tell_unfinished(planned.folder)
        return PARTIAL
    # The screen is gone with all that stood on it; the answer stays in the terminal.
    _tell(result, as_json=False)
    _tell_partial(result, result.reason)
    for note in result.notes:
        say(f"note: {note}")
    _tell_folder(result)
    return _status(result)


def _headless(planned: Planned, policy: PolicyName, *, as_json: bool) -> Outcome:
    """Run without a screen; a session that could not be run is told `as_json` too, and raised."""
    from distill_core.approval import PolicyApprover
    from distill_core.errors import DistillError
    from tui.headless import Asker, Ended, Progress, ended_by_signals, run_headless
    from tui.headless.looking import Around

    asker = Asker(planned.who)
    # With nobody asked, a used-up budget ends the session.
    approver = PolicyApprover(policy, None if policy == "auto" else asker.approver)
    earlier = planned.plan.earlier
    before = earlier.record.state if earlier is not None and earlier.resumes else None
    with Progress(before=before) as progress:
        asker.quiet = progress.quiet
        progress.on_difference = asker.differs
        session = planned.session(approver, (progress,), progress.signal)
        asker.around = Around(session=session, policy=approver, state=lambda: progress.state)
        try:
            with ended_by_signals():
                return run_headless(session, meanwhile=lambda: progress.trying_again(session.again))
        except Ended as ended:
            with suppress(OSError):  # the terminal may be gone
                _tell_unfinished(session.folder)
            raise click.exceptions.Exit(128 + ended.number) from ended
        except DistillError as error:
            if as_json:
                _tell(_failed(session, error), as_json=True)
                json_is_told()
            if not progress.has_said(str(error)) or os.environ.get("DISTILL_DEBUG"):
                raise
            if session.folder is not None:
                _tell_kept("failed", session.folder)
            raise click.exceptions.Exit(PARTIAL) from error


def _tell_partial(result: RunResult, why: str = "") -> None:
    """Say on stderr that what stands on stdout is not the whole answer; `why` where that was not told yet."""
    if result.partial and result.answer:
        what = "when the budget was used up" if result.status == "budget" else "not an answer that FINAL gave"
        say(f"partial: this is the best there was, {what}{f': {why}' if why else ''}")


def _tell_folder(result: RunResult) -> None:
    """Say where the session is kept, if it is."""
    if result.log_dir is not None:
        _tell_kept(result.status, Path(result.log_dir))


def _tell_unfinished(folder: Path | None) -> None:
    if folder is not None:
        say(f"the session stands as it is; go on with: distill-tui resume {folder.name}")


def _tell_kept(status: str, folder: Path) -> None:
    ways = f"; go on with: distill-tui fork {folder.name}" if status == "failed" else ""
    say(f"{status}; the session is kept in {folder}{ways}")


def _status(result: RunResult) -> int:
    return PARTIAL if result.partial else 0


def on_terminal() -> bool:
    """Whether there is a terminal that a screen can be drawn on."""
    return _streams_are_terminals() and os.environ.get("TERM") != "dumb"


def _streams_are_terminals() -> bool:
    # The screen is drawn on stderr, so that stdout stays the answer's.
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _policy(effective: Effective, headless: bool) -> PolicyName:
    """What was asked for; else a person decides on a screen, and nobody where there is none."""
    if headless and effective.is_default("session.approve"):
        return "auto"
    return effective.settings.session.approve


def _new(
    effective: Effective, models: Models, name: str, context: Context, question: str, isolation: str
) -> SessionSpec:
    """The specification of a new session."""
    from distill_core.primitives import load_primitives
    from distill_core.specification import SessionSpec

    settings = effective.settings
    return SessionSpec(
        query=question,
        context=context,
        document_name=name,
        limits=settings.limits,
        repl_limits=settings.repl,
        output_limit=settings.session.output_limit,
        worker_ctx_k=models.worker_ctx_k,
        dialect=settings.session.dialect,
        prompt_style=models.prompt_style,
        prices=models.prices,
        config=for_the_record(effective),
        seed=settings.session.seed,
        primitives=load_primitives(settings.session.primitives),
        isolation=isolation,
        **place(effective),
    )


def _failed(session: Session, error: Exception) -> RunResult:
    """What a session came to that ended with an error instead of a result."""
    from distill_core.models.base import Usage
    from distill_core.specification import RunResult

    return RunResult(
        answer="",
        iterations=0,
        supervisor_usage=Usage(),
        worker_usage=Usage(),
        elapsed=session.elapsed,
        status="failed",
        partial=True,
        reason=str(error),
        session_id=session.session_id,
        log_dir=session.folder,
    )


def _tell(result: RunResult, *, as_json: bool) -> None:
    """The answer on stdout; nothing where there is none."""
    from tui.text import clean

    if not as_json:
        if not result.answer:
            return
        click.echo(clean(result.answer) if sys.stdout.isatty() else result.answer)
        return
    told = {
        "answer": result.answer,
        "status": result.status,
        "partial": result.partial,
        "reason": result.reason,
        "iterations": result.iterations,
        "supervisor_usage": msgspec.to_builtins(result.supervisor_usage),
        "worker_usage": msgspec.to_builtins(result.worker_usage),
        "cost": result.cost,
        "elapsed": round(result.elapsed, 3),
        "session": result.session_id,
        "log_dir": str(result.log_dir) if result.log_dir else None,
    }
    say_json(told)
