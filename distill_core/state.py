"""The state of a session, as a pure fold over its events: `apply(state, event) -> state`.

Live screen, review, replay, export and the index all use this one fold. Nothing here reads a clock, a file or a
screen. Collections are persistent (`Sequence`, `immutables.Map`), so that keeping every moment of a long session
costs little and an old state never changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec
from immutables import Map

from distill_core import events as ev
from distill_core.models.base import Usage
from distill_core.sequence import Sequence

StepPhase: TypeAlias = Literal[
    "drafting",
    "proposed",
    "decided",
    "running",
    "observed",
    "rejected",
    "final_proposed",
    "finished",
    "failed",
]
CellPhase: TypeAlias = Literal["proposed", "running", "done"]
CallPhase: TypeAlias = Literal["running", "done", "failed"]


class Reply(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One supervisor call and, once there, its reply; `cut` where the session was stopped before that."""

    call_id: str
    extends: str | None
    message_ids: tuple[str, ...]
    model: str
    params: dict[str, Any]
    candidate: int
    text: str | None = None
    reasoning: str | None = None
    usage: Usage = Usage()
    elapsed: float = 0.0
    finish_reason: str | None = None
    cached: bool = False
    error: str | None = None
    problem: str | None = None
    cut: bool = False


class WorkerCall(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One worker call. `override` is what a person put in the place of `response`.

    `retries` are the calls by which a person sent its prompt again; `retry_of` is set on each of those. `given` is the
    override that came in time for the code; `SessionState.given` tells what the code got in any case.
    """

    call_id: str
    cell_id: str
    step: int
    prompt: str
    model: str
    batch_id: str | None
    index: int
    purpose: str
    phase: CallPhase = "running"
    response: str | None = None
    error: str | None = None
    override: str | None = None
    usage: Usage = Usage()
    elapsed: float = 0.0
    cached: bool = False
    attempt: int = 1
    finish_reason: str | None = None
    given: str | None = None
    retries: tuple[str, ...] = ()
    retry_of: str | None = None
    reaches_cell: bool = True


class Question(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A question of the session.

    Args:
        text: the question.
        step: the last step before it was asked; 0 for the first.
        answer: what was accepted as its answer before the next one was asked, or at the end.
    """

    text: str
    step: int = 0
    by: str = ""
    answer: ev.Final | None = None


class Cell(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One executed block. `output` holds (stream, text) in the order written; `code` is what ran or will run."""

    cell_id: str
    call_id: str
    step: int
    index: int
    code: str
    proposed: str
    origin: str
    phase: CellPhase = "proposed"
    status: ev.CellStatus | None = None
    output: Sequence[tuple[str, str]] = Sequence()
    traceback: str | None = None
    final: ev.Final | None = None
    elapsed: float = 0.0
    active: float = 0.0
    dropped: int = 0
    calls: Sequence[str] = Sequence()

    def text(self) -> str:
        """Everything the cell wrote, both streams as interleaved."""
        return "".join(piece for _, piece in self.output)


class Step(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One supervisor turn: its candidates' call ids, the cells that came of it, and what was decided.

    `chosen` is the call whose reply was taken, where there were several candidates.
    """

    number: int
    phase: StepPhase = "drafting"
    calls: Sequence[str] = Sequence()
    cells: Sequence[str] = Sequence()
    decisions: Sequence[ev.DecisionMade] = Sequence()
    chosen: str | None = None
    copied: bool = False
    started: datetime | None = None


class SessionState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A session at one moment. Before its first event every field is empty."""

    seq: int = 0
    started: ev.SessionStarted | None = None
    finished: ev.SessionFinished | None = None
    limits: ev.Limits = ev.Limits()
    policy: str = ""
    questions: Sequence[Question] = Sequence()
    steps: Sequence[Step] = Sequence()
    messages: Map[str, dict[str, Any]] = Map()
    replies: Map[str, Reply] = Map()
    cells: Map[str, Cell] = Map()
    calls: Map[str, WorkerCall] = Map()
    call_order: Sequence[str] = Sequence()
    annotated: Map[int, ev.Annotated] = Map()
    overridden: Map[int, ev.WorkerCallOverridden] = Map()
    retractions: Map[int, tuple[int, ...]] = Map()
    final_proposed: ev.FinalProposed | None = None
    supervisor_usage: Usage = Usage()
    worker_usage: Usage = Usage()
    updated: datetime | None = None

    def prompt(self, call_id: str) -> list[dict[str, Any]]:
        """The exact messages that supervisor call `call_id` was sent, in order.

        Raises:
            KeyError: there is no such call, or a message of it is missing from the log.
        """
        chain: list[Reply] = []
        at: str | None = call_id
        while at is not None:
            reply = self.replies[at]
            chain.append(reply)
            if len(chain) > len(self.replies):  # a log from elsewhere may go round in circles
                raise KeyError(at)
            at = reply.extends
        return [self.messages[m] for reply in reversed(chain) for m in reply.message_ids]

    @property
    def question(self) -> str:
        """The question that is worked on."""
        return self.questions[-1].text if len(self.questions) else ""

    def question_at(self, step: int) -> str:
        """The question that step `step` worked on."""
        asked = [question.text for question in self.questions if not question.step or question.step < step]
        return asked[-1] if asked else ""

    def given(self, call_id: str) -> tuple[str | None, str | None]:
        """What the code was given for a worker call: a text or an error, neither where nothing has come.

        Raises:
            KeyError: there is no such call.
        """
        call = self.calls[call_id]
        if call.given is not None:
            return call.given, None
        again = [self.calls[name] for name in reversed(call.retries) if self.calls[name].reaches_cell]
        for one in (*again, call):
            if one.response is not None:
                return one.response, None
        return None, next((one.error for one in (*again, call) if one.error is not None), None)

    def counts(self, seq: int) -> bool:
        """Whether event `seq` still counts: not retracted, or its retraction retracted in turn."""
        # All that hangs on it, each before what took it back: a chain of undos may be longer than a call stack.
        hanging = [seq]
        for one in hanging:
            hanging.extend(self.retractions.get(one, ()))
        counting: set[int] = set()
        for one in reversed(hanging):
            if counting.isdisjoint(self.retractions.get(one, ())):
                counting.add(one)
        return seq in counting

    def annotations(self) -> list[ev.Annotated]:
        """The annotations that count, in the order they were made."""
        return [self.annotated[seq] for seq in sorted(self.annotated) if self.counts(seq)]

    @property
    def current(self) -> Step | None:
        """The step the session is at."""
        return self.steps[-1] if len(self.steps) else None


EMPTY = SessionState()
_replace = msgspec.structs.replace


def fold(events: Iterable[ev.Event], state: SessionState = EMPTY) -> SessionState:
    """The state after all `events`."""
    if state is EMPTY:
        from distill_core.folding import fold_whole

        return fold_whole(events)
    for event in events:
        state = apply(state, event)
    return state


def apply(state: SessionState, event: ev.Event) -> SessionState:
    """The state after one more event. Pure: the old state stays as it was."""
    state = _replace(state, seq=event.seq, updated=event.timestamp)
    match event:  # what comes in crowds stands first
        case ev.CellStarted() | ev.CellOutput() | ev.CellFinished():
            return _cell_ran(state, event)
        case ev.WorkerCallStarted():
            return _call_started(state, event)
        case ev.WorkerCallReturned() | ev.WorkerCallFailed() | ev.WorkerCallOverridden():
            return _call_ended(state, event)
        case ev.SessionStarted():
            first = Question(text=event.query)
            return _replace(state, started=event, limits=event.limits, questions=Sequence([first]))
        case ev.SessionFinished():
            return _finish(state, event)
        case ev.MessageAdded():
            return _replace(state, messages=state.messages.set(event.message_id, event.message))
        case ev.SupervisorCalled():
            return _supervisor_called(state, event)
        case ev.SupervisorReplied() | ev.SupervisorFailed() | ev.ReplyRejected():
            return _supervisor_answered(state, event)
        case ev.CellProposed():
            return _cell_proposed(state, event)
        case ev.FinalProposed():
            return _phase(_replace(state, final_proposed=event), event.step, "final_proposed")
        case ev.DecisionMade():
            return _decided(state, event)
        case ev.PolicyChanged():
            return _replace(state, policy=event.policy)
        case ev.BudgetChanged():
            return _replace(state, limits=event.after)
        case (
            ev.CellInterrupted()
            | ev.WorkerCallsCancelled()
            | ev.SessionResumed()
            | ev.PrimitiveCalled()
            | ev.StateRebuilt()
            | ev.WorkerCallRefused()
            | ev.InstructionGiven()
        ):
            return state
        case ev.Annotated():
            return _replace(state, annotated=state.annotated.set(event.seq, event))
        case ev.Retracted():
            return _retracted(state, event)


def _at_step(state: SessionState, number: int) -> tuple[SessionState, int]:
    """The state with step `number` in it, and its index; a gap never arises, steps are numbered from 1.

    Raises:
        KeyError: there is no such step: a log from elsewhere numbers from 0.
    """
    if number < 1:
        raise KeyError(f"step {number}")
    while len(state.steps) < number:
        state = _replace(state, steps=state.steps.append(Step(number=len(state.steps) + 1)))
    return state, number - 1


def _step(state: SessionState, number: int, **changes: Any) -> SessionState:
    if number < 1:
        return state
    state, index = _at_step(state, number)
    return _replace(state, steps=state.steps.replace(index, _replace(state.steps[index], **changes)))


def _phase(state: SessionState, number: int, phase: StepPhase) -> SessionState:
    return _step(state, number, phase=phase)


def _finish(state: SessionState, event: ev.SessionFinished) -> SessionState:
    state = _replace(state, finished=event)
    if not event.partial:
        state = _answered(state, event.answer)
    if state.current is None:
        return state
    return _phase(state, state.current.number, "failed" if event.status == "failed" else "finished")


def _answered(state: SessionState, answer: ev.Final | None) -> SessionState:
    """The question that was worked on has its answer."""
    if not len(state.questions):
        return state
    last = _replace(state.questions[-1], answer=answer)
    return _replace(state, questions=state.questions.replace(-1, last))


def _supervisor_called(state: SessionState, event: ev.SupervisorCalled) -> SessionState:
    reply = Reply(
        call_id=event.call_id,
        extends=event.extends,
        message_ids=event.message_ids,
        model=event.model,
        params=event.params,
        candidate=event.candidate,
    )
    state, index = _at_step(state, event.step)
    step = state.steps[index]
    step = _replace(
        step,
        phase="drafting",
        calls=step.calls.append(event.call_id),
        copied=event.copied,
        started=step.started or event.timestamp,
    )
    return _replace(
        state, replies=state.replies.set(event.call_id, reply), steps=state.steps.replace(index, step)
    )


def _supervisor_answered(
    state: SessionState, event: ev.SupervisorReplied | ev.SupervisorFailed | ev.ReplyRejected
) -> SessionState:
    reply = state.replies[event.call_id]
    if isinstance(event, ev.ReplyRejected):
        reply = _replace(reply, problem=event.problem)
        # A further candidate that is no use leaves the others to be decided on.
        state = _phase(state, event.step, "proposed" if reply.candidate else "rejected")
        return _replace(state, replies=state.replies.set(event.call_id, reply))
    usage = state.supervisor_usage
    if not event.copied:
        usage = usage + event.usage
    if isinstance(event, ev.SupervisorFailed):
        reply = _replace(reply, error=event.error, usage=event.usage, elapsed=event.elapsed, cut=event.cut)
        state = _phase(state, event.step, "proposed" if reply.candidate else "failed")
    else:
        reply = _replace(
            reply,
            text=event.text,
            reasoning=event.reasoning,
            usage=event.usage,
            elapsed=event.elapsed,
            finish_reason=event.finish_reason,
            cached=event.cached,
            model=event.model,
        )
    return _replace(state, replies=state.replies.set(event.call_id, reply), supervisor_usage=usage)


def _cell_proposed(state: SessionState, event: ev.CellProposed) -> SessionState:
    cell = Cell(
        cell_id=event.cell_id,
        call_id=event.call_id,
        step=event.step,
        index=event.index,
        code=event.code,
        proposed=event.code,
        origin=event.origin,
    )
    state, index = _at_step(state, event.step)
    step = state.steps[index]
    step = _replace(step, phase="proposed", cells=step.cells.append(event.cell_id))
    return _replace(state, cells=state.cells.set(event.cell_id, cell), steps=state.steps.replace(index, step))


def _cell_ran(state: SessionState, event: ev.CellStarted | ev.CellOutput | ev.CellFinished) -> SessionState:
    cell = state.cells[event.cell_id]
    match event:
        case ev.CellStarted():
            cell = _replace(cell, phase="running", code=event.code)
            state = _phase(state, event.step, "running")
        case ev.CellOutput():
            cell = _replace(cell, output=cell.output.append((event.stream, event.text)))
        case ev.CellFinished():
            cell = _replace(
                cell,
                phase="done",
                status=event.status,
                traceback=event.traceback,
                final=event.final,
                elapsed=event.elapsed,
                active=event.active,
                dropped=event.dropped,
            )
            state = _phase(state, event.step, "observed")
    return _replace(state, cells=state.cells.set(event.cell_id, cell))


def _call_started(state: SessionState, event: ev.WorkerCallStarted) -> SessionState:
    call = WorkerCall(
        call_id=event.call_id,
        cell_id=event.cell_id,
        step=event.step,
        prompt=event.prompt,
        model=event.model,
        batch_id=event.batch_id,
        index=event.index,
        purpose=event.purpose,
        retry_of=event.retry_of,
        reaches_cell=event.reaches_cell,
    )
    cell = state.cells.get(event.cell_id)
    if event.retry_of is not None:
        first = state.calls[event.retry_of]
        first = _replace(first, retries=(*first.retries, event.call_id))
        state = _replace(state, calls=state.calls.set(first.call_id, first))
    elif cell is not None:
        cell = _replace(cell, calls=cell.calls.append(event.call_id))
        state = _replace(state, cells=state.cells.set(event.cell_id, cell))
    return _replace(
        state,
        calls=state.calls.set(event.call_id, call),
        call_order=state.call_order.append(event.call_id),
    )


def _call_ended(
    state: SessionState, event: ev.WorkerCallReturned | ev.WorkerCallFailed | ev.WorkerCallOverridden
) -> SessionState:
    call = state.calls[event.call_id]
    usage = state.worker_usage
    match event:
        case ev.WorkerCallOverridden():
            state = _replace(state, overridden=state.overridden.set(event.seq, event))
            call = _replace(call, override=event.response)
            if event.reached_cell:
                call = _replace(call, given=event.response)
        case ev.WorkerCallReturned():
            usage = usage if event.copied else usage + event.usage
            call = _replace(
                call,
                phase="done",
                response=event.response,
                usage=event.usage,
                elapsed=event.elapsed,
                cached=event.cached,
                attempt=event.attempt,
                finish_reason=event.finish_reason,
                model=event.model,
            )
        case ev.WorkerCallFailed():
            usage = usage if event.copied else usage + event.usage
            call = _replace(
                call,
                phase="failed",
                error=event.error,
                usage=event.usage,
                elapsed=event.elapsed,
                attempt=event.attempt,
            )
    return _replace(state, calls=state.calls.set(event.call_id, call), worker_usage=usage)


def _decided(state: SessionState, event: ev.DecisionMade) -> SessionState:
    if event.step < 1:
        return state
    if event.proposal_id.startswith(ev.BESIDE):
        return _decided_beside(state, event)
    state, index = _at_step(state, event.step)
    step = state.steps[index]
    phase: StepPhase = "rejected" if event.action in ("reject", "send_back") else "decided"
    step = _replace(
        step,
        phase=phase,
        decisions=step.decisions.append(event),
        chosen=event.chosen or step.chosen,
        # A fork that decides otherwise on a reply of its parent makes a step of its own.
        copied=step.copied and (event.copied or event.proposal_id.startswith("final:")),
    )
    state = _replace(state, steps=state.steps.replace(index, step))
    return _asked_further(state, event) if event.action == "follow_up" else state


def _decided_beside(state: SessionState, event: ev.DecisionMade) -> SessionState:
    """A bound was reached in the step, or a call failed. Before its first call there is no step to say it of."""
    if event.step > len(state.steps):
        return state
    step = state.steps[event.step - 1]
    return _step(state, event.step, decisions=step.decisions.append(event))


def _asked_further(state: SessionState, event: ev.DecisionMade) -> SessionState:
    """The answer that was proposed, or what it was changed to, is accepted, and another question is worked on."""
    proposed = state.final_proposed.answer if state.final_proposed is not None else None
    state = _answered(state, ev.Final(value=event.after[0], text=event.after[0]) if event.after else proposed)
    further = Question(text=event.guidance, step=event.step, by=event.by)
    return _replace(state, questions=state.questions.append(further), final_proposed=None)


def _retracted(state: SessionState, event: ev.Retracted) -> SessionState:
    if event.retracts >= event.seq:  # nothing that was there: two such could take each other back for ever
        return state
    earlier = state.retractions.get(event.retracts, ())
    state = _replace(state, retractions=state.retractions.set(event.retracts, (*earlier, event.seq)))
    for override in state.overridden.values():
        state = _settle_override(state, override.call_id)
    return state


def _settle_override(state: SessionState, call_id: str) -> SessionState:
    """The call's override as the last one that counts, after something was retracted."""
    live = [seq for seq, o in state.overridden.items() if o.call_id == call_id and state.counts(seq)]
    text = state.overridden[max(live)].response if live else None
    return _replace(state, calls=state.calls.set(call_id, _replace(state.calls[call_id], override=text)))
