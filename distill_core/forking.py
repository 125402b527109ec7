"""Forks: a new session whose first steps are another's, and which goes its own way from a step on.

What can be different from that step on: the code (of that step), words put in front of it, models, bounds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

from distill_core import events as ev
from distill_core.approval import Decision
from distill_core.continuing import Branch, Earlier
from distill_core.errors import DistillError
from distill_core.plurals import count
from distill_core.record import Record, record_of
from distill_core.rerunning import Rerun

From: TypeAlias = Literal["step", "reply", "decision"]
"""Where in a step a fork branches off: before it is drafted; when its code waits; when it has been decided on."""


class ForkError(DistillError):
    """The session cannot be forked so."""


def fork(
    record: Record,
    step: int,
    *,
    codes: tuple[str, ...] | None = None,
    instruction: str = "",
    by: str = "",
    at: From = "step",
    go_on: Callable[[Rerun], Awaitable[bool]] | None = None,
    branch: Callable[[int], Branch] | None = None,
) -> Earlier:
    """What a fork of `record` at `step` goes on from: the steps before it, and of it what `at` says.

    Args:
        step: from 1 to one more than the session has; that one is the last itself where its model did not answer.
        codes: run these cells at `step` in the place of its own.
        instruction: words for the supervisor in front of `step`; behind an answer they say what is wrong with it.
        by: who forks.
        at: how much of `step` itself is kept; "reply" where `codes` are given.
        go_on: asked when a recorded cell comes out differently; True to go on all the same.
        branch: `Session.branch` of the session, where it still runs: its REPL is then copied instead.

    Raises:
        ForkError: there is no such step, or nothing there to do this to.
    """
    steps = len(record.state.steps)
    if not 1 <= step <= steps + 1:
        raise ForkError(
            f"no step {step} to fork at", found=count(steps, "step"), remedy=f"name 1 to {steps + 1}"
        )
    if codes is not None and instruction:
        raise ForkError("edited code and an instruction exclude one another", remedy="choose one")
    at = "reply" if codes is not None else at
    if step == steps + 1 and _has_no_reply(record, steps):
        step = steps  # the model did not answer: it is asked anew
    kept = record_of(_kept(record.events, step, at))
    first, instructions = None, {}
    if codes is not None:
        _has_cells(kept, step)
        first = Decision(action="edit", by=by, codes=codes)
    elif step == steps + 1 and (answered := _answered(kept)):
        kept = record_of(e for e in kept.events if e is not answered)
        first = Decision(action="send_back", by=by, guidance=instruction)
    elif instruction:
        instructions[step] = instruction
    return Earlier(
        record=kept,
        parent=_parent(record.started, step - 1),
        first=first,
        instructions=instructions,
        by=by,
        go_on=go_on,
        branch=branch(len(kept.cells)) if branch is not None else None,
    )


def _parent(started: ev.SessionStarted, steps: int) -> ev.Parent:
    before = started.parent
    family = before.family or before.session_id if before is not None else ""
    return ev.Parent(session_id=started.session_id, steps=steps, family=family)


def _kept(events: tuple[ev.Event, ...], step: int, at: From) -> list[ev.Event]:
    """The events before `step`, and those of it that `at` keeps."""
    kept: list[ev.Event] = []
    for event in events:
        if isinstance(event, ev.SessionFinished):
            continue
        if event.step < step or (event.step == step and _belongs(event, at)):
            kept.append(event)
    return kept


_REPLY = (
    ev.MessageAdded,
    ev.SupervisorCalled,
    ev.SupervisorReplied,
    ev.SupervisorFailed,
    ev.ReplyRejected,
    ev.InstructionGiven,
)


def _belongs(event: ev.Event, at: From) -> bool:
    if at == "step":
        return False
    if isinstance(event, _REPLY):
        return True
    if isinstance(event, ev.CellProposed):
        return at == "decision" or event.origin == "supervisor"
    if isinstance(event, ev.DecisionMade) and not event.proposal_id.startswith(("final:", *ev.BESIDE)):
        return at == "decision" or event.action == "regenerate"
    return False


def _has_no_reply(record: Record, step: int) -> bool:
    """Whether all calls of the step failed."""
    calls = record.state.steps[step - 1].calls if step else ()
    return bool(calls) and all(record.state.replies[call].text is None for call in calls)


def _has_cells(record: Record, step: int) -> None:
    place = record.state.steps[step - 1] if len(record.state.steps) >= step else None
    if place is None or not len(place.cells):
        raise ForkError(f"step {step} has no code to edit", remedy="fork there with an instruction instead")


def _answered(record: Record) -> ev.DecisionMade | None:
    """The decision that ended the session by accepting its answer."""
    made = (e for e in record.events if isinstance(e, ev.DecisionMade))
    decisions = [e for e in made if not e.proposal_id.startswith(ev.BESIDE)]
    last = decisions[-1] if decisions else None
    if last is None or last.action not in ("accept", "finish", "stop"):
        return None
    if not last.proposal_id.startswith("final:"):
        raise ForkError(
            "the last step was not run: it was ended by a decision",
            found=f"{last.action} by {last.by}",
            remedy=f"fork at step {last.step}",
        )
    return last


def codes_of(record: Record, step: int) -> tuple[str, ...]:
    """The codes of the cells of `step`, as they ran, or else as proposed.

    Raises:
        ForkError: there are none.
    """
    state = record.state
    if not 1 <= step <= len(state.steps):
        raise ForkError(f"no step {step}", found=count(len(state.steps), "step"))
    cells = [state.cells[cell_id] for cell_id in state.steps[step - 1].cells]
    ran = [cell for cell in cells if cell.phase != "proposed"] or cells
    if not ran:
        raise ForkError(f"step {step} has no code to edit", remedy="fork there with an instruction instead")
    return tuple(cell.code for cell in ran)
