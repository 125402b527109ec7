"""The state after a whole log, at once: what `state.fold` says of it, without the moments in between.

Nobody sees those moments here, so collections are changed in place and made persistent at the end. What an event does
is told in `state.apply`; a test holds the two together for any session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from immutables import Map

from distill_core import events as ev
from distill_core.models.base import Usage
from distill_core.sequence import Sequence
from distill_core.state import Cell, Question, Reply, SessionState, Step, WorkerCall, apply

_replace = msgspec.structs.replace


def fold_whole(events: Iterable[ev.Event]) -> SessionState:
    """The state after all `events` of a log, from its first on.

    Raises:
        KeyError: an event speaks of what nothing before it mentions.
    """
    folding = _Folding()
    last = None
    for last in events:
        take = _TAKE.get(type(last))
        if take is not None:
            take(folding, last)
    return folding.state(last)


class _Spent:
    """A sum of tokens."""

    __slots__ = ("sums",)

    def __init__(self) -> None:
        self.sums = [0, 0, 0, 0, 0]

    def add(self, usage: Usage) -> None:
        sums = self.sums
        sums[0] += usage.prompt_tokens
        sums[1] += usage.completion_tokens
        sums[2] += usage.cached_tokens
        sums[3] += usage.reasoning_tokens
        sums[4] += usage.calls


class _Folding:
    """A state in the making: structs as dicts of their fields."""

    def __init__(self) -> None:
        self.rest = SessionState()
        """What few events change, folded as everywhere else."""
        self.steps: list[dict[str, Any]] = []
        self.messages: dict[str, dict[str, Any]] = {}
        self.replies: dict[str, dict[str, Any]] = {}
        self.cells: dict[str, dict[str, Any]] = {}
        self.calls: dict[str, dict[str, Any]] = {}
        self.call_order: list[str] = []
        self.supervisor = _Spent()
        self.worker = _Spent()

    def step(self, number: int) -> dict[str, Any]:
        """The step, made with those before it where it is not there."""
        if number < 1:
            raise KeyError(f"step {number}")
        while len(self.steps) < number:
            self.steps.append(
                {"number": len(self.steps) + 1, "calls": [], "cells": [], "decisions": [], "started": None}
            )
        return self.steps[number - 1]

    def phase(self, number: int, phase: str) -> None:
        if number >= 1:
            self.step(number)["phase"] = phase

    def state(self, last: ev.Event | None) -> SessionState:
        """All of it as a state, after the event `last`."""
        if last is None:
            return self.rest
        return _replace(
            self.rest,
            seq=last.seq,
            updated=last.timestamp,
            steps=Sequence(_step(step) for step in self.steps),
            messages=Map(self.messages),
            replies=Map({name: Reply(**reply) for name, reply in self.replies.items()}),
            cells=Map({name: _cell(cell) for name, cell in self.cells.items()}),
            calls=Map({name: WorkerCall(**call) for name, call in self.calls.items()}),
            call_order=Sequence(self.call_order),
            supervisor_usage=Usage(*self.supervisor.sums),
            worker_usage=Usage(*self.worker.sums),
        )


def _step(fields: dict[str, Any]) -> Step:
    calls, cells, decisions = (Sequence(fields.pop(name)) for name in ("calls", "cells", "decisions"))
    return Step(**fields, calls=calls, cells=cells, decisions=decisions)


def _cell(fields: dict[str, Any]) -> Cell:
    output, calls = Sequence(fields.pop("output")), Sequence(fields.pop("calls"))
    return Cell(**fields, output=output, calls=calls)


# ---------------------------------------------------------------- supervisor


def _message(folding: _Folding, event: ev.MessageAdded) -> None:
    folding.messages[event.message_id] = event.message


def _asked(folding: _Folding, event: ev.SupervisorCalled) -> None:
    folding.replies[event.call_id] = {
        "call_id": event.call_id,
        "extends": event.extends,
        "message_ids": event.message_ids,
        "model": event.model,
        "params": event.params,
        "candidate": event.candidate,
    }
    step = folding.step(event.step)
    step["phase"] = "drafting"
    step["calls"].append(event.call_id)
    step["copied"] = event.copied
    step["started"] = step["started"] or event.timestamp


def _replied(folding: _Folding, event: ev.SupervisorReplied) -> None:
    reply = folding.replies[event.call_id]
    if not event.copied:
        folding.supervisor.add(event.usage)
    reply["text"] = event.text
    reply["reasoning"] = event.reasoning
    reply["usage"] = event.usage
    reply["elapsed"] = event.elapsed
    reply["finish_reason"] = event.finish_reason
    reply["cached"] = event.cached
    reply["model"] = event.model


def _not_replied(folding: _Folding, event: ev.SupervisorFailed) -> None:
    reply = folding.replies[event.call_id]
    if not event.copied:
        folding.supervisor.add(event.usage)
    reply["error"] = event.error
    reply["cut"] = event.cut
    reply["usage"] = event.usage
    reply["elapsed"] = event.elapsed
    folding.phase(event.step, "proposed" if reply["candidate"] else "failed")


def _no_use(folding: _Folding, event: ev.ReplyRejected) -> None:
    reply = folding.replies[event.call_id]
    reply["problem"] = event.problem
    folding.phase(event.step, "proposed" if reply["candidate"] else "rejected")


# ---------------------------------------------------------------- cells


def _proposed(folding: _Folding, event: ev.CellProposed) -> None:
    folding.cells[event.cell_id] = {
        "cell_id": event.cell_id,
        "call_id": event.call_id,
        "step": event.step,
        "index": event.index,
        "code": event.code,
        "proposed": event.code,
        "origin": event.origin,
        "output": [],
        "calls": [],
    }
    step = folding.step(event.step)
    step["phase"] = "proposed"
    step["cells"].append(event.cell_id)


def _ran(folding: _Folding, event: ev.CellStarted) -> None:
    cell = folding.cells[event.cell_id]
    cell["phase"] = "running"
    cell["code"] = event.code
    folding.phase(event.step, "running")


def _wrote(folding: _Folding, event: ev.CellOutput) -> None:
    folding.cells[event.cell_id]["output"].append((event.stream, event.text))


def _done(folding: _Folding, event: ev.CellFinished) -> None:
    cell = folding.cells[event.cell_id]
    cell["phase"] = "done"
    cell["status"] = event.status
    cell["traceback"] = event.traceback
    cell["final"] = event.final
    cell["elapsed"] = event.elapsed
    cell["active"] = event.active
    cell["dropped"] = event.dropped
    folding.phase(event.step, "observed")


# ---------------------------------------------------------------- worker calls


def _called(folding: _Folding, event: ev.WorkerCallStarted) -> None:
    if event.retry_of is not None:
        first = folding.calls[event.retry_of]
        first["retries"] = (*first.get("retries", ()), event.call_id)
    elif event.cell_id in folding.cells:
        folding.cells[event.cell_id]["calls"].append(event.call_id)
    folding.call_order.append(event.call_id)
    folding.calls[event.call_id] = {
        "call_id": event.call_id,
        "cell_id": event.cell_id,
        "step": event.step,
        "prompt": event.prompt,
        "model": event.model,
        "batch_id": event.batch_id,
        "index": event.index,
        "purpose": event.purpose,
        "retry_of": event.retry_of,
        "reaches_cell": event.reaches_cell,
    }


def _returned(folding: _Folding, event: ev.WorkerCallReturned) -> None:
    call = folding.calls[event.call_id]
    if not event.copied:
        folding.worker.add(event.usage)
    call["phase"] = "done"
    call["response"] = event.response
    call["usage"] = event.usage
    call["elapsed"] = event.elapsed
    call["cached"] = event.cached
    call["attempt"] = event.attempt
    call["finish_reason"] = event.finish_reason
    call["model"] = event.model


def _came_to_nothing(folding: _Folding, event: ev.WorkerCallFailed) -> None:
    call = folding.calls[event.call_id]
    if not event.copied:
        folding.worker.add(event.usage)
    call["phase"] = "failed"
    call["error"] = event.error
    call["usage"] = event.usage
    call["elapsed"] = event.elapsed
    call["attempt"] = event.attempt


def _overridden(folding: _Folding, event: ev.WorkerCallOverridden) -> None:
    call = folding.calls[event.call_id]
    call["override"] = event.response
    if event.reached_cell:
        call["given"] = event.response
    rest = folding.rest
    folding.rest = _replace(rest, overridden=rest.overridden.set(event.seq, event))


# ---------------------------------------------------------------- persons, and the session


def _decided(folding: _Folding, event: ev.DecisionMade) -> None:
    if event.step < 1:
        return
    if event.proposal_id.startswith(ev.BESIDE):
        if event.step <= len(folding.steps):
            folding.steps[event.step - 1]["decisions"].append(event)
        return
    step = folding.step(event.step)
    step["phase"] = "rejected" if event.action in ("reject", "send_back") else "decided"
    step["decisions"].append(event)
    step["chosen"] = event.chosen or step.get("chosen")
    step["copied"] = step.get("copied", False) and (event.copied or event.proposal_id.startswith("final:"))
    if event.action == "follow_up":
        _asked_further(folding, event)


def _asked_further(folding: _Folding, event: ev.DecisionMade) -> None:
    rest = folding.rest
    proposed = rest.final_proposed.answer if rest.final_proposed is not None else None
    answer = ev.Final(value=event.after[0], text=event.after[0]) if event.after else proposed
    questions = list(rest.questions)
    if questions:
        questions[-1] = _replace(questions[-1], answer=answer)
    further = Question(text=event.guidance, step=event.step, by=event.by)
    folding.rest = _replace(rest, questions=Sequence([*questions, further]), final_proposed=None)


def _final_proposed(folding: _Folding, event: ev.FinalProposed) -> None:
    folding.rest = _replace(folding.rest, final_proposed=event)
    folding.phase(event.step, "final_proposed")


def _as_everywhere(folding: _Folding, event: ev.Event) -> None:
    folding.rest = apply(folding.rest, event)


def _finished(folding: _Folding, event: ev.SessionFinished) -> None:
    _as_everywhere(folding, event)
    if folding.steps:
        folding.steps[-1]["phase"] = "failed" if event.status == "failed" else "finished"


def _retracted(folding: _Folding, event: ev.Retracted) -> None:
    if event.retracts >= event.seq:
        return
    rest = folding.rest
    earlier = rest.retractions.get(event.retracts, ())
    folding.rest = rest = _replace(
        rest, retractions=rest.retractions.set(event.retracts, (*earlier, event.seq))
    )
    live: dict[str, int] = {}
    for seq, override in rest.overridden.items():
        if rest.counts(seq):
            live[override.call_id] = max(seq, live.get(override.call_id, 0))
    for override in rest.overridden.values():
        last = live.get(override.call_id)
        said = rest.overridden[last].response if last is not None else None
        folding.calls[override.call_id]["override"] = said


_TAKE: dict[type[ev.Stamped], Callable[[_Folding, Any], None]] = {
    ev.MessageAdded: _message,
    ev.SupervisorCalled: _asked,
    ev.SupervisorReplied: _replied,
    ev.SupervisorFailed: _not_replied,
    ev.ReplyRejected: _no_use,
    ev.CellProposed: _proposed,
    ev.CellStarted: _ran,
    ev.CellOutput: _wrote,
    ev.CellFinished: _done,
    ev.WorkerCallStarted: _called,
    ev.WorkerCallReturned: _returned,
    ev.WorkerCallFailed: _came_to_nothing,
    ev.WorkerCallOverridden: _overridden,
    ev.DecisionMade: _decided,
    ev.FinalProposed: _final_proposed,
    ev.SessionFinished: _finished,
    ev.Retracted: _retracted,
    ev.SessionStarted: _as_everywhere,
    ev.PolicyChanged: _as_everywhere,
    ev.BudgetChanged: _as_everywhere,
    ev.Annotated: _as_everywhere,
}
"""What changes nothing of a state is not among them."""
