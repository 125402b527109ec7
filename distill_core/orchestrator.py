"""The turns of a session: draft, propose, decide, run, observe, until there is an answer or a reason to end.

It emits events and asks the approver; it knows neither screen nor file.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from distill_core import events as ev
from distill_core import fences, prompts
from distill_core.analysis import analyse
from distill_core.answering import Answering, RecordedAnswers
from distill_core.approval import Decision, FinalProposal, ProposedCell
from distill_core.budget import Ledger
from distill_core.control import Control, Stopped
from distill_core.conversation import Conversation
from distill_core.errors import BudgetExceeded, DivergenceError, LogError, ModelError
from distill_core.evidence import Evidence, Finding, readable
from distill_core.gate import Gate
from distill_core.models.base import LMResponse, Usage
from distill_core.partial import standing_in
from distill_core.proposing import Draft, Proposer, proposal
from distill_core.recorder import Recorder
from distill_core.redriving import Redriving
from distill_core.repl import AsyncREPL, CellResult
from distill_core.reply_problems import IN_WORDS
from distill_core.rewriting import with_codes
from distill_core.signals import OnSignal, Phase
from distill_core.supervising import SupervisorLine
from distill_core.workers import Place, WorkerGateway

if TYPE_CHECKING:
    from distill_core.specification import SessionSpec


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How the session ended."""

    status: ev.SessionStatus
    answer: ev.Final | None
    partial: bool
    reason: str
    iterations: int
    supervisor_usage: Usage
    worker_usage: Usage
    cost: float | None
    elapsed: float


