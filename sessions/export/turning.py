"""Turns that took the common course: asked, answered, approved or let pass, run. They are traced without the fold.

All turns of a session did so, or none is traced here: a session with a call that failed, a candidate, a retry, an
edit, a refusal, a reply without code, a copied step, a further question, or a judgement of a step or a cell is traced
from the fold. Where both ways can be gone they lead to the same trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.models.base import Message, Usage
from sessions.export.trace import Cell, Turn, bare, without_code


class Turns(msgspec.Struct, frozen=True, gc=False):
    """The turns of a session.

    Args:
        turns: all of them.
        rest: the events that tell of something else.
        used: what they took.
        final_decision: the last decision on an answer.
    """

    turns: tuple[Turn, ...]
    rest: list[ev.Event]
    used: Usage
    final_decision: ev.DecisionMade | None


def plain(events: Iterable[ev.Event], *, cells: bool = True) -> Turns | None:
    """The turns that `events` tell of; None where one of them took another course than the common one.

    Args:
        cells: what ran in them is wanted.
    """
    gathering = _Gathering(cells)
    rest = gathering.rest
    for event in events:
        take = _TAKE.get(type(event))
        if take is None:
            rest.append(event)
        elif not take(gathering, event):
            return None
    return gathering.told()


class _Run:
    """A cell, as far as it has been told of."""

    __slots__ = ("calls", "events", "finished", "output", "proposed", "started")

    def __init__(self, proposed: ev.CellProposed, events: list[int]) -> None:
        self.proposed = proposed
        self.events = events
        self.started: ev.CellStarted | None = None
        self.finished: ev.CellFinished | None = None
        self.output: list[str] = []
        self.calls: list[str] = []

    def made(self, started: ev.CellStarted) -> Cell:
        proposed, finished = self.proposed, self.finished
        return Cell(
            cell_id=proposed.cell_id,
            code=started.code,
            proposed=proposed.code,
            status=finished.status if finished is not None else None,
            output="".join(self.output),
            traceback=finished.traceback if finished is not None else None,
            final=finished.final if finished is not None else None,
            elapsed=finished.elapsed if finished is not None else 0.0,
            started=proposed.timestamp,
            ended=(finished or started).timestamp,
            calls=tuple(self.calls),
        )

    def bare(self) -> Cell:
        return bare(self.proposed.cell_id, self.finished.status if self.finished is not None else None)


class _Asked:
    """A turn, as far as it has been told of."""

    __slots__ = ("called", "decision", "events", "prompt", "replied", "runs")

    def __init__(self, called: ev.SupervisorCalled, prompt: tuple[Message, ...]) -> None:
        self.called = called
        self.prompt = prompt
        self.replied: ev.SupervisorReplied | None = None
        self.decision: ev.DecisionMade | None = None
        self.runs: list[_Run] = []
        self.events = [called.seq]

    def made(self, replied: ev.SupervisorReplied, cells: bool) -> Turn:
        called, decision, text = self.called, self.decision, replied.text
        if not cells and decision is not None:
            decision = without_code(decision)
        ran = tuple(
            [run.made(run.started) if cells else run.bare() for run in self.runs if run.started is not None]
        )
        return Turn(
            step=called.step,
            call_id=called.call_id,
            outcome="approved" if ran or decision is not None else "undecided",
            copied=False,
            model=replied.model,
            params=called.params,
            prompt=self.prompt,
            reply=text,
            decided=text,
            text=text,
            reasoning=replied.reasoning,
            usage=replied.usage,
            elapsed=replied.elapsed,
            finish_reason=replied.finish_reason,
            cached=replied.cached,
            candidate=0,
            started=called.timestamp,
            ended=replied.timestamp,
            decision=decision,
            guidance=decision.guidance if decision is not None else "",
            cells=ran,
            events=tuple(sorted(self.events)),
        )


class _Gathering:
    """A session's turns in the making. What takes an event says whether it is of the common course."""

    def __init__(self, cells: bool) -> None:
        self._cells = cells
        self.rest: list[ev.Event] = []
        self._turns: list[_Asked] = []
        self._turn: _Asked | None = None
        """The one that is under way."""
        self._step = -1
        """Its step."""
        self._messages: dict[str, Message] = {}
        self._prompts: dict[str, tuple[Message, ...]] = {}
        """By call, what was sent."""
        self._runs: dict[str, _Run] = {}
        self._workers: set[str] = set()
        self._final: ev.DecisionMade | None = None

    def told(self) -> Turns | None:
        """All of it; None where a reply is missing."""
        turns = [turn.made(turn.replied, self._cells) for turn in self._turns if turn.replied is not None]
        if len(turns) < len(self._turns) or not self._workers.isdisjoint(
            self._prompts.keys() | self._runs.keys()
        ):
            return None
        usages = [msgspec.structs.astuple(turn.usage) for turn in turns]
        return Turns(tuple(turns), self.rest, Usage(*map(sum, zip(*usages, strict=True))), self._final)

    # ------------------------------------------------------------ supervisor

    def message(self, event: ev.MessageAdded) -> bool:
        """A message is there, and no other of its name."""
        told = self._messages.setdefault(event.message_id, event.message)
        # To the letter: what is equal may be told otherwise, such as 1 and 1.0.
        return told is event.message or repr(told) == repr(event.message)

    def called(self, event: ev.SupervisorCalled) -> bool:
        """The next turn begins."""
        name, messages = event.call_id, self._messages
        before = self._prompts.get(event.extends) if event.extends is not None else ()
        common = event.step == len(self._turns) + 1 and not event.copied and not event.candidate
        # Names with a colon are those of answers and bounds that are decided on.
        known = name not in self._prompts and name not in self._runs and ":" not in name
        if before is None or not (common and known and all(map(messages.__contains__, event.message_ids))):
            return False
        self._step = event.step
        prompt = self._prompts[name] = (*before, *map(messages.__getitem__, event.message_ids))
        self._turn = _Asked(event, prompt)
        self._turns.append(self._turn)
        return True

    def replied(self, event: ev.SupervisorReplied) -> bool:
        """It is answered."""
        turn = self._turn
        if (
            turn is None
            or turn.called.call_id != event.call_id
            or turn.replied is not None
            or event.step != self._step
            or event.copied
        ):
            return False
        turn.replied = event
        turn.events.append(event.seq)
        return True

    # ------------------------------------------------------------ cells

    def proposed(self, event: ev.CellProposed) -> bool:
        """A cell of the turn under way."""
        turn, name = self._turn, event.cell_id
        common = turn is not None and turn.called.call_id == event.call_id and event.step == self._step
        if turn is None or not common or name in self._runs or name in self._prompts:
            return False
        run = self._runs[name] = _Run(event, turn.events)
        turn.runs.append(run)
        turn.events.append(event.seq)
        return True

    def started(self, event: ev.CellStarted) -> bool:
        """It runs, once."""
        run = self._runs.get(event.cell_id)
        if run is None or run.started is not None or not run.proposed.step == event.step == self._step:
            return False
        run.started = event
        run.events.append(event.seq)
        return True

    def wrote(self, event: ev.CellOutput) -> bool:
        """It writes something."""
        run = self._runs.get(event.cell_id)
        if run is None or run.started is None or not run.proposed.step == event.step == self._step:
            return False
        run.output.append(event.text)
        return True

    def finished(self, event: ev.CellFinished) -> bool:
        """It has run."""
        run = self._runs.get(event.cell_id)
        if run is None or run.started is None or run.finished is not None:
            return False
        if not run.proposed.step == event.step == self._step:
            return False
        run.finished = event
        run.events.append(event.seq)
        return True

    def asked_worker(self, event: ev.WorkerCallStarted) -> bool:
        """It asks a worker; what becomes of that is no part of the turn."""
        self.rest.append(event)
        self._workers.add(event.call_id)
        run = self._runs.get(event.cell_id)
        if run is not None and event.retry_of is None:
            run.calls.append(event.call_id)
        return True

    # ------------------------------------------------------------ persons

    def decided(self, event: ev.DecisionMade) -> bool:
        """The turn is approved, or the answer that it proposed accepted."""
        turn = self._turn
        if turn is None or event.step != self._step or event.chosen is not None:
            return False
        if event.proposal_id == turn.called.call_id and event.action == "approve" and turn.decision is None:
            turn.decision = event
            turn.events.append(event.seq)
            return True
        if event.proposal_id.startswith("final:") and event.action == "accept":
            self._final = event
            return True
        return False

    def answered(self, event: ev.FinalProposed) -> bool:
        """An answer is proposed."""
        return event.step == self._step

    def judged(self, event: ev.Annotated) -> bool:
        """A person's judgement of something else than a turn."""
        self.rest.append(event)
        return event.target.kind not in ("step", "cell")


def _other(gathering: _Gathering, event: ev.Event) -> bool:
    return False


_TAKE: dict[type[ev.Stamped], Callable[[_Gathering, Any], bool]] = {
    ev.WorkerCallStarted: _Gathering.asked_worker,
    ev.MessageAdded: _Gathering.message,
    ev.SupervisorCalled: _Gathering.called,
    ev.SupervisorReplied: _Gathering.replied,
    ev.CellProposed: _Gathering.proposed,
    ev.CellStarted: _Gathering.started,
    ev.CellOutput: _Gathering.wrote,
    ev.CellFinished: _Gathering.finished,
    ev.FinalProposed: _Gathering.answered,
    ev.DecisionMade: _Gathering.decided,
    ev.Annotated: _Gathering.judged,
    **dict.fromkeys((ev.SupervisorFailed, ev.ReplyRejected), _other),
}
"""What tells nothing of turns is not among them."""
