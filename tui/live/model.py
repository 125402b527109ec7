"""What the live screen knows: the session's state, the reply being written, what waits for a decision.

One `LiveModel` belongs to the screen's thread. It takes what comes over the bridge and says what changed by it, so
that only that is drawn anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeAlias, cast, get_args

import msgspec

from distill_core import events as ev
from distill_core.approval import BudgetProposal, FailureProposal, FinalProposal, Proposal, StepProposal
from distill_core.budget import Prices
from distill_core.evidence import Finding
from distill_core.forecast import Forecast
from distill_core.models.again import Again
from distill_core.models.base import Usage
from distill_core.revision import Revision, revised
from distill_core.running_time import RunningTime
from distill_core.signals import Differs, Notice, Phase, ReplyDelta
from distill_core.state import EMPTY, SessionState, apply, fold
from tui.actions import Gate, Situation
from tui.bridge import EngineEnded, Item
from tui.live import pricing
from tui.live.pace import Pace

Paid: TypeAlias = ev.SupervisorReplied | ev.SupervisorFailed | ev.WorkerCallReturned | ev.WorkerCallFailed
Booked: TypeAlias = Paid | ev.SessionStarted | ev.SessionResumed | ev.SupervisorCalled | ev.WorkerCallStarted
_BOOKED = frozenset(get_args(Booked))

RECENT_STEPS = 3
"""Steps before the one that waits whose cells it may revise."""


class Draft(msgspec.Struct):
    """A reply while it is being written."""

    reasoning: str = ""
    text: str = ""


class Changes(msgspec.Struct):
    """What became different since the last drawing, by id. `anew`: forget all that was drawn before."""

    steps: set[int] = msgspec.field(default_factory=set)
    replies: set[str] = msgspec.field(default_factory=set)
    cells: set[str] = msgspec.field(default_factory=set)
    calls: bool = False
    gate: bool = False
    ended: bool = False
    anew: bool = False
    any: bool = False


class CallCounts(msgspec.Struct, frozen=True):
    """Worker calls by what became of them. `running` are those that are answered now, `waiting` for a free place."""

    running: int = 0
    done: int = 0
    failed: int = 0
    cached: int = 0
    waiting: int = 0

    @property
    def total(self) -> int:
        """All calls."""
        return self.running + self.waiting + self.done + self.failed


class LiveModel:
    """The screen's knowledge, kept by `take`."""

    def __init__(self) -> None:
        self.state: SessionState = EMPTY
        self.drafts: dict[str, Draft] = {}
        self.forecasts: dict[str, Forecast] = {}
        self.revisions: dict[str, Revision] = {}
        self.findings: dict[str, tuple[Finding, ...]] = {}
        self.proposal: Proposal | None = None
        self.phase = ""
        self.time = RunningTime()
        self.pace = Pace()
        self.ended: EngineEnded | None = None
        self.isolation = ""
        self.paused = False
        self.step_tokens: Counter[int] = Counter()
        self.step_of: dict[str, int] = {}
        self.step_cost: dict[int, float] = defaultdict(float)
        self._prices: Mapping[str, Prices] = {}
        self.slots: int | None = None
        self.again: tuple[str, Again] | None = None
        self._asked: dict[str, datetime] = {}
        self._open: dict[str, datetime] = {}
        self._tally: Counter[str] = Counter()
        self._changes = Changes()

    # ------------------------------------------------------------ taking

    def take(self, item: Item) -> None:
        """Take one thing that came over the bridge."""
        self._changes.any = True
        if isinstance(item, ev.Stamped):
            self._event(item)
            return
        match item:
            case ReplyDelta():
                self._draft(item)
            case Phase():
                self.phase = item.text
            case Notice() | Differs():
                pass  # the screen says it
            case Forecast():
                self.forecasts[item.call_id] = item
            case StepProposal() | FinalProposal() | BudgetProposal() | FailureProposal():
                self.proposal = item
                self._compare_with_earlier()
                self._changes.gate = True
                self._changes.steps.add(item.step)
            case EngineEnded():
                self.ended = item
                self._withdraw()
                self._changes.gate = self._changes.ended = True

    def changes(self) -> Changes:
        """What changed since this was last asked."""
        changes, self._changes = self._changes, Changes()
        return changes

    def begin_anew(self, pending: Changes) -> None:
        """It has been put back to an earlier moment: everything is different now."""
        state = self.state
        self._changes = Changes(
            steps=set(range(1, len(state.steps) + 1)),
            replies=set(state.replies),
            cells=set(state.cells),
            calls=True,
            gate=True,
            ended=pending.ended,
            anew=True,
            any=True,
        )

    def decided(self) -> None:
        """The person has decided: nothing waits any more."""
        self._withdraw()
        self._changes.gate = self._changes.any = True

    def _withdraw(self) -> None:
        """Nothing waits any more; the step says so too."""
        if self.proposal is not None:
            self._changes.steps.add(self.proposal.step)
            self._changes.gate = True
        self.proposal = None

    def choose(self, call_id: str) -> None:
        """Put the candidate that answers `call_id` in front of the others; what is decided then is about that one."""
        if isinstance(self.proposal, StepProposal):
            self.proposal = self.proposal.choosing(call_id)
            self._compare_with_earlier()
            self._changes.gate = self._changes.any = True

    def evidence(self, proposal_id: str, findings: tuple[Finding, ...]) -> None:
        """What the document says to an answer's quotations."""
        self.findings[proposal_id] = findings
        self._changes.any = True

    def _compare_with_earlier(self) -> None:
        """Find out which cells that wait are revisions of one of the few before their step."""
        self.revisions = {}
        if not isinstance(self.proposal, StepProposal):
            return
        step = self.proposal.step
        earlier = [
            (cell_id, self.state.cells[cell_id].code)
            for number in range(max(1, step - RECENT_STEPS), step)
            for cell_id in self.state.steps[number - 1].cells
        ]
        for cell in self.proposal.cells:
            revision = revised(cell.code, earlier)
            if revision is not None:
                self.revisions[cell.cell_id] = revision

    def _draft(self, delta: ReplyDelta) -> None:
        reply = self.state.replies.get(delta.call_id)
        if reply is None or reply.text is not None:
            return
        draft = self.drafts.setdefault(delta.call_id, Draft())
        if delta.kind == "again":
            draft.reasoning = draft.text = ""
        elif delta.kind == "reasoning":
            draft.reasoning += delta.text
        else:
            draft.text += delta.text
        self._changes.replies.add(delta.call_id)

    def take_past(self, events: Sequence[ev.Event]) -> None:
        """Take many events at once. What changed by them is not noted: `begin_anew` has to follow."""
        self.state = fold(events, self.state)
        self.time.take_all(events)
        for event in events:
            if type(event) in _BOOKED:
                self._book(cast("Booked", event))

    def _event(self, event: ev.Event) -> None:
        self.state = apply(self.state, event)
        self.time.take(event)
        if event.step:
            self._changes.steps.add(event.step)
        if type(event) in _BOOKED:
            self._book(cast("Booked", event))
        self._mark(event)

    def _book(self, event: Booked) -> None:
        """What the screen adds up or looks up beside the state."""
        match event:
            case ev.SessionStarted():
                self._prices = pricing.prices(self.state)
                self.isolation = event.isolation
            case ev.SessionResumed():
                self.phase, self.pace = "", Pace()
                self.isolation = event.isolation
            case ev.SupervisorCalled():
                self.step_of[event.call_id] = event.step
                self._asked[event.call_id] = event.timestamp
            case ev.SupervisorReplied() | ev.SupervisorFailed():
                self._asked.pop(event.call_id, None)
                self._pay(event)
            case ev.WorkerCallStarted():
                self.pace.start(event)
                self._open[event.call_id] = event.timestamp
            case ev.WorkerCallReturned() | ev.WorkerCallFailed():
                self._pay(event)
                self._count(event)

    def _mark(self, event: ev.Event) -> None:
        """What has to be drawn anew for it."""
        changes = self._changes
        match event:
            case ev.SupervisorCalled():
                changes.replies.add(event.call_id)
            case ev.SupervisorReplied() | ev.SupervisorFailed() | ev.ReplyRejected():
                self.drafts.pop(event.call_id, None)
                changes.replies.add(event.call_id)
            case ev.CellProposed() | ev.CellStarted():
                changes.cells.add(event.cell_id)
                # A log from elsewhere may tell of a cell and not of the call that it came from.
                changes.replies.update({self.state.cells[event.cell_id].call_id} & self.step_of.keys())
            case ev.CellOutput() | ev.CellFinished() | ev.FinalProposed() | ev.CellInterrupted():
                changes.cells.add(event.cell_id)
            case ev.WorkerCallStarted() | ev.WorkerCallReturned() | ev.WorkerCallFailed():
                changes.calls = True
                changes.cells.add(self.state.calls[event.call_id].cell_id)
            case ev.WorkerCallOverridden():
                changes.calls = True
            case ev.DecisionMade():
                self._settled(event)
            case ev.SessionFinished():
                self._withdraw()
                changes.gate = changes.ended = True
            case _:
                pass

    def _pay(self, event: Paid) -> None:
        if event.copied:
            return
        role = "supervisor" if isinstance(event, ev.SupervisorReplied | ev.SupervisorFailed) else "worker"
        self.step_tokens[event.step] += event.usage.total_tokens
        if role in self._prices:
            self.step_cost[event.step] += self._prices[role].cost(event.usage)

    def _count(self, event: ev.WorkerCallReturned | ev.WorkerCallFailed) -> None:
        self._open.pop(event.call_id, None)
        self.pace.end(event)
        if isinstance(event, ev.WorkerCallReturned):
            self._tally["done"] += 1
            self._tally["cached"] += event.cached
        else:
            self._tally["failed"] += 1

    def _settled(self, event: ev.DecisionMade) -> None:
        if event.proposal_id in self.state.replies:
            self._changes.replies.add(event.proposal_id)
        cell = self.state.cells.get(event.proposal_id.removeprefix("final:"))
        if cell is not None:
            self._changes.replies.add(cell.call_id)
        if self.proposal is not None and event.proposal_id in _names(self.proposal):
            self._withdraw()

    # ------------------------------------------------------------ telling

    @property
    def counts(self) -> CallCounts:
        """Worker calls so far."""
        tally = self._tally
        running = len(self._open) if self.slots is None else min(len(self._open), self.slots)
        return CallCounts(running, tally["done"], tally["failed"], tally["cached"], len(self._open) - running)

    def waits(self, call_id: str) -> bool:
        """Whether a call that has no reply yet waits for a free place: places are taken in the order of the calls."""
        if self.slots is None or len(self._open) <= self.slots:
            return False
        return call_id in islice(self._open, self.slots, None)

    @property
    def silent(self) -> list[str]:
        """Supervisor calls of whose reply nothing has come yet."""
        return [call_id for call_id in self._asked if call_id not in self.drafts] if self.live else []

    def silence(self, call_id: str, now: datetime) -> float | None:
        """Seconds since a supervisor was asked of whose reply nothing has come yet; None of any other call."""
        asked = self._asked.get(call_id)
        if asked is None or call_id in self.drafts or not self.live:
            return None
        return max(0.0, (now - asked).total_seconds())

    def age(self, call_id: str, now: datetime) -> float | None:
        """Seconds since a call was made that has no reply yet."""
        made = self._open.get(call_id)
        return None if made is None else max(0.0, (now - made).total_seconds())

    @property
    def rate(self) -> float | None:
        """Worker calls a second in the running cell; None while none runs, or too few have ended to tell."""
        return self.pace.rate if self._open else None

    def left(self, now: datetime) -> float | None:
        """Seconds until the worker calls that are made have ended, as far as those before tell; None if not at all."""
        return self.pace.left(len(self._open), now)

    def elapsed(self, now: datetime) -> float:
        """Seconds that the session has run."""
        if self.state.finished is not None:
            return self.state.finished.elapsed
        runs = self.ended is None and self.phase != "resuming" and not self.phase.startswith("rebuilding")
        return self.time.seconds(now if runs else None)

    @property
    def cost(self) -> float | None:
        """US dollars so far; None where a price is not known."""
        return pricing.cost(self._prices, self.state.supervisor_usage, self.state.worker_usage)

    @property
    def worker_cost(self) -> float | None:
        """US dollars that worker calls took; None where their price is not known."""
        return pricing.cost(self._prices, Usage(), self.state.worker_usage) if self._prices else None

    @property
    def live(self) -> bool:
        """Whether the session has not ended."""
        return self.ended is None and self.state.finished is None

    @property
    def running_cell(self) -> str | None:
        """The cell that runs now."""
        step = self.state.current
        if step is None or not self.live:
            return None
        for cell_id in reversed(list(step.cells)):
            if self.state.cells[cell_id].phase == "running":
                return cell_id
        return None

    @property
    def gate(self) -> Gate | None:
        """What kind of proposal waits for the person."""
        match self.proposal:
            case StepProposal():
                return "step"
            case FinalProposal():
                return "final"
            case BudgetProposal():
                return "budget"
            case FailureProposal():
                return "failure"
            case None:
                return None

    @property
    def situation(self) -> Situation:
        """What decides which actions apply."""
        return Situation(
            gate=self.gate,
            live=self.live,
            running=self.running_cell is not None,
            last=isinstance(self.proposal, FinalProposal) and self.proposal.last,
            revises=self.gate == "step" and any(r.before != r.after for r in self.revisions.values()),
            choice=isinstance(self.proposal, StepProposal) and bool(self.proposal.candidates),
            fault=self.ended is not None and bool(self.ended.details),
        )


def _names(proposal: Proposal) -> set[str]:
    """The names under which a decision on `proposal` may be told."""
    candidates = proposal.candidates if isinstance(proposal, StepProposal) else ()
    return {proposal.proposal_id, *(candidate.call_id for candidate in candidates)}
