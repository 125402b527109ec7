"""A trace: one session as training data. Frozen values only; `tracing` makes them from a session's events.

What stands here has been decided already: which reply counts, what a person made of it, which annotations still
stand. Exporters read traces and nothing else. Nothing in a trace holds what holds it, so that the collector of cycles
need not look through the many of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from distill_core import events as ev
from distill_core.models.base import Message, Usage

Outcome: TypeAlias = Literal[
    "approved",
    "edited",
    "written",
    "rejected",
    "not_run",
    "superseded",
    "nothing_to_run",
    "failed",
    "undecided",
]
"""What became of a reply.

approved, edited, written: its code ran, as it was, changed, or replaced by a person's. rejected: a person said no.
not_run: the session ended at it. superseded: another candidate of the turn was chosen. nothing_to_run: it held no code.
failed: the model gave no reply. undecided: the session broke off before a decision.
"""

Part: TypeAlias = Literal["turns", "cells", "calls"]
"""What a trace may be made without, for those who do not read it; `cells` are what ran in turns and what came of it."""

RAN: tuple[Outcome, ...] = ("approved", "edited", "written")


_IN_ORDER: frozenset[ev.CellStatus | None] = frozenset((None, "ok", "final"))


class Mark(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A marked piece of a turn's `text`: characters `start` to `end` (excluded), good (+1), bad (−1) or neutral."""

    start: int
    end: int
    mark: Literal[-1, 0, 1]
    by: str


