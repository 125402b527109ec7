"""A scripted session: plays steps as a session does (same events, same gate, same signals), with no model and no REPL.

For screens, which only see events and signals, and only send decisions.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from distill_core import events as ev
from distill_core.analysis import analyse
from distill_core.approval import (
    Approver,
    BudgetProposal,
    Candidate,
    Decision,
    FailureProposal,
    FinalProposal,
    Proposal,
    ProposedCell,
    StepProposal,
)
from distill_core.budget import Spent
from distill_core.errors import ModelError
from distill_core.evidence import Finding
from distill_core.fences import extract_blocks
from distill_core.forecast import Forecast
from distill_core.models.again import Again
from distill_core.models.base import Usage
from distill_core.recorder import Recorder, Sink
from distill_core.repl import CellResult, Variable
from distill_core.signals import OnSignal, Phase, ReplyDelta
from distill_core.specification import RunResult

T = TypeVar("T")
START = datetime(2026, 3, 1, 9, 30, 0, tzinfo=UTC)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A worker call of a scripted cell: `response` None and an `error` if it fails, neither if it hangs."""

    prompt: str
    response: str | None = None
    error: str | None = None
    cached: bool = False
    elapsed: float = 0.4
    usage: Usage = Usage(prompt_tokens=400, completion_tokens=12, calls=1)


class ScriptedCell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell: what it prints, asks and ends with. `hold` names a point where it waits before its end."""

    code: str
    output: tuple[tuple[str, str], ...] = ()
    calls: tuple[Call, ...] = ()
    status: ev.CellStatus = "ok"
    traceback: str | None = None
    final: str | None = None
    hold: str = ""
    over_budget: str = ""


class ScriptedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A turn: what the supervisor says and what its cells do. `hold` waits while the reply is half written.

    `others` are the replies that further candidates give, `forecasts` what dry runs of the replies find, in order.
    """

    reply: str
    cells: tuple[ScriptedCell, ...] = ()
    reasoning: str | None = None
    problem: str | None = None
    fails: str | None = None
    hold: str = ""
    others: tuple[str, ...] = ()
    forecasts: tuple[Forecast, ...] = ()


class ScriptedProbe:
    """A look into a REPL that holds what a script says."""

    why = ""

    def variables(self) -> Future[tuple[Variable, ...]]:
        """Some."""
        pieces = Variable(name="pieces", type="list", size=37, preview="'ARTICLE I — DEFINITIONS …', …")
        quote = Variable(name="quote", type="str", size=84, preview="'In no event shall either party …'")
        return _done((pieces, Variable(name="hits", type="int", size=None, preview="4"), quote))

    def run(self, code: str) -> Future[CellResult]:
        """Whatever it is, it prints the same."""
        return _done(CellResult(status="ok", output=(("stdout", "37\n"),), elapsed=0.01))

    def interrupt(self) -> None:
        """Nothing runs."""

    def close(self) -> Future[None]:
        """Nothing to end."""
        return _done(None)


def _done(value: T) -> Future[T]:
    told: Future[T] = Future()
    told.set_result(value)
    return told


