"""A session on its way into the index: events are folded, and what they touched becomes rows.

The same code serves a session that is being made, one read from its folder, and a rebuild; they differ only in how
often rows are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.folding import fold_whole
from distill_core.state import EMPTY, SessionState, apply
from sessions import rows as r
from sessions.schema import BLOCK
from sessions.summary import Tally, session_row

_OF_CALLS = (ev.WorkerCallStarted, ev.WorkerCallReturned, ev.WorkerCallFailed)
"""What most of a log is, and tells of nothing but worker calls."""


class Rows(msgspec.Struct, frozen=True):
    """Rows to write for one session.

    Args:
        session: its row of `sessions`, by column.
        tables: rows of the other tables, to be put in the place of those with the same id.
        relabelled: whether the session's rows of `labels` and `retractions` are to be replaced as a whole.
    """

    session: dict[str, Any]
    tables: dict[str, list[r.Row]]
    relabelled: bool


class Indexer:
    """Folds one session and gives the rows that changed.

    `session` is its number in the index, to be set before rows are taken.
    """

    def __init__(self) -> None:
        self.session = 0
        self.state: SessionState = EMPTY
        self.problem: str | None = None
        self.taken = 0
        self._tally = Tally()
        self._numbers: dict[str, dict[Any, int]] = {table: {} for table in r.COLUMNS}
        self._touched: dict[str, dict[Any, None]] = {table: {} for table in r.COLUMNS}
        self._reply_steps: dict[str, int] = {}
        self._decisions: dict[int, ev.DecisionMade] = {}
        self._judged = False

    @property
    def broken(self) -> bool:
        """Whether the log stopped making sense; what came before is indexed, what follows is not."""
        return self.problem is not None

    @property
    def waiting(self) -> bool:
        """Whether rows were held back, since what they tell of has not ended."""
        return any(self._touched.values())

    def take(self, event: ev.Event) -> None:
        """Fold one more event."""
        if self.broken:
            return
        if self.state.started is None and not isinstance(event, ev.SessionStarted):
            self.problem = f"event {event.seq} comes before the session's start"
            return
        try:
            self.state = apply(self.state, event)
        except KeyError as error:
            self.problem = f"event {event.seq} speaks of {error.args[0]}, which nothing before it mentions"
            return
        self.taken += 1
        self._touch(event)

    def take_all(self, events: Sequence[ev.Event]) -> None:
        """Fold several; a whole session at once, where it makes sense to its end."""
        if self.taken or self.broken or not self._taken_at_once(events):
            for event in events:
                self.take(event)

    def _taken_at_once(self, events: Sequence[ev.Event]) -> bool:
        """Take a whole session as if its events came one by one, in half the time; False, and nothing, where not."""
        if not events or not isinstance(events[0], ev.SessionStarted):
            return False
        try:
            state = fold_whole(events)
        except KeyError:
            return False
        if any(reply in state.calls for reply in state.replies):
            return False  # the name of both is taken for the one's or the other's, as they come
        self.state, self.taken = state, len(events)
        for number in range(1, len(state.steps) + 1):
            self._mark("steps", number)
        for call_id in state.call_order:
            self._mark("worker_calls", call_id)
        for call in state.calls.values():
            self._tally.called(call)
        for event in events:
            if type(event) not in _OF_CALLS:
                self._mark_named(event)
                self._judged = self._judged or isinstance(event, ev.Annotated | ev.Retracted)
        return True

    def _mark_named(self, event: ev.Event) -> None:
        """Mark what the event is the first to tell of."""
        match event:
            case ev.SupervisorCalled():
                self._reply_steps.setdefault(event.call_id, event.step)
                self._mark("replies", event.call_id)
            case ev.CellProposed():
                self._mark("cells", event.cell_id)
            case ev.CellOutput():
                self._mark("outputs", event.cell_id)
            case ev.MessageAdded():
                self._mark("messages", event.message_id)
            case ev.DecisionMade():
                self._tally.decided(event)
                self._decisions[event.seq] = event
                self._mark("decisions", event.seq)
            case ev.WorkerCallOverridden():
                self._mark("overrides", event.seq)
            case ev.Annotated():
                self._mark("annotations", event.seq)

    def _touch(self, event: ev.Event) -> None:
        """Note what the event changed, by the names it speaks of; a new kind of event needs nothing here."""
        state = self.state
        if 0 < event.step <= len(state.steps):
            # Steps that nothing was told of stand before it, where there are such.
            for number in range(len(self._numbers["steps"]) + 1, event.step):
                self._mark("steps", number)
            self._mark("steps", event.step)
        call_id: str = getattr(event, "call_id", "")
        if call_id in state.calls:
            self._mark("worker_calls", call_id)
            self._tally.called(state.calls[call_id])
            first = getattr(event, "retry_of", None)
            if first is not None:
                self._mark("worker_calls", first)
        elif call_id in state.replies:
            self._reply_steps.setdefault(call_id, event.step)
            self._mark("replies", call_id)
        cell_id: str = getattr(event, "cell_id", "")
        if cell_id in state.cells:
            self._mark("cells", cell_id)
            if len(state.cells[cell_id].output):
                self._mark("outputs", cell_id)
        self._mark_named(event)
        match event:
            case ev.Annotated():
                self._judged = True
            case ev.Retracted():
                self._retracted()

    def _retracted(self) -> None:
        """What counts may have changed anywhere."""
        self._judged = True
        for seq in self.state.annotated:
            self._mark("annotations", seq)
        for seq, override in self.state.overridden.items():
            self._mark("overrides", seq)
            self._mark("worker_calls", override.call_id)

    def _mark(self, table: str, key: Any) -> None:
        numbers = self._numbers[table]
        if key not in numbers:
            numbers[key] = len(numbers) + 1
        self._touched[table][key] = None

    def _step_of(self, decision: ev.DecisionMade) -> int:
        """The step that holds it; 0 for none, as where a bound was met before the step's first call."""
        steps, number = self.state.steps, decision.step
        held = 0 < number <= len(steps) and decision in steps[number - 1].decisions
        return number if held else 0

    def _number(self, table: str, key: Any) -> int:
        return self.session * BLOCK + self._numbers[table][key]

    def again(self) -> None:
        """Give every row again the next time: what was given did not arrive, or is not there any more."""
        self._touched = {table: dict.fromkeys(numbers) for table, numbers in self._numbers.items()}
        self._judged = True

    def changed(self, session_id: str, sizes: tuple[int, ...], *, all_of_it: bool) -> Rows:
        """The rows that changed since the last time.

        Args:
            session_id: the session's name in the index.
            sizes: bytes of the streams that hold what was folded.
            all_of_it: also what has not ended yet. Live, calls and outputs wait for their end, since a row that
                grows would be indexed again and again.
        """
        held = False
        tables: dict[str, list[r.Row]] = {}
        for table, touched in self._touched.items():
            keys = [key for key in touched if all_of_it or self._ended(table, key)]
            held = held or len(keys) < len(touched)
            for key in keys:
                del touched[key]
            if keys:
                # In the order of their ids, in which the full-text index takes them without starting anew.
                keys.sort(key=self._numbers[table].__getitem__)
                tables[table] = [self._row(table, key) for key in keys]
        relabelled, self._judged = self._judged, False
        if relabelled:
            tables |= r.judgement_rows(self.state, self.session)
        # What is held back would be missed if the folder were taken for indexed.
        row = session_row(self.state, self._tally, session_id, None if held else sizes, self.problem)
        return Rows({"id": self.session, **row}, tables, relabelled)

    def _ended(self, table: str, key: Any) -> bool:
        match table:
            case "worker_calls":
                return self.state.calls[key].phase != "running"
            case "outputs":
                return self.state.cells[key].phase == "done"
        return True

    def _row(self, table: str, key: Any) -> r.Row:
        state, session, row = self.state, self.session, self._number(table, key)
        match table:
            case "steps":
                return r.step_row(row, session, state.steps[key - 1])
            case "replies":
                return r.reply_row(row, session, self._reply_steps[key], state.replies[key])
            case "messages":
                return r.message_row(row, session, key, state.messages[key])
            case "cells":
                return r.cell_row(row, session, state.cells[key])
            case "outputs":
                return r.output_row(row, session, state.cells[key])
            case "worker_calls":
                return r.call_row(row, session, state.calls[key])
            case "decisions":
                decision = self._decisions[key]
                return r.decision_row(row, session, self._step_of(decision), decision)
            case "overrides":
                return r.override_row(row, session, state.overridden[key], state.counts(key))
            case "annotations":
                return r.annotation_row(row, session, state.annotated[key], state.counts(key))
        raise AssertionError(f"no rows are made for {table}")