class Cell(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One executed block: `code` as it ran, `output` both streams as interleaved."""

    cell_id: str
    code: str
    proposed: str
    status: ev.CellStatus | None
    output: str
    traceback: str | None
    final: ev.Final | None
    elapsed: float
    started: datetime | None
    ended: datetime | None
    calls: tuple[str, ...]
    judgements: tuple[ev.Annotated, ...] = ()


def bare(cell_id: str, status: ev.CellStatus | None) -> Cell:
    """A cell of which nothing is told but how it ended."""
    return Cell(
        cell_id=cell_id,
        code="",
        proposed="",
        status=status,
        output="",
        traceback=None,
        final=None,
        elapsed=0.0,
        started=None,
        ended=None,
        calls=(),
    )


def without_code(decision: ev.DecisionMade) -> ev.DecisionMade:
    """A decision without the code that it was on."""
    if not decision.before and not decision.after:
        return decision
    return msgspec.structs.replace(decision, before=(), after=())


class Turn(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One reply of the supervisor.

    Args:
        call_id: the supervisor call that it answers.
        prompt: the exact messages that were sent.
        reply: what the supervisor wrote.
        decided: the same with the code that a person decided on in the place of its own.
        text: `decided` with the corrections that reviewers made since: what there is to learn.
        tool_calls: tools that it called beside its words, as an API tells them.
        sent_back: its answer was given and not accepted.
        guidance: what a person told the supervisor about it.
        mark: the reviewers' marks of the whole turn together: −1, 0, +1; None if nobody marked it.
        marks: marked pieces of `text`.
        labels: what reviewers called it, each once.
        events: numbers of the events that it was made from.
        gap: a reply in `prompt` has lost all of its words.

    Where cells are not wanted they are `bare`, and the decision is told without code, but in turns of which words are
    judged: a span may count letters of a cell.
    """

    step: int
    call_id: str
    outcome: Outcome
    copied: bool
    model: str
    params: dict[str, Any]
    prompt: tuple[Message, ...]
    reply: str
    decided: str
    text: str
    reasoning: str | None
    usage: Usage
    elapsed: float
    finish_reason: str | None
    cached: bool
    candidate: int
    started: datetime
    ended: datetime | None
    decision: ev.DecisionMade | None = None
    sent_back: bool = False
    guidance: str = ""
    problem: str | None = None
    error: str | None = None
    cells: tuple[Cell, ...] = ()
    tool_calls: tuple[dict[str, Any], ...] = ()
    judgements: tuple[ev.Annotated, ...] = ()
    mark: Literal[-1, 0, 1] | None = None
    marks: tuple[Mark, ...] = ()
    labels: tuple[str, ...] = ()
    events: tuple[int, ...] = ()
    gap: bool = False

    @property
    def erred(self) -> bool:
        """Whether a cell of it ended in anything but order."""
        return not _IN_ORDER.issuperset([cell.status for cell in self.cells])


class Call(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One worker call.

    Args:
        response: what the worker said.
        text: what there is to learn: a reviewer's correction, else what a person put in its place, else `response`.
        retry_of: the call whose prompt a person sent once more by this one.
        replaced_by: the call by which a person did so, if its reply went to the code instead of this one's.
    """

    call_id: str
    cell_id: str
    step: int
    copied: bool
    prompt: str
    response: str | None
    override: str | None
    text: str | None
    error: str | None
    reasoning: str | None
    model: str
    params: dict[str, Any]
    purpose: str
    batch_id: str | None
    index: int
    attempt: int
    usage: Usage
    elapsed: float
    cached: bool
    finish_reason: str | None
    started: datetime
    retry_of: str | None = None
    replaced_by: str | None = None
    judgements: tuple[ev.Annotated, ...] = ()
    mark: Literal[-1, 0, 1] | None = None
    labels: tuple[str, ...] = ()
    events: tuple[int, ...] = ()


class Rival(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A session over which a reviewer preferred this one: its whole conversation.

    Args:
        split_apart: why it cannot stand beside this one in a row; "" if it can.
    """

    session_id: str
    messages: tuple[Message, ...]
    by: str
    seq: int
    split_apart: str = ""


class Plain(msgspec.Struct, frozen=True, gc=False):
    """A worker call that went out and came back, of which nothing more is told than in these two events.

    Args:
        prompt: as it may leave.
        response: the same.
    """

    started: ev.WorkerCallStarted
    returned: ev.WorkerCallReturned
    prompt: str
    response: str


class Trace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A session as training data.

    Of parts that are not wanted there is nothing, nor what they used, and without turns no `final_decision`; of cells
    that are not wanted it is told how they ended.

    Args:
        family: the session that it and its relatives by forking descend from.
        query: the first question; `questions` are all of them, each asked once the one before had its answer.
        asked: of each question the last step before it was asked, 0 for the first.
        answered: the place among them of the one that `given` answers.
        answer: the answer it ended with, corrected where a reviewer corrected it.
        given: the answer as the session gave it.
        turns: every reply, candidates and rejected ones too, in the order they were asked for.
        judgements: annotations of the session and of its answer.
        final_decision: the last decision on an answer, or the one that ended the session with one.
        tools: tool definitions that the supervisor was sent, if any.
        preferences: what reviewers said of it beside other sessions.
        rivals: the sessions that it was preferred over, where they are exported too.
        primitives: functions of the REPL beyond those that every session has.
        plainly: in the place of `calls`, where they are wanted so: the plain ones as they were told.
    """

    session_id: str
    family: str
    kind: str
    query: str
    questions: tuple[str, ...]
    document: ev.DocumentRef
    supervisor: str
    worker: str
    isolation: str
    program: str
    dialect: Literal["distill", "rlm"]
    parent: ev.Parent | None
    started: datetime
    ended: datetime
    status: ev.SessionStatus | None
    answer: str | None
    given: str | None
    partial: bool
    reason: str
    elapsed: float
    cost: float | None
    supervisor_usage: Usage
    worker_usage: Usage
    turns: tuple[Turn, ...] = ()
    calls: tuple[Call, ...] = ()
    plainly: tuple[Plain | Call, ...] = ()
    judgements: tuple[ev.Annotated, ...] = ()
    labels: tuple[str, ...] = ()
    final_decision: ev.DecisionMade | None = None
    tools: tuple[dict[str, Any], ...] = ()
    preferences: tuple[ev.Annotated, ...] = ()
    rivals: tuple[Rival, ...] = ()
    primitives: tuple[str, ...] = ()
    asked: tuple[int, ...] = (0,)
    answered: int = 0

    def question_at(self, step: int) -> int:
        """The place among the questions of the one that step `step` worked on."""
        return max((place for place, asked in enumerate(self.asked) if asked < step), default=0)

    def conversation(self) -> tuple[Turn, ...]:
        """The turns that the conversation went on from: all but superseded candidates and calls without a reply."""
        return tuple(turn for turn in self.turns if turn.outcome not in ("superseded", "failed"))