class _End(Exception):  # not an error: it unwinds the turns
    """The session is over."""

    def __init__(self, status: ev.SessionStatus, reason: str, answer: ev.Final | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.answer = answer


class Orchestrator:
    """Runs one session's turns over parts that are already there."""

    def __init__(
        self,
        *,
        spec: SessionSpec,
        gate: Gate,
        line: SupervisorLine,
        proposer: Proposer,
        recorder: Recorder,
        repl: AsyncREPL,
        conversation: Conversation,
        gateway: WorkerGateway,
        answering: Answering,
        ledger: Ledger,
        control: Control,
        on_signal: OnSignal,
        redriving: Redriving | None = None,
    ) -> None:
        self._spec = spec
        self._gate = gate
        self._recorder = recorder
        self._repl = repl
        self._conversation = conversation
        self._gateway = gateway
        self._ledger = ledger
        self._control = control
        self._signal = on_signal
        self._line = line
        self._answering = answering
        self._redriving = redriving
        self._proposer = proposer
        self._question = spec.query
        self._evidence: Evidence | None = None
        self._step = 0
        self._running: str | None = None
        self._troubled = False
        self._codeless = 0
        self._sent_back = 0
        self._best: ev.Final | None = None
        self._best_given = False
        self._answered_before: ev.Final | None = None

    async def run(self) -> Ending:
        """Turn after turn, to the end.

        Raises:
            ModelError: the supervisor failed before anything was gathered.
            DivergenceError: a recorded model was asked for something else than was recorded.
        """
        failure: ModelError | None = None
        try:
            while True:
                await self._turn()
        except _End as end:
            over = end
        except Stopped as stop:
            over = _End("stopped", str(stop))
        except BudgetExceeded as error:
            over = _End("budget", str(error))
        except ModelError as error:
            failure = error
            over = _End("failed", str(error))
        except DivergenceError as error:
            await self._gateway.close()
            self._finish(_End("diverged", str(error)), self._ledger.spent.seconds)
            raise
        except asyncio.CancelledError:
            await self._gateway.close()
            self._finish(_End("stopped", "cancelled by the caller"), self._ledger.spent.seconds)
            raise
        except LogError:
            await self._gateway.close()
            raise
        except Exception as error:
            await self._gateway.close()
            self._finish(_End("failed", f"{type(error).__name__}: {error}"), self._ledger.spent.seconds)
            raise
        await self._gateway.close()
        ending = self._finish(over, self._ledger.spent.seconds)
        if failure is not None and ending.answer is None:
            raise failure
        return ending

    @property
    def step(self) -> int:
        """The turn that the session is at."""
        return self._step

    # ------------------------------------------------------------ one turn

    async def _turn(self) -> None:
        await self._control.boundary()
        await self._next_step()
        draft = await self._draft()
        if draft.found.problem is not None:
            self._nothing_to_run(draft.reply, draft.found.problem)
            return
        draft, decision = await self._decide(draft)
        self._codeless = 0
        self._conversation.chose(draft.call_id)
        match decision.action:
            case "reject":
                self._troubled = True
                self._reply_to(draft.reply.text, prompts.rejection(decision.guidance))
            case "finish":
                raise _End("finished", f"finished by {decision.by}", self._given(decision.answer))
            case "stop":
                raise Stopped(decision.by)
            case "approve" | "edit" | "write":
                text, cells = draft.reply.text, list(draft.cells)
                if decision.codes is not None:
                    text = with_codes(text, draft.found.blocks, decision.codes)
                    cells = self._decided_cells(draft, decision)
                await self._run_cells(cells, text, prompts.reply_note(draft.found.note))
            case action:
                raise ValueError(f"{action} is no decision on a step")

    async def _draft(self) -> Draft:
        """The supervisor's next reply, asked for as often as somebody wants to try again where it fails."""
        while True:
            try:
                return await self._proposer.draft(self._step)
            except ModelError as error:
                if not await self._gate.try_again(self._line.last_call, self._line.model, error):
                    raise

    async def _decide(self, first: Draft) -> tuple[Draft, Decision]:
        """The decision on the step and the reply it is about; more replies are asked for as often as wanted."""
        drafts, asked = [first], 1
        while True:
            decision = await self._gate.decide(
                proposal(drafts, self._step, self._turns, troubled=self._troubled)
            )
            if decision.action != "regenerate":
                chosen = next((d for d in drafts if d.call_id == decision.chosen), first)
                return chosen, decision
            more = max(1, decision.more)
            drafts += await self._proposer.more(self._step, asked, more)
            asked += more

    async def _next_step(self) -> None:
        turns, last = self._ledger.limits.turns, self._last
        if self._covered(self._step + 1):
            pass  # whatever was met then, the session went on
        elif self._over is not None and last is not None and self._step >= last:
            raise _End("budget", self._over)
        elif turns is not None and self._step >= turns:
            found = f"all {turns} turns are used"
            if not await self._gate.raise_bound("turns", found):
                raise _End("exhausted", found + " without FINAL")
        self._step += 1
        self._gate.step = self._step
        self._instruct()
        self._conversation.add_to_last(prompts.turn_notice(self._step, self._turns, self._ledger.remaining()))

    @property
    def _over(self) -> str | None:
        """Why no worker call can be made any more, where the code asked for one and nobody raised the bound."""
        refusal = self._gate.refused.get("worker_calls")
        return None if refusal is None else f"the budget is used up: {refusal.found}"

    @property
    def _last(self) -> int | None:
        """The last turn, where no worker calls are left: the one after, to answer from what there is.

        Whoever sends the answer back, or asks further, gives another one.
        """
        refusal = self._gate.refused.get("worker_calls")
        return None if refusal is None else max(refusal.step, self._sent_back) + 1

    @property
    def _turns(self) -> int | None:
        """How many turns there are."""
        bounds = [bound for bound in (self._ledger.limits.turns, self._last) if bound is not None]
        return min(bounds, default=None)

    def _covered(self, step: int) -> bool:
        return self._redriving is not None and self._redriving.covers(step)

    def _instruct(self) -> None:
        """Put a person's words in front of this turn, where there are some."""
        words = self._redriving.instruction(self._step) if self._redriving is not None else ""
        if self._redriving is not None and words:
            self._recorder.emit(ev.InstructionGiven(step=self._step, text=words, by=self._redriving.by))
            self._conversation.add_to_last(prompts.instruction(words))

    def _nothing_to_run(self, reply: LMResponse, problem: fences.Problem) -> None:
        self._troubled = True
        self._codeless += 1
        at_last_turn = self._turns is not None and self._step >= self._turns
        self._note_best(reply.text, only_if_none=not at_last_turn)
        if self._codeless >= self._spec.replies_without_code:
            raise _End(
                "no_code",
                f"{self._codeless} replies in a row held no code to run, the last: {IN_WORDS[problem]}",
            )
        self._reply_to(reply.text, prompts.nudge(problem))

    def _decided_cells(self, draft: Draft, decision: Decision) -> list[ProposedCell]:
        """The cells to run: an edit keeps the cell's name, code beyond those proposed gets cells of its own."""
        codes = decision.codes or ()
        kept = draft.cells if decision.action == "edit" else ()
        beyond = len(draft.cells) - len(kept)
        return [
            ProposedCell(cell_id=kept[i].cell_id, code=code, analysis=analyse(code))
            if i < len(kept)
            else self._proposer.new_cell(self._step, draft.call_id, beyond + i, code, by_person=True)
            for i, code in enumerate(codes)
        ]

    # ------------------------------------------------------------ running

    async def _run_cells(self, cells: list[ProposedCell], text: str, note: str) -> None:
        """Run the cells in order. A failed one does not keep the next from running, a stopped one does."""
        reports: list[prompts.CellReport] = []
        self._troubled = False
        for cell in cells:
            await self._control.boundary()
            result = await self._run_cell(cell)
            self._troubled = self._troubled or result.status not in ("ok", "final")
            reports.append(_report(result))
            if result.final is not None:
                await self._answer(cell.cell_id, result.final, text, self._observed(reports, note))
                return
            if result.status in ("interrupted", "timeout", "killed"):
                reports += [prompts.CellReport("skipped")] * (len(cells) - len(reports))
                break
        self._reply_to(text, self._observed(reports, note))

    def _observed(self, reports: list[prompts.CellReport], note: str) -> str:
        words = prompts.observation(reports, self._spec.output_limit)
        return f"{words}\n\n{note}" if note else words

    async def _run_cell(self, cell: ProposedCell) -> CellResult:
        known = self._redriving.result(cell.cell_id) if self._redriving is not None else None
        if known is not None:
            self._note_printed(known)
            return known
        self._signal(Phase(step=self._step, text="running"))
        step = self._step
        self._gateway.place = Place(step, cell.cell_id)
        self._recorder.emit(ev.CellStarted(step=step, cell_id=cell.cell_id, code=cell.code))
        self._running = cell.cell_id
        unfinished = self._redriving.unfinished(cell.cell_id) if self._redriving is not None else None
        if unfinished is not None:
            self._answering.recorded = RecordedAnswers(unfinished, strict=False)
        watches = [asyncio.create_task(self._cut_at_stop()), asyncio.create_task(self._cut_at_deadline())]
        try:
            result = await self._repl.execute(
                cell.code,
                on_output=lambda stream, text: self._output(step, cell.cell_id, stream, text),
            )
        finally:
            self._running = None
            self._answering.recorded = None
            for watch in watches:
                watch.cancel()
            for ended in await asyncio.gather(*watches, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended
        self._recorder.emit(
            ev.CellFinished(
                step=step,
                cell_id=cell.cell_id,
                status=result.status,
                elapsed=result.elapsed,
                active=result.active,
                traceback=result.traceback,
                final=result.final,
                worker_calls=len(result.worker_calls),
                dropped=result.dropped,
                variables="restored" if result.restored else "lost" if result.restarted else None,
            )
        )
        self._note_printed(result)
        if self._gateway.diverged is not None:
            raise self._gateway.diverged
        return result

    def _note_printed(self, result: CellResult) -> None:
        self._note_best(standing_in(result))

    def _output(self, step: int, cell_id: str, stream: str, text: str) -> None:
        if self._redriving is not None and not (text := self._redriving.fresh(cell_id, stream, text)):
            return
        kind = "stderr" if stream == "stderr" else "stdout"
        self._recorder.emit(ev.CellOutput(step=step, cell_id=cell_id, stream=kind, text=text))  # type: ignore[arg-type]

    async def _cut_at_stop(self) -> None:
        await self._control.asked_to_stop()
        await self._interrupt_until_it_ends()

    async def _cut_at_deadline(self) -> None:
        """When the session's wall time is up, ask for more while the cell goes on; refused, end the cell."""
        while (left := self._ledger.seconds_left()) is not None:
            await asyncio.sleep(left)
            limit = self._ledger.limits.seconds
            if self._ledger.seconds_left() and limit is not None:
                continue
            try:
                more = await self._gate.raise_bound("seconds", f"{limit:g} s of wall time are used up")
            except Stopped:
                return
            if not more:
                await self._interrupt_until_it_ends()

    async def _interrupt_until_it_ends(self) -> None:
        # Once is not enough where the REPL is just being started anew and has no cell to interrupt yet.
        while True:
            self._repl.interrupt()
            await asyncio.sleep(0.5)

    def _reply_to(self, reply: str, words: str) -> None:
        """Put the supervisor's turn and our words after it into the conversation."""
        # Chat templates want turns that alternate and some servers refuse an empty one.
        self._conversation.add(
            {"role": "assistant", "content": reply if reply.strip() else "(no reply)"},
            {"role": "user", "content": words},
        )

    # ------------------------------------------------------------ answering

    async def _answer(self, cell_id: str, final: ev.Final, text: str, observed: str) -> None:
        self._recorder.emit(ev.FinalProposed(step=self._step, cell_id=cell_id, answer=final))
        self._best, self._best_given = final, True
        decision = await self._gate.decide(
            FinalProposal(
                proposal_id=f"final:{cell_id}",
                step=self._step,
                answer=final,
                question=self._question,
                troubled=self._troubled,
                last=self._turns is not None and self._step >= self._turns,
                spent=self._ledger.spent,
                look=lambda: self._look_up(final.text),
            )
        )
        match decision.action:
            case "accept" | "finish":
                given = final if decision.answer is None else self._given(decision.answer)
                if self._over is not None and decision.by.startswith("policy:"):
                    # The code went on without replies that it had asked for, and nobody has looked at what it made.
                    raise _End("budget", self._over, given)
                raise _End("finished", f"accepted by {decision.by}", given)
            case "send_back":
                self._troubled, self._sent_back = True, self._step
                self._reply_to(text, observed + "\n\n" + prompts.sent_back(decision.guidance))
            case "follow_up":
                self._answered_before = final if decision.answer is None else self._given(decision.answer)
                self._sent_back = self._step
                self._ask_further(decision.guidance)
                self._reply_to(text, observed + "\n\n" + prompts.follow_up(decision.guidance))
            case "stop":
                raise Stopped(decision.by)
            case action:
                raise ValueError(f"{action} is no decision on an answer")

    def _look_up(self, text: str) -> list[Finding]:
        """What the document says to the quotations in `text`; it is prepared for that when somebody first asks."""
        if self._evidence is None:
            self._evidence = Evidence(readable(self._spec.context))
        return self._evidence.of(text)

    def _ask_further(self, question: str) -> None:
        """Work on another question from here on; what was gathered for the one before is no answer to it."""
        self._question = question
        self._repl.ask(question)
        self._best, self._best_given, self._troubled = None, False, False

    def _note_best(self, text: str, *, only_if_none: bool = False) -> None:
        """Remember `text` as what to hand back if no answer comes; an answer by FINAL outranks it."""
        if self._best_given or not text.strip() or (only_if_none and self._best is not None):
            return
        self._best = ev.Final(value=text.strip(), text=text.strip())

    def _given(self, answer: str | None) -> ev.Final | None:
        return ev.Final(value=answer, text=answer) if answer is not None else self._best

    def _finish(self, over: _End, elapsed: float) -> Ending:
        answer = over.answer or self._best or self._answered_before
        ending = Ending(
            status=over.status,
            answer=answer,
            partial=over.status != "finished",
            reason=over.reason,
            iterations=self._line.step,
            supervisor_usage=self._line.usage,
            worker_usage=self._gateway.usage,
            cost=self._ledger.spent.cost,
            elapsed=elapsed,
        )
        self._recorder.emit(
            ev.SessionFinished(
                step=self._step,
                status=ending.status,
                answer=ending.answer,
                partial=ending.partial,
                reason=ending.reason,
                iterations=ending.iterations,
                supervisor_usage=ending.supervisor_usage,
                worker_usage=ending.worker_usage,
                cost=ending.cost,
                elapsed=elapsed,
            )
        )
        return ending

    # ------------------------------------------------------------ on the engine's loop

    def interrupt(self, by: str) -> None:
        """Stop the running cell, if one runs."""
        cell_id = self._running
        if cell_id is not None:
            self._recorder.emit(ev.CellInterrupted(step=self._step, cell_id=cell_id, by=by))
            self._repl.interrupt()


def _report(result: CellResult) -> prompts.CellReport:
    return prompts.CellReport(
        status=result.status,
        output="".join(text for _, text in result.output),
        traceback=result.traceback,
        dropped=result.dropped,
    )
