"""What a session goes on from: the record of an earlier part, and how the REPL's state comes back."""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from distill_core import events as ev
from distill_core.answering import Answering
from distill_core.approval import Decision
from distill_core.budget import Ledger, Role, estimate, unreported
from distill_core.errors import DivergenceError
from distill_core.gate import Gate, Refusal
from distill_core.models.base import Usage
from distill_core.record import Record, RecordedCell, number
from distill_core.recorder import Recorder
from distill_core.redriving import Redriving
from distill_core.repl import AsyncREPL
from distill_core.rerunning import Rerun, passed, rerun_all
from distill_core.running_time import running_time
from distill_core.signals import OnSignal, Phase
from distill_core.supervising import SupervisorLine
from distill_core.workers import WorkerGateway

_ONE = Usage(calls=1)


class RebuildStopped(DivergenceError):
    """A recorded cell came out differently, and nobody wanted to go on all the same.

    Args:
        rerun: the cell and its differences.
    """

    def __init__(self, rerun: Rerun) -> None:
        super().__init__(
            "the REPL's state cannot be rebuilt as it was",
            found=str(rerun.differences[0]),
            remedy="go on from that step, or go on all the same",
        )
        self.rerun = rerun


Branch: TypeAlias = Callable[[Answering, Mapping[str, Callable[..., Any]]], Awaitable[AsyncREPL]]
"""Gives the REPL of a session that still runs, as a copy, behind the functions and primitives of its fork."""


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier part of a session.

    Args:
        record: the part; a fork's ends where it branches off.
        parent: of a fork: which session it is of. None where the session itself goes on.
        first: the first decision beyond the record, in the approver's place.
        instructions: words for the supervisor, by the step that they stand in front of.
        by: who says so.
        go_on: asked when a recorded cell comes out differently; True to go on all the same. None: never.
        branch: gives the REPL with its state, from a session that still runs; None: recorded cells are run again.
    """

    record: Record
    parent: ev.Parent | None = None
    first: Decision | None = None
    instructions: dict[int, str] = msgspec.field(default_factory=dict)
    by: str = ""
    go_on: Callable[[Rerun], Awaitable[bool]] | None = None
    branch: Branch | None = None

    @property
    def resumes(self) -> bool:
        """Whether the session itself goes on."""
        return self.parent is None

    def redriving(self) -> Redriving:
        """What drives the engine to where the record ends."""
        return Redriving(self.record, first=self.first, instructions=self.instructions, by=self.by)


def taken_over(earlier: Earlier) -> ev.StateRebuilt:
    """What is put on record of a REPL that came as a copy."""
    state = earlier.record.state
    cells = len(earlier.record.finished_cells)
    return ev.StateRebuilt(step=len(state.steps), cells=cells, way="checkpoint", elapsed=0.0)


async def rebuild(
    repl: AsyncREPL, answering: Answering, earlier: Earlier, on_signal: OnSignal
) -> ev.StateRebuilt | None:
    """Bring the REPL to the state after the cells of the record that came to their end; None if there are none.

    Raises:
        RebuildStopped: a cell came out differently, and that was not let pass.
        ReplError: the REPL is lost.
    """
    count = len(earlier.record.finished_cells)
    if not count:
        return None
    started = time.monotonic()
    step = len(earlier.record.state.steps)
    places = itertools.count(1)

    def tell(cell: RecordedCell) -> None:
        on_signal(Phase(step=cell.step, text=f"rebuilding {next(places)}/{count}"))

    async def goes_on(run: Rerun) -> bool:
        if run.differences and not (earlier.go_on is not None and await earlier.go_on(run)):
            raise RebuildStopped(run)
        return True

    runs = await rerun_all(repl, answering, earlier.record, goes_on=goes_on, on_cell=tell)
    elapsed = time.monotonic() - started
    return ev.StateRebuilt(step=step, cells=count, way="rerun", elapsed=elapsed, diverged=passed(runs))


def carry(earlier: Earlier, ledger: Ledger, gate: Gate, line: SupervisorLine, gateway: WorkerGateway) -> None:
    """Let the parts of a session go on counting where the earlier part ended. A fork has used nothing yet."""
    state = earlier.record.state
    calls, worker_calls = max(map(number, state.replies), default=0), max(map(number, state.calls), default=0)
    batches = max((number(c.batch_id) for c in state.calls.values() if c.batch_id), default=0)
    if not earlier.resumes:
        line.carry(Usage(), calls)
        gateway.carry(Usage(), state.calls.values(), worker_calls, batches)
        return
    line.carry(state.supervisor_usage, calls)
    gateway.carry(state.worker_usage, state.calls.values(), worker_calls, batches)
    ledger.limits = state.limits
    used = _used(earlier.record, metered=line.metered)
    kept = sum(
        isinstance(e, ev.WorkerCallReturned) and e.cached and not e.copied for e in earlier.record.events
    )
    ledger.carry(used, running_time(earlier.record.events).seconds(), kept=kept)
    gate.carry(refused(earlier.record.events))


def _used(record: Record, *, metered: bool) -> dict[Role, Usage]:
    """What each role used, with an estimate for the replies that came without a count of tokens.

    Args:
        metered: whether the supervisor's do take tokens.
    """
    state = record.state
    used: dict[Role, Usage] = {"supervisor": state.supervisor_usage, "worker": state.worker_usage}
    role: Role
    for event in record.events:
        if getattr(event, "copied", False):
            continue  # a fork's parent has paid for it
        match event:
            case ev.SupervisorReplied() if metered and not event.usage.total_tokens and not event.cached:
                chars = sum(len(str(m.get("content", ""))) for m in state.prompt(event.call_id))
                role, reply = "supervisor", event.text
            case ev.WorkerCallReturned() if not event.usage.total_tokens and not event.cached:
                chars = len(state.calls[event.call_id].prompt)
                role, reply = "worker", event.response
            case _:
                continue
        used[role] = used[role] + unreported(estimate(chars, None).prompt_tokens, len(reply))
    return used


def refused(events: tuple[ev.Event, ...]) -> dict[str, Refusal]:
    """The bounds that nobody would raise."""
    found: dict[str, Refusal] = {}
    for event in events:
        if isinstance(event, ev.DecisionMade) and event.proposal_id.startswith("budget:"):
            limit = event.proposal_id.removeprefix("budget:")
            if event.action == "raise_budget":
                found.pop(limit, None)
            else:
                found[limit] = Refusal(event.reason or f"the bound on {limit}", event.step)
    return found


def write_copies(recorder: Recorder, record: Record) -> None:
    """Write the events of a parent into its fork, marked as copied, numbered anew.

    What belongs to the parent alone stays there: its beginning and end, its bounds and policies, judgements, calls
    that were lost.
    """
    places: dict[int, int] = {}
    for event in record.events:
        if isinstance(event, ev.Retracted) and event.retracts in places:
            event = msgspec.structs.replace(event, retracts=places[event.retracts])
        elif not _is_copied(event, record.lost):
            continue
        written = recorder.emit(msgspec.structs.replace(event, copied=True))
        places[event.seq] = written.seq


_OWN = (
    ev.SessionStarted,
    ev.SessionResumed,
    ev.SessionFinished,
    ev.StateRebuilt,
    ev.PolicyChanged,
    ev.BudgetChanged,
    ev.Annotated,
    ev.Retracted,
)


def _is_copied(event: ev.Event, lost: frozenset[str]) -> bool:
    if isinstance(event, _OWN) or getattr(event, "call_id", None) in lost:
        return False
    return not (isinstance(event, ev.DecisionMade) and event.proposal_id.startswith(ev.BESIDE))


def settle_lost(recorder: Recorder, earlier: Earlier) -> None:
    """Put on record what became of the calls that were on their way when the program died."""
    state = earlier.record.state
    why = "the program ended before the reply came"
    for event in earlier.record.events:
        if isinstance(event, ev.SupervisorCalled):
            reply = state.replies[event.call_id]
            if reply.text is None and reply.error is None:
                recorder.emit(
                    ev.SupervisorFailed(
                        step=event.step,
                        call_id=event.call_id,
                        model=event.model,
                        usage=_ONE,
                        elapsed=0.0,
                        error=why,
                    )
                )
        elif isinstance(event, ev.WorkerCallStarted) and state.calls[event.call_id].phase == "running":
            recorder.emit(
                ev.WorkerCallFailed(
                    step=event.step,
                    call_id=event.call_id,
                    model=event.model,
                    usage=_ONE,
                    elapsed=0.0,
                    error=why,
                )
            )