class ScriptedSession:
    """Plays `steps`.

    Args:
        raises: raised after the last step, as an error of the engine would be.
        document: what it reads.
        folder: where it says that it is kept; the caller's sinks write there.
    """

    worker_slots: int | None = None
    again: tuple[str, Again] | None = None

    def __init__(
        self,
        steps: Sequence[ScriptedStep],
        approver: Approver,
        sinks: Sequence[Sink] = (),
        on_signal: OnSignal | None = None,
        *,
        limits: ev.Limits | None = None,
        query: str = "Which clause caps liability?",
        isolation: str = "good",
        raises: Exception | None = None,
        document: str = "",
        folder: Path | None = None,
        findings: Sequence[Finding] = (),
    ) -> None:
        self.document = document
        self.folder = folder
        self._findings = tuple(findings)
        self.steps = tuple(steps)
        self.interrupted: list[str] = []
        self.paused = False
        self.stopped_by: str | None = None
        self.left = False
        self._approver = approver
        self._signal = on_signal or (lambda _: None)
        ticks = itertools.count()
        self._recorder = Recorder(sinks, clock=lambda: START + timedelta(seconds=next(ticks) * 0.25))
        self._limits = limits or ev.Limits(turns=15, worker_calls=200)
        self._query = query
        self._isolation = isolation
        self._raises = raises
        self._troubled = False
        self._released: set[str] = set()
        self._changed = threading.Condition()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._supervisor_usage, self._worker_usage = Usage(), Usage()
        self._numbers = {
            "s": itertools.count(1),
            "c": itertools.count(1),
            "w": itertools.count(1),
            "b": itertools.count(1),
        }

    # ------------------------------------------------------------ what tests and screens do

    def release(self, hold: str) -> None:
        """Let the script go on past `hold`."""
        with self._changed:
            self._released.add(hold)
            self._changed.notify_all()

    def judge(self, event: Any) -> Any:
        """As a session's."""
        return self._emit(event)

    def interrupt(self, by: str) -> None:
        """As a session's: stops the cell that holds."""
        self.interrupted.append(by)
        with self._changed:
            self._changed.notify_all()

    def stop(self, by: str) -> None:
        """As a session's."""
        self.stopped_by = by
        self._stop.set()
        with self._changed:
            self._changed.notify_all()

    def leave(self) -> None:
        """As a session's."""
        self.left = True

    def pause(self) -> None:
        """As a session's."""
        self.paused = True

    def resume(self) -> None:
        """As a session's."""
        self.paused = False

    def override_call(self, call_id: str, response: str, *, by: str) -> Future[None]:
        """As a session's, of a call that the code has."""
        self._emit(
            ev.WorkerCallOverridden(
                step=1, call_id=call_id, response=response, by=by, reached_cell=self._waits()
            )
        )
        return _done(None)

    def probe(self) -> Future[ScriptedProbe]:
        """As a session's."""
        return _done(ScriptedProbe())

    def _waits(self) -> bool:
        return not self._released

    # ------------------------------------------------------------ playing

    async def run(self) -> RunResult:
        """Play all steps; the answer is the last FINAL, or what a decision says."""
        self._loop = asyncio.get_running_loop()
        self._emit(
            ev.SessionStarted(
                step=0,
                session_id="20260301-093000-abc123",
                kind="research",
                query=self._query,
                document=ev.DocumentRef(sha256="0" * 64, kind="str", chars=214_503, name="agreement.pdf"),
                supervisor="qwen2.5-coder-32b",
                worker="qwen2.5-1.5b",
                limits=self._limits,
                isolation=self._isolation,
                program="0.1.0",
                python="3.11.7",
            )
        )
        status: ev.SessionStatus = "exhausted"
        answer: ev.Final | None = None
        reason = "the script is over"
        for number, step in enumerate(self.steps, 1):
            ending = await self._step(number, step)
            if ending is not None:
                status, reason, answer = ending
                break
        if self._raises is not None:
            raise self._raises
        finished = self._emit(
            ev.SessionFinished(
                step=len(self.steps),
                status=status,
                answer=answer,
                partial=status != "finished",
                reason=reason,
                iterations=len(self.steps),
                supervisor_usage=self._supervisor_usage,
                worker_usage=self._worker_usage,
                cost=0.0123,
                elapsed=72.4,
            )
        )
        return RunResult(
            answer=answer.text if answer else "",
            iterations=finished.iterations,
            supervisor_usage=finished.supervisor_usage,
            worker_usage=finished.worker_usage,
            elapsed=finished.elapsed,
            status=status,
            partial=finished.partial,
            reason=reason,
        )

    async def _step(
        self, number: int, step: ScriptedStep
    ) -> tuple[ev.SessionStatus, str, ev.Final | None] | None:
        call_id = self._asked(number)
        if step.fails is not None:
            self._emit(
                ev.SupervisorFailed(
                    step=number,
                    call_id=call_id,
                    model="m",
                    usage=Usage(calls=1),
                    elapsed=1.0,
                    error=step.fails,
                )
            )
            decision = await self._decide(
                FailureProposal(proposal_id=f"failed:{call_id}", step=number, model="m", found=step.fails)
            )
            if decision is None or decision.action != "try_again":
                raise ModelError(step.fails)
            call_id = self._asked(number)
        await self._stream(number, call_id, step)
        self._emit(
            ev.SupervisorReplied(
                step=number,
                call_id=call_id,
                text=step.reply,
                reasoning=step.reasoning,
                model="qwen2.5-coder-32b",
                usage=Usage(prompt_tokens=1830, completion_tokens=212, calls=1),
                elapsed=6.4,
                finish_reason="stop",
            )
        )
        if step.problem is not None:
            self._emit(ev.ReplyRejected(step=number, call_id=call_id, problem=step.problem))
            return None
        proposed = []
        for index, cell in enumerate(step.cells):
            cell_id = self._id("c")
            self._emit(
                ev.CellProposed(step=number, cell_id=cell_id, call_id=call_id, index=index, code=cell.code)
            )
            proposed.append(ProposedCell(cell_id=cell_id, code=cell.code, analysis=analyse(cell.code)))
        for forecast in step.forecasts:
            self._signal(forecast)
        waiting = StepProposal(
            proposal_id=call_id,
            step=number,
            turns=self._limits.turns,
            reply=step.reply,
            cells=tuple(proposed),
            troubled=self._troubled,
            call_id=call_id,
        )
        decision = await self._decide(waiting)
        if decision is not None and decision.action == "regenerate":
            waiting = self._with_others(waiting, step.others[: decision.more])
            decision = await self._decide(waiting)
            if decision is not None and decision.chosen is not None:
                proposed = list(waiting.choosing(decision.chosen).cells)
        if decision is None or decision.action == "stop":
            return "stopped", f"stopped by {self.stopped_by or 'a decision'}", None
        if decision.action == "finish":
            return (
                "finished",
                f"finished by {decision.by}",
                ev.Final(value=decision.answer, text=decision.answer or ""),
            )
        if decision.action == "reject":
            return None
        for index, (proposal, cell) in enumerate(zip(proposed, step.cells, strict=True)):
            code = decision.codes[index] if decision.codes is not None else proposal.code
            final = await self._cell(number, proposal.cell_id, code, cell)
            if self.stopped_by is not None:
                return "stopped", f"stopped by {self.stopped_by}", None
            if final is not None:
                return await self._final(number, proposal.cell_id, final)
        return None

    def _with_others(self, waiting: StepProposal, replies: Sequence[str]) -> StepProposal:
        """The proposal with further candidates beside it."""
        first = Candidate(call_id=waiting.call_id, reply=waiting.reply, cells=waiting.cells)
        candidates, newest = [first], waiting.call_id
        for place, reply in enumerate(replies, 1):
            newest = self._id("s")
            self._emit(
                ev.SupervisorCalled(
                    step=waiting.step,
                    call_id=newest,
                    model="qwen2.5-coder-32b",
                    extends=None,
                    message_ids=(),
                    params={},
                    candidate=place,
                )
            )
            self._emit(
                ev.SupervisorReplied(
                    step=waiting.step,
                    call_id=newest,
                    text=reply,
                    model="qwen2.5-coder-32b",
                    usage=Usage(prompt_tokens=1830, completion_tokens=180, calls=1),
                    elapsed=5.1,
                )
            )
            found = extract_blocks(reply)
            if found.problem is not None:
                self._emit(ev.ReplyRejected(step=waiting.step, call_id=newest, problem=found.problem))
            cells = []
            for index, block in enumerate(found.blocks):
                cell_id = self._id("c")
                self._emit(
                    ev.CellProposed(
                        step=waiting.step, cell_id=cell_id, call_id=newest, index=index, code=block.code
                    )
                )
                cells.append(ProposedCell(cell_id=cell_id, code=block.code, analysis=analyse(block.code)))
            candidates.append(
                Candidate(call_id=newest, reply=reply, cells=tuple(cells), problem=found.problem)
            )
        return msgspec.structs.replace(waiting, proposal_id=newest, candidates=tuple(candidates))

    def _asked(self, number: int) -> str:
        call_id = self._id("s")
        self._signal(Phase(step=number, text="drafting"))
        self._emit(
            ev.SupervisorCalled(
                step=number,
                call_id=call_id,
                model="qwen2.5-coder-32b",
                extends=None,
                message_ids=(),
                params={},
            )
        )
        return call_id

    async def _stream(self, number: int, call_id: str, step: ScriptedStep) -> None:
        if step.reasoning:
            self._signal(ReplyDelta(call_id=call_id, step=number, kind="reasoning", text=step.reasoning))
        half = len(step.reply) // 2
        self._signal(ReplyDelta(call_id=call_id, step=number, kind="text", text=step.reply[:half]))
        await self._hold(step.hold)
        self._signal(ReplyDelta(call_id=call_id, step=number, kind="text", text=step.reply[half:]))

    async def _cell(self, number: int, cell_id: str, code: str, cell: ScriptedCell) -> ev.Final | None:
        self._signal(Phase(step=number, text="running"))
        self._emit(ev.CellStarted(step=number, cell_id=cell_id, code=code))
        if cell.over_budget:
            await self._budget(number, cell.over_budget)
        for stream, text in cell.output:
            self._emit(ev.CellOutput(step=number, cell_id=cell_id, stream=stream, text=text))  # type: ignore[arg-type]
        batch = self._id("b") if len(cell.calls) > 1 else None
        for index, call in enumerate(cell.calls):
            self._call(number, cell_id, call, batch, index)
        status = cell.status if await self._hold(cell.hold) else "interrupted"
        self._troubled = status not in ("ok", "final")
        final = ev.Final(value=cell.final, text=cell.final) if cell.final is not None else None
        self._emit(
            ev.CellFinished(
                step=number,
                cell_id=cell_id,
                status=status,
                elapsed=2.31,
                active=0.04,
                traceback=cell.traceback,
                final=final,
                worker_calls=len(cell.calls),
            )
        )
        return final

    def _call(self, number: int, cell_id: str, call: Call, batch: str | None, index: int) -> None:
        call_id = self._id("w")
        self._emit(
            ev.WorkerCallStarted(
                step=number,
                cell_id=cell_id,
                call_id=call_id,
                prompt=call.prompt,
                model="qwen2.5-1.5b",
                params={},
                batch_id=batch,
                index=index,
            )
        )
        if call.response is not None:
            self._emit(
                ev.WorkerCallReturned(
                    step=number,
                    call_id=call_id,
                    response=call.response,
                    model="qwen2.5-1.5b",
                    usage=call.usage,
                    elapsed=call.elapsed,
                    cached=call.cached,
                )
            )
        elif call.error is not None:
            self._emit(
                ev.WorkerCallFailed(
                    step=number,
                    call_id=call_id,
                    error=call.error,
                    model="qwen2.5-1.5b",
                    usage=Usage(calls=1),
                    elapsed=call.elapsed,
                )
            )

    async def _final(
        self, number: int, cell_id: str, final: ev.Final
    ) -> tuple[ev.SessionStatus, str, ev.Final | None] | None:
        self._emit(ev.FinalProposed(step=number, cell_id=cell_id, answer=final))
        decision = await self._decide(
            FinalProposal(
                proposal_id=f"final:{cell_id}",
                step=number,
                answer=final,
                last=number == self._limits.turns,
                spent=Spent(worker_calls=4, tokens=9130, cost=0.0123, seconds=71.0),
                look=self._look,
            )
        )
        if decision is None:
            return "stopped", f"stopped by {self.stopped_by}", final
        if decision.action in ("send_back", "follow_up"):
            return None
        if decision.answer is not None:
            final = ev.Final(value=decision.answer, text=decision.answer)
        return "finished", f"accepted by {decision.by}", final

    async def _budget(self, number: int, limit: str) -> None:
        before = self._limits
        decision = await self._decide(
            BudgetProposal(
                proposal_id=f"budget:{limit}",
                step=number,
                limit=limit,
                found="200 of 200 worker calls are used",
                limits=before,
            )
        )
        if decision is not None and decision.limits is not None:
            self._limits = decision.limits
            self._emit(ev.BudgetChanged(step=number, before=before, after=decision.limits, by=decision.by))

    async def _decide(self, proposal: Proposal) -> Decision | None:
        """The decision, recorded; None if the session was stopped while it waited."""
        self._signal(Phase(step=proposal.step, text="waiting"))
        asked = asyncio.ensure_future(self._approver.decide(proposal))
        stopped = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({asked, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not asked.done():
            asked.cancel()
            return None
        decision = asked.result()
        self._emit(
            ev.DecisionMade(
                step=proposal.step,
                proposal_id=decision.chosen or proposal.proposal_id,
                action=decision.action,
                by=decision.by,
                took=4.0,
                before=tuple(c.code for c in proposal.cells) if isinstance(proposal, StepProposal) else (),
                after=decision.codes or (),
                guidance=decision.guidance,
                chosen=decision.chosen,
                more=decision.more if decision.action == "regenerate" else 0,
            )
        )
        return decision

    async def _hold(self, name: str) -> bool:
        """Wait until `name` is released; False if the cell was interrupted or the session stopped meanwhile."""
        if not name:
            return True
        return await asyncio.to_thread(self._wait, name)

    def _wait(self, name: str) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: name in self._released or self.interrupted or self.stopped_by is not None
            )
            return name in self._released

    def _emit(self, event: Any) -> Any:
        made = self._recorder.emit(event)
        if isinstance(made, ev.SupervisorReplied | ev.SupervisorFailed):
            self._supervisor_usage += made.usage
        elif isinstance(made, ev.WorkerCallReturned | ev.WorkerCallFailed):
            self._worker_usage += made.usage
        return made

    def _look(self) -> list[Finding]:
        return list(self._findings)

    def _id(self, kind: str) -> str:
        return f"{kind}{next(self._numbers[kind])}"
