"""One session: its parts put together, run, and reached from any thread. The turns themselves are `orchestrator`'s."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec

from distill_core import document_store, garbage, prompts
from distill_core import events as ev
from distill_core.answering import GATED, Answering
from distill_core.approval import Approver, PolicyApprover
from distill_core.budget import Ledger
from distill_core.continuing import Branch, Earlier, carry, rebuild, settle_lost, taken_over, write_copies
from distill_core.control import Control
from distill_core.conversation import Conversation
from distill_core.dry_run import DryRunner
from distill_core.errors import DistillError, LogError, ModelError, ReplError
from distill_core.gate import Gate
from distill_core.keeping import Replies, Spared
from distill_core.lingering import Needed
from distill_core.models.again import Again
from distill_core.models.base import ModelHandler
from distill_core.orchestrator import Ending, Orchestrator
from distill_core.probing import Probe, probe
from distill_core.proposing import Proposer
from distill_core.record import primitives_of
from distill_core.recorder import Recorder, SessionLog, Sink, open_next
from distill_core.redriving import RecordedFirst, Redriving
from distill_core.refusing import refuse
from distill_core.reopening import reopen
from distill_core.repl import AsyncREPL
from distill_core.signals import Notice, OnSignal
from distill_core.specification import Context, RunResult, SessionSpec, new_session_id
from distill_core.supervising import SupervisorLine
from distill_core.version import program_version
from distill_core.workers import WorkerGateway


class Session:
    """A session that can run once. `interrupt`, `stop`, `pause`, `resume` and `annotate` work from any thread.

    Args:
        approver: decides on every proposal.
        sinks: who else gets the events, after the log.
        on_signal: gets what is drawn and never logged.
        replies: kept replies to equal calls.
        earlier: what it goes on from: a fork's part of its parent, or its own record up to where a program died.

    Raises:
        ConfigError: a number in `spec` or its limits is out of range, or a primitive cannot be one.
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
        earlier: Earlier | None = None,
    ) -> None:
        for role, handler in (("supervisor", supervisor), ("worker", worker)):
            if not callable(getattr(handler, "chat", None)) or not hasattr(handler, "chat_batch"):
                found = type(handler).__name__
                raise ModelError(
                    f"the {role} is {found}, not a ModelHandler",
                    remedy="give OpenAIHandler(name), or your own",
                )
        refuse(spec)
        self.spec = spec
        self.session_id = spec.session_id or new_session_id()
        self.folder: Path | None = None
        self.forked = Needed()
        self._supervisor = supervisor
        self._worker = worker
        self._approver = approver
        self._sinks = tuple(sinks)
        self._signal: OnSignal = on_signal or (lambda _: None)
        self._replies = Spared(replies, self._told)
        self._earlier = earlier
        self._log: SessionLog | None = None
        self._control = Control()
        self._recorder: Recorder | None = None
        self._repl: AsyncREPL | None = None
        self._gateway: WorkerGateway | None = None
        self._ledger: Ledger | None = None
        self._orchestrator: Orchestrator | None = None

    async def run(self) -> RunResult:
        """Run to the end.

        Raises:
            DistillError: the session could not start (its log, its REPL), or its supervisor failed before
                anything was gathered. What had happened is in the log.
        """
        with garbage.set_aside():
            return await self._run_logged()

    async def _run_logged(self) -> RunResult:
        self._control.bind()
        earlier = self._earlier
        redriving = earlier.redriving() if earlier is not None else None
        last = earlier.record.state.seq if earlier is not None and earlier.resumes else 0
        there = redriving.there if redriving is not None else lambda _: False
        try:
            self._recorder = recorder = Recorder(last_seq=last, there=there)
            if earlier is None or earlier.resumes:
                self._open_log()
            ending = await self._run(recorder, redriving)
        except BaseException:
            await self._close_log()
            raise
        note = await self._close_log()
        result = self._result(ending)
        return msgspec.structs.replace(result, notes=(note,)) if note else result

    async def _close_log(self) -> str:
        """Close the log; what to say where its disk would not take all of it. The answer must not go with it."""
        if self._log is None:
            return ""
        try:
            await asyncio.to_thread(self._log.close)
        except LogError as error:
            self._signal(Notice(text=str(error)))
            return str(error)
        return ""

    def _told(self, trouble: str) -> None:
        self._signal(Notice(text=trouble))

    def _open_log(self) -> None:
        """From here on there is a folder. A fork has none before its REPL stands, so that one given up leaves none."""
        folder, recorder = self.spec.log_dir, self._started_recorder()
        if folder is None:
            recorder.open(self._sinks)
            return
        if self._earlier is not None and self._earlier.resumes:
            log = reopen(folder, self._earlier.record.state.seq, on_trouble=self._told)
        else:
            make = open_next if self.spec.next_free else SessionLog
            log = make(folder, on_trouble=self._told)
        self._log, self.folder = log, log.folder
        recorder.open((log, *self._sinks))

    async def _run(self, recorder: Recorder, redriving: Redriving | None) -> Ending:
        spec, earlier = self.spec, self._earlier
        ledger = Ledger(spec.limits, dict(spec.prices))
        approver = RecordedFirst(redriving, self._approver) if redriving is not None else self._approver
        gate = Gate(approver, recorder, self._control, ledger, self._signal)
        gateway = WorkerGateway(
            self._worker,
            recorder,
            ledger,
            over_budget=gate.over_budget,
            replies=self._replies,
            concurrency=spec.repl_limits.concurrency,
        )
        self._gateway, self._ledger = gateway, ledger
        answering = Answering(gateway, recorder)
        primitives = self._primitives(answering)
        line = SupervisorLine(
            self._supervisor,
            recorder,
            ledger,
            self._control,
            self._signal,
            self._replies,
            gate.over_budget,
            redriving,
        )
        reference: asyncio.Task[ev.DocumentRef] | None = None
        if earlier is None or earlier.resumes:
            reference = asyncio.create_task(asyncio.to_thread(self._document))
        try:
            branched = await self._branch(answering, primitives, ledger)
            async with branched or self._new_repl(answering, primitives, ledger) as repl:
                rebuilt = None
                if earlier is not None and branched is not None:
                    rebuilt = taken_over(earlier)
                elif earlier is not None:
                    rebuilt = await self._control.race(rebuild(repl, answering, earlier, self._signal))
                if reference is None:
                    self._open_log()
                    reference = asyncio.create_task(asyncio.to_thread(self._document))
                self._repl = repl
                assert reference is not None
                await reference
                ledger.begin()
                self._begin(recorder, reference.result(), repl.isolation, rebuilt)
                if earlier is not None:
                    carry(earlier, ledger, gate, line, gateway)
                stored = earlier.record.state.messages if earlier is not None else ()
                conversation = Conversation(recorder, self._first_messages(primitives), stored=stored)
                proposer = Proposer(
                    line,
                    conversation,
                    recorder,
                    self._dry_runner(repl, ledger, primitives),
                    dialect=spec.dialect,
                    tell=self._signal,
                )
                self._orchestrator = Orchestrator(
                    spec=spec,
                    gate=gate,
                    line=line,
                    proposer=proposer,
                    recorder=recorder,
                    repl=repl,
                    conversation=conversation,
                    gateway=gateway,
                    answering=answering,
                    ledger=ledger,
                    control=self._control,
                    on_signal=self._signal,
                    redriving=redriving,
                )
                if isinstance(self._approver, PolicyApprover):
                    self._approver.on_switch = self._policy_switched
                return await self.forked.outlast(self._orchestrator.run())
        finally:
            self._repl = self._gateway = None
            if reference is not None:
                reference.cancel()
                with contextlib.suppress(asyncio.CancelledError, DistillError):
                    await reference

    async def _branch(
        self, answering: Answering, primitives: Mapping[str, Callable[..., Any]], ledger: Ledger
    ) -> AsyncREPL | None:
        """A copy of the REPL of a session that still runs, where this one forks such a one; None if none can be had."""
        branch = self._earlier.branch if self._earlier is not None else None
        if branch is None:
            return None
        try:
            return await branch(answering, self._offered(answering, primitives, ledger))
        except ReplError:
            # That state is not kept any more: the cells are run again instead.
            return None

    def _offered(
        self, answering: Answering, primitives: Mapping[str, Callable[..., Any]], ledger: Ledger
    ) -> dict[str, Callable[..., Any]]:
        """The primitives as the REPL gets them."""
        offered = {**primitives, "budget": lambda: ledger.remaining()}
        return {name: answering.primitive(name, function) for name, function in offered.items()}

    def _new_repl(
        self, answering: Answering, primitives: Mapping[str, Callable[..., Any]], ledger: Ledger
    ) -> AsyncREPL:
        """A REPL without variables, not entered yet."""
        spec = self.spec
        return AsyncREPL(
            spec.context,
            spec.query,
            worker=answering.call,
            worker_batch=answering.batch,
            primitives=self._offered(answering, primitives, ledger),
            limits=spec.repl_limits,
            isolation=spec.isolation,
            dialect=spec.dialect,
            seed=spec.seed,
        )

    def _begin(
        self,
        recorder: Recorder,
        document: ev.DocumentRef,
        isolation: str,
        rebuilt: ev.StateRebuilt | None,
    ) -> None:
        """The first events: the session's beginning, or that it goes on."""
        earlier = self._earlier
        if earlier is None or not earlier.resumes:
            recorder.emit(self._opening(document, isolation))
        if earlier is None:
            return
        if earlier.resumes:
            recorder.emit(
                ev.SessionResumed(
                    step=len(earlier.record.state.steps),
                    program=program_version(),
                    python=platform.python_version(),
                    supervisor=self._supervisor.model,
                    worker=self._worker.model,
                    isolation=isolation,
                )
            )
            settle_lost(recorder, earlier)
        else:
            write_copies(recorder, earlier.record)
        if rebuilt is not None:
            recorder.emit(rebuilt)

    def branch(self, cells: int) -> Branch:
        """For a fork of this session while it runs, on the same loop: its REPL after so many of its cells.

        What the fork does leaves no mark on this session. The fork runs within `forked.used()`. Where that state is
        not kept any more it finds out by itself and runs the recorded cells again.
        """

        async def copy(answering: Answering, primitives: Mapping[str, Callable[..., Any]]) -> AsyncREPL:
            if self._repl is None:
                raise ReplError("the session that is forked does not run any more")
            return await self._repl.fork(
                cells, worker=answering.call, worker_batch=answering.batch, primitives=primitives
            )

        return copy

    # ------------------------------------------------------------ from any thread

    def interrupt(self, by: str) -> None:
        """Ask the running cell to stop; nothing happens if none runs."""
        orchestrator = self._orchestrator
        if orchestrator is not None:
            self._control.on_loop(lambda: orchestrator.interrupt(by))

    def stop(self, by: str) -> None:
        """End the session with the best partial result."""
        self._control.stop(by)

    def leave(self) -> None:
        """Put nothing more on record, not even an end: a session cancelled after this can be resumed from here."""
        if self._recorder is not None:
            self._recorder.open(())

    def pause(self) -> None:
        """Hold at the next boundary."""
        self._control.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self._control.resume()

    def override_call(self, call_id: str, response: str, *, by: str) -> Future[None]:
        """Put `response` in the place of a worker's reply: for the code, if that still waits, else for the record.

        The future raises a DistillError where there is no such call, or the session does not run.
        """
        return self._control.ask(lambda: self._running_gateway().override(call_id, response, by))

    def retry_call(self, call_id: str, *, by: str) -> Future[None]:
        """Send the prompt of a worker call again; as `override_call`."""
        return self._control.ask(lambda: self._running_gateway().retry(call_id, by))

    def cancel_calls(self, call_id: str, *, by: str) -> Future[None]:
        """Cancel what is left of the batch that a worker call belongs to; as `override_call`."""
        return self._control.ask(lambda: self._running_gateway().cancel(call_id, by))

    def probe(self) -> Future[Probe]:
        """A look into the REPL that leaves no mark; the future raises a DistillError where no REPL runs."""
        return self._control.run(self._probe)

    async def _probe(self) -> Probe:
        if self._repl is None or self._ledger is None:
            raise DistillError(
                "there is no REPL to look into", found="the session has not begun, or has ended"
            )
        return await probe(self._repl, self._ledger)

    def _running_gateway(self) -> WorkerGateway:
        if self._gateway is None:
            raise DistillError("the session does not run")
        return self._gateway

    @property
    def elapsed(self) -> float:
        """Seconds that it has run, those before a program's death included; 0 before its beginning."""
        return self._ledger.spent.seconds if self._ledger is not None else 0.0

    @property
    def paused(self) -> bool:
        """Whether it holds, or will at its next boundary."""
        return self._control.paused

    @property
    def again(self) -> tuple[str, Again] | None:
        """Who is not answered and the retry that is under way; None where nothing is being tried again."""
        for role, handler in (("supervisor", self._supervisor), ("worker", self._worker)):
            again = getattr(handler, "again", None)
            if again is not None:
                return role, again
        return None

    @property
    def worker_slots(self) -> int | None:
        """Calls that the worker's handler has in flight at once, the others wait; None where it does not say."""
        slots = getattr(self._worker, "slots", None)
        return slots if isinstance(slots, int) else getattr(self._worker, "max_concurrency", None)

    @property
    def document(self) -> Context:
        """What it reads."""
        return self.spec.context

    def judge(self, event: ev.Annotated | ev.Retracted) -> ev.Annotated | ev.Retracted:
        """Record a judgement, or the retraction of one, as it was made elsewhere.

        Raises:
            DistillError: the session has not started.
            LogError: it cannot be written.
        """
        return self._started_recorder().emit(event)

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

    def _policy_switched(self, policy: str, by: str, steps: int | None) -> None:
        """Put a change of policy on record; on the engine's loop, since a sink may make it wait."""
        step = self._orchestrator.step if self._orchestrator is not None else 0
        recorder = self._started_recorder()
        self._control.on_loop(
            lambda: recorder.emit(ev.PolicyChanged(step=step, policy=policy, by=by, steps=steps))
        )

    # ------------------------------------------------------------ parts

    def _document(self) -> ev.DocumentRef:
        folder = self.spec.documents_dir
        if folder is None and self.folder is not None:
            folder = self.folder / "documents"
        return document_store.keep(self.spec.context, folder, name=self.spec.document_name)

    def _primitives(self, answering: Answering) -> dict[str, Callable[..., Any]]:
        """The caller's primitives, and those of ours that the supervisor, or recorded code, wants."""
        offered: dict[str, Callable[..., Any]] = {GATED: answering.yes}
        wanted = set(getattr(self._supervisor, "primitives", ()))
        if self._earlier is not None:
            wanted |= set(primitives_of(self._earlier.record)) & set(offered)
        return {**{name: offered[name] for name in sorted(wanted)}, **self.spec.primitives}

    def _dry_runner(
        self, repl: AsyncREPL, ledger: Ledger, primitives: Mapping[str, Callable[..., Any]]
    ) -> DryRunner:
        """What tries proposed code; without a wall around it, code is not run before a person has seen it."""
        return DryRunner(
            repl.fork if repl.isolation != "none" else None,
            ledger,
            primitives=[*primitives, "budget"],
            max_tokens=self._worker.sampling().get("max_tokens"),
            limits=self.spec.repl_limits,
        )

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
            parent=self._earlier.parent if self._earlier is not None else None,
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

    def _result(self, ending: Ending) -> RunResult:
        return RunResult(
            answer=ending.answer.text if ending.answer else "",
            value=ending.answer.value if ending.answer else None,
            iterations=ending.iterations,
            supervisor_usage=ending.supervisor_usage,
            worker_usage=ending.worker_usage,
            elapsed=ending.elapsed,
            status=ending.status,
            partial=ending.partial,
            reason=ending.reason,
            cost=ending.cost,
            session_id=self.session_id,
            log_dir=self.folder,
        )
