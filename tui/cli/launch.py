"""From options to a running session: settings, models and document are put together, then shown live or headless."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import click
import msgspec

from tui.cli.options import flags
from tui.cli.program import INTERRUPTED
from tui.saying import say, say_json

if TYPE_CHECKING:
    from distill_core.approval import Approver, PolicyName
    from distill_core.config import Effective, Models
    from distill_core.continuing import Earlier
    from distill_core.models.base import ModelHandler
    from distill_core.models.cache import ResponseCache
    from distill_core.recorder import Sink
    from distill_core.session import Context, RunResult, Session, SessionSpec
    from distill_core.signals import OnSignal
    from sessions.live import LiveIndex
    from tui.engine import MakeSession
    from tui.headless import Outcome
    from tui.setup import Setup

PARTIAL = 1
"""Exit status of a session that ended without an answer of its own."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A session to be: what it is made from.

    Args:
        spec: its specification.
        earlier: what it goes on from, if anything.
        supervisor: in the place of the configured one.
        approver: in the place of a person or a policy.
    """

    spec: SessionSpec
    earlier: Earlier | None = None
    supervisor: ModelHandler | None = None
    approver: Approver | None = None


class Stage(Protocol):
    """A program with a screen of its own on which sessions are shown, one at a time."""

    def show(self, make_session: MakeSession, *, policy: PolicyName, who: str) -> RunResult | None:
        """Run a session there until the person leaves it.

        Returns:
            The result; None where it was left before its end, or ended with a DistillError, which the screen has told.

        Raises:
            Exception: a fault of the program that the session ended with.
        """
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
    headless = stage is None and bool(options["headless"] or options["as_json"] or not on_terminal())
    models = choose_models(effective, gguf=options["gguf"], playbook=options["playbook"])
    try:
        isolation = "none" if unwalled else effective.settings.session.isolation
        launched = _Launch(effective, models, planning(effective, models, isolation), on_session)
        policy = _policy(effective, headless)
        try:
            if headless:
                outcome = launched.headless(policy, as_json=options["as_json"])
                if tell:
                    _tell(outcome.result, as_json=options["as_json"])
                if outcome.result.log_dir is not None:
                    say(f"{outcome.result.status}; the session is kept in {outcome.result.log_dir}")
                return INTERRUPTED if outcome.interrupted else _status(outcome.result)
            if stage is not None:
                shown = launched.on(stage, policy)
                return PARTIAL if shown is None else _status(shown)
            from tui.setup import setup_of

            result = launched.live(policy, setup_of(effective, options.get("config")))
        finally:
            launched.close()
    finally:
        models.close()
    if result is None:
        if (folder := launched.folder) is not None:
            say(f"the session stands as it is; go on with: distill-tui resume {folder.name}")
        return PARTIAL
    # The screen is gone with all that stood on it; the answer stays in the terminal.
    _tell(result, as_json=False)
    for note in result.notes:
        say(f"note: {note}")
    if result.log_dir is not None:
        say(f"{result.status}; the session is kept in {result.log_dir}")
    return _status(result)


def _status(result: RunResult) -> int:
    return PARTIAL if result.partial else 0


def on_terminal() -> bool:
    """Whether there is a terminal that a screen can be drawn on."""
    # The screen is drawn on stderr, so that stdout stays the answer's.
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return all(stream.isatty() for stream in streams) and os.environ.get("TERM") != "dumb"


def _policy(effective: Effective, headless: bool) -> PolicyName:
    """What was asked for; else a person decides on a screen, and nobody where there is none."""
    if headless and effective.is_default("session.approve"):
        return "auto"
    return effective.settings.session.approve


class _Launch:
    """A session about to start."""

    def __init__(
        self,
        effective: Effective,
        models: Models,
        plan: Plan,
        on_session: Callable[[Session], None],
    ) -> None:
        self._effective = effective
        self._models = models
        self._plan = plan
        self._on_session = on_session
        self._who = effective.settings.screen.name or getpass.getuser()
        self._replies: ResponseCache | None = None
        self._index: LiveIndex | None = None
        self._troubles: list[str] = []
        self._session: Session | None = None

    @property
    def folder(self) -> Path | None:
        """Where the session is kept; None where it was not kept or never made."""
        return None if self._session is None else self._session.folder

    def close(self) -> None:
        """Let go of what was opened for the session, which is over; say what kept it out of the index."""
        if self._replies is not None:
            self._replies.close()
        if self._index is not None:
            self._index.close()
        for trouble in dict.fromkeys(self._troubles):
            say(f"note: {trouble}")

    def headless(self, policy: PolicyName, *, as_json: bool) -> Outcome:
        """Run without a screen; a session that could not be run is told `as_json` too, and raised."""
        from distill_core.approval import PolicyApprover
        from distill_core.errors import DistillError
        from tui.headless import Asker, Progress, run_headless
        from tui.headless.looking import Around

        asker = Asker(self._who)
        # With nobody asked, a used-up budget ends the session.
        approver = PolicyApprover(policy, None if policy == "auto" else asker.approver)
        earlier = self._plan.earlier
        before = earlier.record.state if earlier is not None and earlier.resumes else None
        with Progress(before=before) as progress:
            asker.quiet = progress.quiet
            session = self.session(approver, (progress,), progress.signal)
            asker.around = Around(session=session, policy=approver, state=lambda: progress.state)
            started = time.monotonic()
            try:
                return run_headless(session)
            except DistillError as error:
                if as_json:
                    _tell(_failed(session, error, time.monotonic() - started), as_json=True)
                raise

    def live(self, policy: PolicyName, setup: Setup) -> RunResult | None:
        """Run on the live screen."""
        from tui.running import run_live

        return run_live(self._seen, policy=policy, who=self._who, setup=setup)

    def on(self, stage: Stage, policy: PolicyName) -> RunResult | None:
        """Run on a stage that is there already."""
        return stage.show(self._seen, policy=policy, who=self._who)

    def _seen(self, approver: Approver, sinks: Sequence[Sink], on_signal: OnSignal) -> Session:
        """The session, and for the screen what was on record of it before."""
        earlier = self._plan.earlier
        if earlier is not None and earlier.resumes:
            for sink in sinks:
                for event in earlier.record.events:
                    sink.write(event)
        return self.session(approver, sinks, on_signal)

    def session(self, approver: Approver, sinks: Sequence[Sink], on_signal: OnSignal) -> Session:
        """The session itself."""
        from distill_core.config import home_path
        from distill_core.session import Session

        settings, plan = self._effective.settings, self._plan
        if settings.session.cache:
            self._replies = _replies(home_path(settings))
        if plan.spec.log_dir is not None:
            sinks = (*sinks, *self._indexed(home_path(settings), plan.spec.log_dir))
        self._session = Session(
            plan.spec,
            supervisor=plan.supervisor or self._models.supervisor,
            worker=self._models.worker,
            approver=plan.approver or approver,
            sinks=sinks,
            on_signal=on_signal,
            replies=self._replies,
            earlier=plan.earlier,
        )
        self._on_session(self._session)
        return self._session

    def _indexed(self, home: Path, folder: Path) -> tuple[Sink, ...]:
        """What keeps the home's index up to date with the session; the screen is no place for its troubles."""
        from sessions.home import Home
        from sessions.live import LiveIndex

        if folder.parent != Home(home).sessions:
            return ()
        earlier = self._plan.earlier
        before = earlier.record.events if earlier is not None and earlier.resumes else ()
        self._index = LiveIndex(Home(home).index, folder, before=before, on_trouble=self._troubles.append)
        return (self._index,)


