"""What the panes draw: the model's changes brought into transcripts, which draw nothing themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from distill_core.state import Cell, WorkerCall
from tui.lines import Line, fit, rule, wrap
from tui.live import output, supervisor, timeline, workers
from tui.live.calls import CallView
from tui.live.model import Changes, LiveModel
from tui.transcript import Transcript


class Anchors(NamedTuple):
    """Where a step begins in each pane; None where it has left nothing there."""

    supervisor: int | None
    output: int | None
    workers: int | None


PARTS = ("head", "body", "tail")
"""What the output of a cell consists of."""

AT_ONCE = 100
"""Blocks of a pane that are laid out before it is drawn; more than so many changes at a time wait their turn."""


class Panes:
    """The rows of the timeline, the supervisor, the output and the worker calls."""

    def __init__(self, model: LiveModel) -> None:
        self._model = model
        self._bodies: dict[str, output.Body] = {}
        self._first_call: dict[int, int] = {}
        self._calls_seen = 0
        self.notes: Callable[[int], list[Line]] = lambda _: []
        self.timeline = Transcript(lambda line, width: [fit(line, width)], AT_ONCE)
        self.supervisor = Transcript(_wrap_reply, AT_ONCE)
        self.output = Transcript(_wrap_output, AT_ONCE)
        self.workers = WorkerRows(model)

    def take(self, changes: Changes) -> frozenset[str]:
        """Bring `changes` in; returns the ids of the panes that have other rows now."""
        touched: set[str] = set()
        if changes.anew:
            self._forget()
            touched |= {"timeline", "supervisor", "output", "workers"}
        if changes.steps:
            self.draw_steps(changes.steps)
            touched.add("timeline")
        if changes.replies:
            self.supervisor.set_all(sorted(changes.replies, key=self._reply_order), self._reply_lines)
            touched.add("supervisor")
        if self._cells(sorted(changes.cells, key=_number)):
            touched.add("output")
        if changes.calls:
            self._note_calls()
            touched.add("workers")
        return frozenset(touched)

    def _cells(self, cell_ids: list[str]) -> bool:
        """Bring cells up to date; False if none of them has run, so that nothing of them is drawn."""
        cells = self._model.state.cells
        ran = [c for c in cell_ids if c in cells and cells[c].phase != "proposed"]
        many = len(ran) > AT_ONCE
        drawn = [c for c in ran if not many or c in self._bodies]
        if many:
            self.output.set_all(
                [(c, part) for c in ran if c not in self._bodies for part in PARTS], self._cell_lines
            )
        for cell_id in drawn:
            self._cell(cells[cell_id])
        return bool(ran)

    @property
    def slow(self) -> dict[str, Transcript]:
        """The panes whose blocks may wait to be laid out."""
        return {"timeline": self.timeline, "supervisor": self.supervisor, "output": self.output}

    def _forget(self) -> None:
        for rows in (self.timeline, self.supervisor, self.output):
            rows.clear()
        self._bodies.clear()
        self._first_call.clear()
        self._calls_seen = 0

    def anchors(self, step: int) -> Anchors:
        """Where `step` begins."""
        at = self._model.state.steps[step - 1]
        self.timeline.draw(step)
        for call_id in at.calls:
            self.supervisor.draw(call_id)
        for key in ((cell_id, part) for cell_id in at.cells for part in PARTS):
            self.output.draw(key)
        reply = self.supervisor.span(at.calls[0]) if len(at.calls) else None
        cell = next((s for c in at.cells if (s := self.output.span((c, "head"))) is not None), None)
        calls = self._first_call.get(step) if self.workers.view.whole else None
        return Anchors(reply[0] if reply else None, cell[0] if cell else None, calls)

    def draw_steps(self, numbers: Iterable[int]) -> None:
        """Draw these steps anew in the timeline."""
        found = sorted(n for n in numbers if 0 < n <= len(self._model.state.steps))
        self.timeline.set_all(found, self._step_lines)

    def _step_lines(self, number: int) -> list[Line]:
        model = self._model
        lines = timeline.step_lines(
            model.state,
            number,
            waiting=model.proposal is not None and model.proposal.step == number,
            used=model.step_tokens[number],
            cost=model.step_cost.get(number),
        )
        return [*lines, *self.notes(number)]

    def _reply_lines(self, call_id: str) -> list[Line]:
        model = self._model
        silence = model.silence(call_id, self.workers.now()) if self.workers.now is not None else None
        draft = model.drafts.get(call_id)
        away = model.again is not None and model.again[0] == "supervisor"
        return supervisor.reply_lines(model.state, model.step_of[call_id], call_id, draft, silence, away=away)

    def draw_silent(self) -> bool:
        """Draw the replies anew of which nothing has come yet: how long that takes; False if there are none."""
        silent = self._model.silent
        self.supervisor.set_all(silent, self._reply_lines)
        return bool(silent)

    def _reply_order(self, call_id: str) -> tuple[int, int]:
        return self._model.step_of[call_id], self._model.state.replies[call_id].candidate

    def _cell(self, cell: Cell) -> None:
        self.output.draw((cell.cell_id, "body"))
        self.output.set((cell.cell_id, "head"), output.head(cell))
        body = self._bodies.setdefault(cell.cell_id, output.Body())
        self.output.extend((cell.cell_id, "body"), *body.add(cell))
        self.output.set((cell.cell_id, "tail"), output.tail(cell))

    def _cell_lines(self, key: tuple[str, str]) -> list[Line]:
        """One part of a cell's output that is drawn for the first time."""
        cell_id, part = key
        cell = self._model.state.cells[cell_id]
        if part == "head":
            return output.head(cell)
        if part == "tail":
            return output.tail(cell)
        body = self._bodies[cell_id] = output.Body()
        return body.add(cell)[1]

    def _note_calls(self) -> None:
        state = self._model.state
        while self._calls_seen < len(state.call_order):
            step = state.calls[state.call_order[self._calls_seen]].step
            self._first_call.setdefault(step, self._calls_seen)
            self._calls_seen += 1


