"""One session: its specification, its parts put together, and its result. The turns themselves are `orchestrator`'s."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from distill_core import document_store, prompts
from distill_core import events as ev
from distill_core.approval import Approver, PolicyApprover
from distill_core.budget import Ledger, Prices, Role
from distill_core.control import Control
from distill_core.conversation import Conversation
from distill_core.errors import DistillError
from distill_core.gate import Gate
from distill_core.keeping import Replies
from distill_core.models.base import ModelHandler, Usage
from distill_core.orchestrator import Ending, Orchestrator
from distill_core.recorder import Recorder, SessionLog, Sink, open_next
from distill_core.repl import AsyncREPL, ReplLimits
from distill_core.signals import OnSignal
from distill_core.supervising import SupervisorLine
from distill_core.version import program_version
from distill_core.workers import WorkerGateway

Context: TypeAlias = str | list[Any] | dict[str, Any]
Dialect: TypeAlias = Literal["distill", "rlm"]


class SessionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a session is made from, models and people aside.

    Args:
        query: the question.
        context: the document; stays str, list or dict in the REPL.
        document_name: what to call it.
        limits: bounds of the session.
        repl_limits: bounds of a cell.
        output_limit: characters of a cell's output that the supervisor is shown.
        worker_ctx_k: the worker's context window, in thousands of tokens.
        dialect: names offered in the REPL; "rlm" adds those that RLM-trained models were taught.
        prompt_style: "compact" for small supervisors.
        system_prompt: a whole prompt to send instead of the built one.
        primitives: more functions for the REPL, run on the host.
        isolation: level asked of the REPL.
        prices: per role; without them no cost is known.
        log_dir: the session's folder; None keeps nothing.
        next_free: where a session is kept in `log_dir` already, take `log_dir.2`, `log_dir.3`, … instead of refusing.
        documents_dir: where documents are kept once by content; default `documents` inside `log_dir`.
        config: the effective configuration, for the record; must hold no key.
        session_id: default: made from the time.
        kind: what sort of session this is.
        replies_without_code: so many in a row end the session.
        seed: of `random` in the REPL.
    """

    query: str
    context: Context
    document_name: str = ""
    limits: ev.Limits = ev.Limits()
    repl_limits: ReplLimits = ReplLimits()
    output_limit: int = 2000
    worker_ctx_k: int = 8
    dialect: Dialect = "distill"
    prompt_style: Literal["full", "compact"] = "full"
    system_prompt: str | None = None
    primitives: Mapping[str, Callable[..., Any]] = msgspec.field(default_factory=dict)
    isolation: str = "auto"
    prices: Mapping[Role, Prices] = msgspec.field(default_factory=dict)
    log_dir: Path | None = None
    next_free: bool = False
    documents_dir: Path | None = None
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    session_id: str = ""
    kind: str = "research"
    replies_without_code: int = 3
    seed: int = 0


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a session came to.

    Args:
        answer: the answer as text.
        iterations: supervisor turns taken.
        elapsed: seconds.
        status: how it ended; "finished" is the only one with an answer that was given as one.
        partial: the answer is the best there was, not one that FINAL gave.
        reason: why it ended.
        cost: US dollars, None where prices are not known.
        value: the answer as JSON holds it, where it was a number, a bool or None.
        log_dir: where the session is kept, None if nowhere.
    """

    answer: str
    iterations: int
    supervisor_usage: Usage
    worker_usage: Usage
    elapsed: float
    status: ev.SessionStatus = "finished"
    partial: bool = False
    reason: str = ""
    cost: float | None = None
    value: ev.JsonScalar = None
    session_id: str = ""
    log_dir: Path | None = None


def new_session_id() -> str:
    """A name that sorts by time and is unlikely to be given twice."""
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)


class Session:
    """A session that can run once. `interrupt`, `stop`, `pause`, `resume` and `annotate` work from any thread.

    Args:
        approver: decides on every proposal.
        sinks: who else gets the events, after the log.
        on_signal: gets what is drawn and never logged.
        replies: kept replies to equal calls.
    """

    def __init__(
        self,
        spec: SessionSpec,
        *,
        supervisor: ModelHandler,
        worker: ModelHandler,
        approver: Approver,
        sinks: Sequence[Sink] = (),
        on_signal: OnSignal | None = None,
        replies: Replies | None = None,
    ) -> None:
        if "budget" in spec.primitives:
            raise DistillError("a primitive cannot be called budget", remedy="give it another name")
        self.spec = spec
        self.session_id = spec.session_id or new_session_id()
        self.folder: Path | None = None
        self._supervisor = supervisor
        self._worker = worker
        self._approver = approver
        self._sinks = tuple(sinks)
        self._signal: OnSignal = on_signal or (lambda _: None)
        self._replies = replies
        self._control = Control()
        self._recorder: Recorder | None = None
        self._repl: AsyncREPL | None = None
        self._orchestrator: Orchestrator | None = None

    async def run(self) -> RunResult:
        """Run to the end.

        Raises:
            DistillError: the session could not start (its log, its REPL), or its supervisor failed before
                anything was gathered. What had happened is in the log.
        """
        started = time.monotonic()
        self._control.bind()
        log = self._log()
        try:
            self._recorder = Recorder((log, *self._sinks) if log else self._sinks)
            ending = await self._run(self._recorder)
            return self._result(ending, time.monotonic() - started)
        finally:
            if log is not None:
                await asyncio.to_thread(log.close)

    def _log(self) -> SessionLog | None:
        folder = self.spec.log_dir
        if folder is None:
            return None
        log = open_next(folder) if self.spec.next_free else SessionLog(folder)
        self.folder = log.folder
        return log

    async def _run(self, recorder: Recorder) -> Ending:
        spec = self.spec
        ledger = Ledger(spec.limits, dict(spec.prices))
        reference = asyncio.create_task(asyncio.to_thread(self._document))
        gate = Gate(self._approver, recorder, self._control, ledger, self._signal)
        gateway = WorkerGateway(
            self._worker,
            recorder,
            ledger,
            over_budget=gate.over_budget,
            replies=self._replies,
            concurrency=spec.repl_limits.concurrency,
        )
        primitives = self._primitives(gateway, ledger)
        try:
            async with AsyncREPL(
                spec.context,
                spec.query,
                worker=gateway.call,
                worker_batch=gateway.batch,
                primitives={**primitives, "budget": lambda: ledger.remaining()},
                limits=spec.repl_limits,
                isolation=spec.isolation,
                dialect=spec.dialect,
                seed=spec.seed,
            ) as repl:
                self._repl = repl
                document = await reference
                recorder.emit(self._opening(document, repl.isolation))
                line = SupervisorLine(
                    self._supervisor,
                    recorder,
                    ledger,
                    self._control,
                    self._signal,
                    self._replies,
                    gate.over_budget,
                )
                conversation = Conversation(recorder, self._first_messages(primitives))
                self._orchestrator = Orchestrator(
                    spec=spec,
                    gate=gate,
                    line=line,
                    recorder=recorder,
                    repl=repl,
                    conversation=conversation,
                    gateway=gateway,
                    ledger=ledger,
                    control=self._control,
                    on_signal=self._signal,
                )
                if isinstance(self._approver, PolicyApprover):
                    self._approver.on_switch = self._policy_switched
                return await self._orchestrator.run()
        finally:
            self._repl = None
            reference.cancel()
            with contextlib.suppress(asyncio.CancelledError, DistillError):
                await reference

    # ------------------------------------------------------------ from any thread

    def interrupt(self, by: str) -> None:
        """Ask the running cell to stop; nothing happens if none runs."""
        orchestrator = self._orchestrator
        if orchestrator is not None:
            self._control.on_loop(lambda: orchestrator.interrupt(by))

    def stop(self, by: str) -> None:
        """End the session with the best partial result."""
        self._control.stop(by)

    def pause(self) -> None:
        """Hold at the next boundary."""
        self._control.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self._control.resume()

    @property
    def paused(self) -> bool:
        """Whether it holds, or will at its next boundary."""
        return self._control.paused

    def annotate(self, target: ev.Target, *, by: str, step: int = 0, **judgement: Any) -> ev.Annotated:
        """Record a judgement of `target`; `judgement` are the fields of `events.Annotated`.

        Raises:
            DistillError: the session has not started.
        """
        recorder = self._started_recorder()
        made = ev.Annotated(
            step=step, annotation_id=f"a{secrets.token_hex(6)}", target=target, by=by, **judgement
        )
        return recorder.emit(made)

    def retract(self, seq: int, *, by: str, step: int = 0, reason: str = "") -> ev.Retracted:
        """Take event `seq` back; it stays in the log.

        Raises:
            DistillError: the session has not started.
        """
        return self._started_recorder().emit(ev.Retracted(step=step, retracts=seq, by=by, reason=reason))

    def _started_recorder(self) -> Recorder:
        if self._recorder is None:
            raise DistillError("the session has not started", remedy="wait for its first event")
        return self._recorder

    def _policy_switched(self, policy: str, by: str) -> None:
        """Put a change of policy on record; on the engine's loop, since a sink may make it wait."""
        step = self._orchestrator.step if self._orchestrator is not None else 0
        recorder = self._started_recorder()
        self._control.on_loop(lambda: recorder.emit(ev.PolicyChanged(step=step, policy=policy, by=by)))

    # ------------------------------------------------------------ parts

    def _document(self) -> ev.DocumentRef:
        folder = self.spec.documents_dir
        if folder is None and self.folder is not None:
            folder = self.folder / "documents"
        return document_store.keep(self.spec.context, folder, name=self.spec.document_name)

    def _primitives(self, gateway: WorkerGateway, ledger: Ledger) -> dict[str, Callable[..., Any]]:
        """The caller's primitives, and those of ours that the supervisor says it wants."""
        offered: dict[str, Callable[..., Any]] = {"worker_yes": gateway.yes}
        wanted = getattr(self._supervisor, "primitives", ())
        return {**{name: offered[name] for name in wanted}, **self.spec.primitives}

    def _first_messages(self, primitives: Mapping[str, Callable[..., Any]]) -> list[dict[str, Any]]:
        spec = self.spec
        system = spec.system_prompt or prompts.build_system_prompt(
            spec.worker_ctx_k,
            spec.output_limit,
            primitives,
            style=spec.prompt_style,
            dialect=spec.dialect,
        )
        first = prompts.first_message(
            spec.query, prompts.describe_context(spec.context), name=spec.document_name
        )
        return [{"role": "system", "content": system}, {"role": "user", "content": first}]

    def _opening(self, document: ev.DocumentRef, isolation: str) -> ev.SessionStarted:
        spec = self.spec
        return ev.SessionStarted(
            step=0,
            session_id=self.session_id,
            kind=spec.kind,
            query=spec.query,
            document=document,
            supervisor=self._supervisor.model,
            worker=self._worker.model,
            limits=spec.limits,
            isolation=isolation,
            program=program_version(),
            python=platform.python_version(),
            config={
                **spec.config,
                "output_limit": spec.output_limit,
                "worker_ctx_k": spec.worker_ctx_k,
                "dialect": spec.dialect,
                "prompt_style": spec.prompt_style,
                "seed": spec.seed,
                "repl_limits": msgspec.to_builtins(spec.repl_limits),
                "prices": msgspec.to_builtins(dict(spec.prices)),
                "primitives": sorted(spec.primitives),
                "supervisor_params": self._supervisor.sampling(),
                "worker_params": self._worker.sampling(),
            },
        )

    def _result(self, ending: Ending, elapsed: float) -> RunResult:
        return RunResult(
            answer=ending.answer.text if ending.answer else "",
            value=ending.answer.value if ending.answer else None,
            iterations=ending.iterations,
            supervisor_usage=ending.supervisor_usage,
            worker_usage=ending.worker_usage,
            elapsed=elapsed,
            status=ending.status,
            partial=ending.partial,
            reason=ending.reason,
            cost=ending.cost,
            session_id=self.session_id,
            log_dir=self.folder,
        )
