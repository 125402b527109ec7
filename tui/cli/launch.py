"""From options to a running session: settings, models and document are put together, then shown live or headless."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from tui.cli.options import flags

if TYPE_CHECKING:
    from distill_core.approval import Approver, PolicyName
    from distill_core.config import Effective, Models
    from distill_core.recorder import Sink
    from distill_core.session import Context, RunResult, Session
    from distill_core.signals import OnSignal
    from distill_core.workers import Replies
    from tui.headless import Outcome

PARTIAL = 1
"""Exit status of a session that ended without an answer of its own."""

INTERRUPTED = 130
"""Exit status of one that Ctrl-C ended, whatever it had by then."""


def launch(name: str, context: Context, question: str, options: dict[str, Any]) -> int:
    """Run a session and show it; returns the exit status: 0 answered, 1 not, 130 interrupted.

    Raises:
        DistillError: a setting is wrong, a model cannot be had, or the session could not start.
    """
    from distill_core.config import choose_models, load_settings

    effective = load_settings(flags(options), path=options.get("config"))
    unwalled = bool(options["unsafe_no_sandbox"])
    if unwalled and options["isolation"] is not None:
        raise click.UsageError("--isolation and --unsafe-no-sandbox exclude one another.")
    headless = bool(options["headless"] or options["as_json"] or not _on_terminal())
    models = choose_models(effective, gguf=options["gguf"], playbook=options["playbook"])
    try:
        launched = _Launch(effective, models, name, context, question, unwalled=unwalled)
        policy = _policy(effective, headless)
        if headless:
            outcome = launched.headless(policy)
            _tell(outcome.result, as_json=options["as_json"])
            return INTERRUPTED if outcome.interrupted else _status(outcome.result)
        result = launched.live(policy)
    finally:
        models.close()
    if result is None:
        return PARTIAL
    # The screen is gone with all that stood on it; the answer stays in the terminal.
    _tell(result, as_json=False)
    if result.log_dir is not None:
        click.echo(f"{result.status}; the session is kept in {result.log_dir}", err=True)
    return _status(result)


def _status(result: RunResult) -> int:
    return PARTIAL if result.partial else 0


def _on_terminal() -> bool:
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
        name: str,
        context: Context,
        question: str,
        *,
        unwalled: bool = False,
    ) -> None:
        self._effective = effective
        self._models = models
        self._name = name
        self._context = context
        self._unwalled = unwalled
        self._question = question
        self._who = effective.settings.screen.name or getpass.getuser()

    def headless(self, policy: PolicyName) -> Outcome:
        """Run without a screen."""
        from distill_core.approval import PolicyApprover
        from tui.headless import Asker, Progress, run_headless

        asker = Asker(self._who)
        # With nobody asked, a used-up budget ends the session.
        approver = PolicyApprover(policy, None if policy == "auto" else asker.approver)
        with Progress() as progress:
            asker.quiet = progress.quiet
            session = self.session(approver, (progress,), progress.signal)
            return run_headless(session)

    def live(self, policy: PolicyName) -> RunResult | None:
        """Run on the live screen."""
        from distill_core.config import config_path
        from tui.app import run_live

        theme = self._effective.settings.screen.theme
        return run_live(
            self.session,
            policy=policy,
            who=self._who,
            theme_folders=[config_path().parent / "themes"],
            **({"theme": theme} if theme else {}),
        )

    def session(self, approver: Approver, sinks: Sequence[Sink], on_signal: OnSignal) -> Session:
        """The session itself."""
        from distill_core.config import home_path
        from distill_core.runner import free_folder
        from distill_core.session import Session, SessionSpec, new_session_id

        settings = self._effective.settings
        home = home_path(settings)
        session_id = new_session_id()
        named = settings.session.log_dir
        folder = free_folder(Path(named).expanduser()) if named else home / "sessions" / session_id
        spec = SessionSpec(
            query=self._question,
            context=self._context,
            document_name=self._name,
            limits=settings.limits,
            repl_limits=settings.repl,
            output_limit=settings.session.output_limit,
            worker_ctx_k=self._models.worker_ctx_k,
            dialect=settings.session.dialect,
            prompt_style=self._models.prompt_style,
            prices=self._models.prices,
            log_dir=folder,
            documents_dir=None if named else home / "documents",
            config=_for_the_record(self._effective),
            session_id=session_id,
            seed=settings.session.seed,
            isolation="none" if self._unwalled else settings.session.isolation,
        )
        return Session(
            spec,
            supervisor=self._models.supervisor,
            worker=self._models.worker,
            approver=approver,
            sinks=sinks,
            on_signal=on_signal,
            replies=_replies(home) if settings.session.cache else None,
        )


def _for_the_record(effective: Effective) -> dict[str, Any]:
    """The settings that somebody set; they name variables that hold keys, never keys."""
    return {
        value.key: msgspec.to_builtins(value.value) for value in effective.values if value.origin != "default"
    }


def _replies(home: Path) -> Replies:
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
    click.echo(json.dumps(told, ensure_ascii=False))
