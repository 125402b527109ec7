"""Driving the engine through what is on record already, so that it comes to stand where the record ends.

The engine itself is run, from the session's beginning; it only gets what it asks for from the record: replies of the
supervisor, decisions, results of cells. What it then wants to write is there already and is dropped. Where the record
ends each source goes over to the living one by itself: nothing has to be told what the state of a session is made of.
"""

from __future__ import annotations

from collections import deque

import msgspec

from distill_core import events as ev
from distill_core.approval import Approver, BudgetProposal, Decision, FailureProposal, Proposal
from distill_core.errors import DivergenceError
from distill_core.models.base import Message
from distill_core.record import Exchange, Record, RecordedCell
from distill_core.repl import CellResult

MARK = "\n[The program had died; this cell ran anew, and from here on it wrote otherwise.]\n"


class Redriving:
    """What the record still has to give.

    Args:
        record: what is given again.
        first: decides in the place of the approver on the first proposal that the record does not settle.
        instructions: words for the supervisor, by the step they stand in front of.
        by: who gives the instructions.
    """

    def __init__(
        self,
        record: Record,
        *,
        first: Decision | None = None,
        instructions: dict[int, str] | None = None,
        by: str = "",
    ) -> None:
        self.by = by
        self._record = record
        self._first = first
        self._instructions = dict(instructions or {})
        # Without a reply there is nothing to go on with: the step asked again, or asks again now.
        self._exchanges = deque(
            e
            for e in record.exchanges
            if e.replied is not None or (e.failed is not None and e.called.candidate)
        )
        self._decisions = deque(
            e
            for e in record.events
            if isinstance(e, ev.DecisionMade) and not e.proposal_id.startswith(ev.BESIDE)
        )
        self._settled = {
            event.step
            for event in self._decisions
            if event.action != "regenerate" and not event.proposal_id.startswith("final:")
        }
        self._decided = 0
        self._cells = {cell.cell_id: cell for cell in record.cells}
        self._proposed = {e.cell_id: e.code for e in record.events if isinstance(e, ev.CellProposed)}
        self._rejected = {e.call_id for e in record.events if isinstance(e, ev.ReplyRejected)}
        self._answered = {e.cell_id for e in record.events if isinstance(e, ev.FinalProposed)}
        self._steps = len(record.state.steps)
        self._unwritten = {cell.cell_id: _Unwritten(cell) for cell in record.cells if cell.finished is None}

    # ------------------------------------------------------------ what is given

    def covers(self, step: int) -> bool:
        """Whether the record has begun step `step`: its bound on turns was met then."""
        return step <= self._steps

    def exchange(self) -> Exchange | None:
        """The next supervisor call of the record; None from where it ends."""
        return self._exchanges.popleft() if self._exchanges else None

    def lacks_candidate(self, step: int) -> bool:
        """Whether one more candidate of `step` was wanted when the record was made, and was not allowed."""
        if self._exchanges:
            called = self._exchanges[0].called
            return called.step != step or not called.candidate
        return step in self._settled

    def prompt(self, call_id: str) -> list[Message]:
        """The messages that a call of the record was sent."""
        return self._record.state.prompt(call_id)

    def result(self, cell_id: str) -> CellResult | None:
        """The result of a cell that came to its end; None for one that is yet to run, or to run anew."""
        cell = self._cells.get(cell_id)
        return cell.result() if cell is not None and cell.finished is not None else None

    def unfinished(self, cell_id: str) -> RecordedCell | None:
        """The cell, if the program died while it ran."""
        cell = self._cells.get(cell_id)
        return cell if cell is not None and cell.finished is None else None

    def decision(self, proposal: Proposal) -> Decision | None:
        """What the record, or whoever forked, has decided on `proposal`."""
        if isinstance(proposal, BudgetProposal | FailureProposal):
            return None
        if self._decisions:
            self._decided += 1
            return recorded_decision(self._decisions.popleft())
        first, self._first = self._first, None
        return first

    def instruction(self, step: int) -> str:
        """Words to put in front of turn `step`; "" if there are none."""
        return self._instructions.pop(step, "")

    # ------------------------------------------------------------ what is there

    def there(self, event: ev.Stamped) -> bool:
        """Whether `event` is on record, so that it must not be written again.

        Raises:
            DivergenceError: the engine does other than it did when the record was made.
        """
        match event:
            case ev.CellProposed():
                return self._is_proposed(event)
            case ev.ReplyRejected():
                return event.call_id in self._rejected
            case ev.CellStarted():
                return event.cell_id in self._cells
            case ev.FinalProposed():
                return event.cell_id in self._answered
            case ev.DecisionMade() if not event.proposal_id.startswith(ev.BESIDE):
                known = self._decided > 0
                self._decided -= known
                return known
            case _:
                return False

    def fresh(self, cell_id: str, stream: str, text: str) -> str:
        """What of a piece of output is not on record; all of it for a cell that never ran before."""
        unwritten = self._unwritten.get(cell_id)
        return text if unwritten is None else unwritten.fresh(stream, text)

    def _is_proposed(self, event: ev.CellProposed) -> bool:
        code = self._proposed.get(event.cell_id)
        if code is None:
            return False
        if code != event.code:
            raise DivergenceError(
                f"cell {event.cell_id} of the record has other code",
                found="another version of the program made it, which read the supervisor's reply otherwise",
                remedy="fork the session at that step instead",
            )
        return True


class _Unwritten:
    """Tells what a cell that runs anew writes beyond what it had written when the program died."""

    def __init__(self, cell: RecordedCell) -> None:
        self._there = {stream: cell.text(stream) for stream in ("stdout", "stderr")}

    def fresh(self, stream: str, text: str) -> str:
        there = self._there[stream]
        if text.startswith(there):
            self._there[stream] = ""
            return text[len(there) :]
        if there.startswith(text):
            self._there[stream] = there[len(text) :]
            return ""
        self._there[stream] = ""
        return MARK + text


class RecordedFirst:
    """An approver that gives the decisions of the record, then asks the living one."""

    def __init__(self, redriving: Redriving, approver: Approver) -> None:
        self._redriving = redriving
        self._approver = approver

    async def decide(self, proposal: Proposal) -> Decision:
        """The decision on `proposal`."""
        known = self._redriving.decision(proposal)
        return known if known is not None else await self._approver.decide(proposal)


_SHARED = {f.name for f in msgspec.structs.fields(Decision)} & {
    f.name for f in msgspec.structs.fields(ev.DecisionMade)
}
"""What an event tells of a decision in the decision's own words."""


def recorded_decision(made: ev.DecisionMade) -> Decision:
    """The decision that the event tells of."""
    answers = made.proposal_id.startswith("final:") or made.action == "finish"
    return Decision(
        **{name: getattr(made, name) for name in _SHARED if name != "more"},
        codes=made.after if made.action in ("edit", "write") and not answers else None,
        answer=made.after[0] if answers and made.after else None,
        more=made.more or 1,
    )