def _new(
    effective: Effective, models: Models, name: str, context: Context, question: str, isolation: str
) -> SessionSpec:
    """The specification of a new session."""
    from distill_core.primitives import load_primitives
    from distill_core.session import SessionSpec

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


def place(effective: Effective) -> dict[str, Any]:
    """Where a new session is kept, and its id: fields of its specification."""
    from distill_core.config import home_path
    from distill_core.session import new_session_id

    named = effective.settings.session.log_dir
    home = home_path(effective.settings)
    session_id = new_session_id()
    return {
        "session_id": session_id,
        "log_dir": Path(named).expanduser() if named else home / "sessions" / session_id,
        "next_free": bool(named),
        "documents_dir": None if named else home / "documents",
    }


def for_the_record(effective: Effective) -> dict[str, Any]:
    """The settings that somebody set, without whatever may be a key."""
    from distill_core.config.masking import masked

    chosen = (masked(value) for value in effective.values if value.origin != "default")
    return {value.key: msgspec.to_builtins(value.value) for value in chosen}


def _failed(session: Session, error: Exception, elapsed: float) -> RunResult:
    """What a session came to that ended with an error instead of a result."""
    from distill_core.models.base import Usage
    from distill_core.session import RunResult

    return RunResult(
        answer="",
        iterations=0,
        supervisor_usage=Usage(),
        worker_usage=Usage(),
        elapsed=elapsed,
        status="failed",
        partial=True,
        reason=str(error),
        session_id=session.session_id,
        log_dir=session.folder,
    )


def _replies(home: Path) -> ResponseCache:
    from distill_core.models.cache import ResponseCache

    return ResponseCache(home / "replies.db")


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
