"""Do a session's events agree with one another? References, steps, versions, what was used, open calls, the answer."""

from __future__ import annotations

from collections.abc import Iterator

from distill_core import events as ev
from distill_core.models.base import Usage
from distill_core.reading import Problem

_BY_ITSELF = ("finished", "exhausted", "budget", "no_code")
"""How a session ends that nobody and nothing cut short: no call was under way, and all that was used was counted."""

_ENDS = (ev.SupervisorReplied, ev.SupervisorFailed, ev.WorkerCallReturned, ev.WorkerCallFailed)
_OF_SUPERVISOR = (ev.SupervisorReplied, ev.SupervisorFailed)


def disagreements(events: tuple[ev.Event, ...]) -> Iterator[Problem]:
    """What in `events`, which fold, contradicts the rest of them."""
    reader = _Reader()
    for event in events:
        for what in reader.read(event):
            yield Problem(where=f"event {event.seq}", what=what)
    yield from reader.at_the_end()


class _Reader:
    """Reads the events in order and remembers what later ones may refer to."""

    def __init__(self) -> None:
        self._step = 0
        self._cells: set[str] = set()
        self._steps: dict[str, int] = {}
        self._workers: dict[str, ev.WorkerCallStarted] = {}
        self._open: dict[str, int] = {}
        self._lost: set[str] = set()
        self._used = {"supervisor": Usage(), "worker": Usage()}
        self._counted = dict(self._used)
        self._proposed: dict[str, ev.Final] = {}
        self._accepted: ev.DecisionMade | None = None
        self._imported = False
        self._finished: ev.SessionFinished | None = None

    def read(self, event: ev.Event) -> Iterator[str]:
        """What is wrong with the next event."""
        if not 1 <= event.v <= ev.SCHEMA_VERSION:
            yield f"is of schema {event.v}, this program reads {ev.SCHEMA_VERSION}"
        yield from self._steps_of(event)
        yield from _negative(event)
        yield from self._references(event)
        if isinstance(event, ev.SessionFinished):
            yield from self._outcome(event)
        self._remember(event)

    def at_the_end(self) -> Iterator[Problem]:
        """What is missing, with all events read."""
        if self._finished is None or self._finished.status not in _BY_ITSELF or self._imported:
            return
        for call_id, seq in self._open.items():
            what = f"call {call_id} never ended, and the session did"
            yield Problem(where=f"event {seq}", what=what)

    # ------------------------------------------------------------ each event

    def _steps_of(self, event: ev.Event) -> Iterator[str]:
        # What stands in front of a turn's first call (words of a person, a raised bound) is of that turn already.
        # Logs from elsewhere tell of turns in which no supervisor's call is told of.
        if not self._imported and not 0 <= event.step <= self._step + 1:
            yield f"is of step {event.step}, and the session is at step {self._step}"
        elif isinstance(event, _ENDS) and event.step != self._steps.get(event.call_id, event.step):
            yield f"ends call {event.call_id} of step {self._steps[event.call_id]} in step {event.step}"

    def _references(self, event: ev.Event) -> Iterator[str]:
        cell = getattr(event, "cell_id", None)
        if (
            cell is not None
            and not isinstance(event, ev.CellProposed)
            and cell not in self._cells
            and not self._untold(cell)
        ):
            yield _unknown(f"cell {cell}")
        match event:
            case ev.CellProposed() if event.call_id not in self._steps and not self._untold(event.call_id):
                yield _unknown(f"call {event.call_id}")
            case ev.DecisionMade():
                yield from self._decision(event)
            case ev.WorkerCallStarted() if event.retry_of is not None:
                yield from self._retry(event, self._workers.get(event.retry_of))
            case ev.WorkerCallsCancelled():
                yield from self._cancelled(event)
            case ev.Retracted() if not 0 < event.retracts < event.seq:
                yield _unknown(f"event {event.retracts}")
            case _:
                pass

    def _untold(self, name: str) -> bool:
        """Whether it is the name of what a log from elsewhere does not tell: which cell asked, which call proposed."""
        return self._imported and not name

    def _decision(self, event: ev.DecisionMade) -> Iterator[str]:
        kind, colon, name = event.proposal_id.partition(":")
        if kind == "final" and colon and name not in self._proposed:
            yield _unknown(f"an answer of cell {name}")
        elif kind == "failed" and colon and name not in self._steps:
            yield _unknown(f"call {name}")
        elif not colon and kind not in self._steps:
            yield _unknown(f"call {kind}")
        if event.chosen is not None and event.chosen not in self._steps:
            yield _unknown(f"call {event.chosen}")

    def _retry(self, event: ev.WorkerCallStarted, first: ev.WorkerCallStarted | None) -> Iterator[str]:
        if first is None:
            yield _unknown(f"call {event.retry_of}")
        elif (event.prompt, event.cell_id, event.batch_id) != (first.prompt, first.cell_id, first.batch_id):
            yield f"sends call {first.call_id} again with another prompt, for another cell or in another batch"

    def _cancelled(self, event: ev.WorkerCallsCancelled) -> Iterator[str]:
        for call_id in event.call_ids:
            call = self._workers.get(call_id)
            if call is None:
                yield _unknown(f"call {call_id}")
            elif call.batch_id != event.batch_id:
                yield f"cancels call {call_id} as one of batch {event.batch_id}, which it is not in"

    def _outcome(self, event: ev.SessionFinished) -> Iterator[str]:
        if self._imported or event.status not in _BY_ITSELF:
            return
        for role, told in (("supervisor", event.supervisor_usage), ("worker", event.worker_usage)):
            if told not in (self._used[role], self._counted[role]):
                yield f"tells of other {role} usage than its calls add up to"
        expected = self._answer() if event.status == "finished" else None
        if expected is not None and event.answer != expected:
            yield "has another answer than the one that was accepted"

    def _answer(self) -> ev.Final | None:
        """The answer that was accepted last; None where that is not told."""
        decision = self._accepted
        if decision is None:
            return None
        if decision.after:
            return ev.Final(value=decision.after[0], text=decision.after[0])
        if decision.action == "accept":
            return self._proposed.get(decision.proposal_id.removeprefix("final:"))
        return None

    # ------------------------------------------------------------ what later ones may refer to

    def _remember(self, event: ev.Event) -> None:
        match event:
            case ev.SessionStarted():
                self._imported = "imported" in event.config
            case ev.SessionResumed():
                self._lost, self._counted = set(self._open), dict(self._used)
            case ev.SupervisorCalled() | ev.WorkerCallStarted():
                self._call(event)
            case ev.CellProposed():
                self._cells.add(event.cell_id)
            case ev.FinalProposed():
                self._proposed[event.cell_id] = event.answer
            case ev.DecisionMade() if event.action in ("accept", "finish"):
                self._accepted = event
            case ev.DecisionMade() if event.action == "follow_up":
                self._accepted = None
            case ev.SessionFinished():
                self._finished = event
            case ev.SupervisorReplied() | ev.SupervisorFailed():
                self._ended(event)
            case ev.WorkerCallReturned() | ev.WorkerCallFailed():
                self._ended(event)
            case _:
                pass

    def _call(self, event: ev.SupervisorCalled | ev.WorkerCallStarted) -> None:
        self._steps[event.call_id] = event.step
        if isinstance(event, ev.SupervisorCalled):
            self._step = max(self._step, event.step)
        else:
            self._workers[event.call_id] = event
        if not event.copied:  # a fork takes over what its parent's calls had come to by then
            self._open[event.call_id] = event.seq

    def _ended(
        self,
        event: ev.SupervisorReplied | ev.SupervisorFailed | ev.WorkerCallReturned | ev.WorkerCallFailed,
    ) -> None:
        self._open.pop(event.call_id, None)
        if event.copied:  # paid for by the parent
            return
        role = "supervisor" if isinstance(event, _OF_SUPERVISOR) else "worker"
        self._used[role] = self._used[role] + event.usage
        # Nobody knows what a call used that was on its way when the program died; the sum may leave it out.
        if event.call_id not in self._lost:
            self._counted[role] = self._counted[role] + event.usage


def _negative(event: ev.Event) -> Iterator[str]:
    for name in ("usage", "supervisor_usage", "worker_usage"):
        usage = getattr(event, name, None)
        if isinstance(usage, Usage) and any(getattr(usage, f) < 0 for f in usage.__struct_fields__):
            yield f"has a {name} below zero"


def _unknown(what: str) -> str:
    return f"speaks of {what}, which nothing before it mentions"