RULE = ("─ ", "rule")


def _wrap_reply(line: Line, width: int) -> list[Line]:
    if line[:1] == (RULE,):
        return [rule(line[1:], width)]
    code = line[:1] == (supervisor.BAR,)
    return wrap(line, width, words=not code, indent=2 if code else 0)


def _wrap_output(line: Line, width: int) -> list[Line]:
    return [rule(line[1:], width)] if line[:1] == (RULE,) else wrap(line, width, indent=2)


def _number(identifier: str) -> tuple[int, str]:
    """Order of ids that end in a number ("c2" before "c10")."""
    digits = "".join(c for c in identifier if c.isdigit())
    return int(digits or 0), identifier


class WorkerRows:
    """The worker calls as rows and as entries, made when they are looked at; nothing is kept a call."""

    def __init__(self, model: LiveModel) -> None:
        self._model = model
        self.now: Callable[[], datetime] | None = None
        self.view = CallView()

    def height(self, width: int) -> int:
        """One row a call."""
        return self.count()

    def row(self, y: int) -> Line:
        """The row of call number `y`."""
        call = self.call(y)
        if call is None:
            return ()
        if call.phase != "running" or self.now is None:
            return workers.row(call)
        return workers.row(
            call, age=self._model.age(call.call_id, self.now()), waits=self._model.waits(call.call_id)
        )

    def call(self, index: int) -> WorkerCall | None:
        """The call that stands in row `index`."""
        ids = self.view.ids(self._model.state)
        return self._model.state.calls[ids[index]] if 0 <= index < len(ids) else None

    def index(self, call_id: str) -> int | None:
        """The row of a call; None if it is not listed."""
        ids = self.view.ids(self._model.state)
        return next((at for at, listed in enumerate(ids) if listed == call_id), None)

    def count(self) -> int:
        """How many calls are listed."""
        return len(self.view.ids(self._model.state))

    def span(self, index: int) -> tuple[int, int]:
        """A call is one row."""
        return index, 1

    def at(self, y: int) -> int:
        """A row is one call."""
        return y


class StepEntries:
    """The steps among the rows of the timeline."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript

    def count(self) -> int:
        """How many steps there are."""
        return self._transcript.count

    def span(self, index: int) -> tuple[int, int]:
        """The rows of a step."""
        return self._transcript.span(self._transcript.key(index)) or (0, 0)

    def at(self, y: int) -> int:
        """The step that row `y` belongs to."""
        return self._transcript.index_at(y) or 0
