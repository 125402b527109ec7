"""A session's events read as what was asked and what was answered, for those who give the answers again.

A session may have died and been resumed: what was on its way at that moment never reached anybody, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.errors import LogError
from distill_core.models.base import LMResponse, TokenLogprob
from distill_core.repl import CellResult
from distill_core.repl.values import WorkerCall
from distill_core.state import SessionState, fold


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the code got for a call: a `text`, or an `error`; neither where the cell ended before either came."""

    text: str | None = None
    error: str | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None

    @property
    def came(self) -> bool:
        """Whether anything came."""
        return self.text is not None or self.error is not None


class RecordedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A worker call and what the code got for it. `call_id` is empty where the budget refused it."""

    prompt: str
    purpose: str
    given: Given
    call_id: str = ""


class RecordedCell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that ran, with all that it was answered.

    Args:
        finished: how it ended; None where the program died before.
        cut: somebody outside ended it: a person, a stop, a deadline.
    """

    cell_id: str
    step: int
    code: str
    output: tuple[tuple[str, str], ...]
    calls: tuple[RecordedCall, ...]
    primitives: tuple[ev.PrimitiveCalled, ...]
    finished: ev.CellFinished | None
    cut: bool = False

    def text(self, stream: str | None = None) -> str:
        """What it wrote, on `stream` or on both."""
        return "".join(text for name, text in self.output if stream in (None, name))

    def result(self) -> CellResult:
        """Its result, as it was.

        Raises:
            LogError: it did not come to its end.
        """
        end = self.finished
        if end is None:
            raise LogError(f"cell {self.cell_id} did not come to its end")
        return CellResult(
            status=end.status,
            output=tuple(("stderr" if s == "stderr" else "stdout", text) for s, text in self.output),
            traceback=end.traceback,
            final=end.final,
            worker_calls=tuple(
                WorkerCall(prompt=c.prompt, response=c.given.text, error=c.given.error, elapsed=0.0)
                for c in self.calls
            ),
            elapsed=end.elapsed,
            active=end.active,
            dropped=end.dropped,
        )


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A supervisor call and what came of it: a reply, a failure, or nothing yet."""

    called: ev.SupervisorCalled
    replied: ev.SupervisorReplied | None = None
    failed: ev.SupervisorFailed | None = None

    def response(self) -> LMResponse | None:
        """The reply as a model gives it; None where there is none."""
        said = self.replied
        if said is None:
            return None
        return LMResponse(
            text=said.text,
            usage=said.usage,
            model=said.model,
            elapsed=said.elapsed,
            finish_reason=said.finish_reason,
            reasoning=said.reasoning,
            logprobs=said.logprobs,
            cached=said.cached,
            attempts=said.attempts,
        )


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A session as what can be given again.

    Args:
        events: all of them, in order.
        state: their fold.
        cells: the cells that ran, in the order they ran.
        exchanges: the supervisor calls in order; lost ones left out.
        lost: ids of the calls that were on their way when the program died, of both models.
    """

    events: tuple[ev.Event, ...]
    state: SessionState
    cells: tuple[RecordedCell, ...]
    exchanges: tuple[Exchange, ...]
    lost: frozenset[str]

    @property
    def started(self) -> ev.SessionStarted:
        """Its first event.

        Raises:
            LogError: there is none.
        """
        if self.state.started is None:
            raise LogError("the session has no beginning", remedy="see distill-tui sessions verify")
        return self.state.started

    @property
    def finished_cells(self) -> tuple[RecordedCell, ...]:
        """The cells that came to their end."""
        return tuple(cell for cell in self.cells if cell.finished is not None)

    def cell(self, cell_id: str) -> RecordedCell | None:
        """The cell of that id, if it ran."""
        return next((cell for cell in self.cells if cell.cell_id == cell_id), None)


def record_of(events: Iterable[ev.Event]) -> Record:
    """The record that `events` are.

    Raises:
        LogError: they do not fit together.
    """
    events = tuple(events)
    try:
        state = fold(events)
    except KeyError as error:
        raise LogError(
            "the session's log does not fit together",
            found=f"it speaks of {error.args[0]}, which nothing before mentions",
            remedy="see distill-tui sessions verify",
        ) from error
    lost = _lost(events)
    return Record(
        events=events,
        state=state,
        cells=_cells(events, lost, state),
        exchanges=_exchanges(events, lost),
        lost=lost,
    )


def number(identifier: str) -> int:
    """The number that an id ends in ("c12" is 12); 0 where there is none."""
    found = re.search(r"(\d+)$", identifier)
    return int(found[1]) if found else 0


_STARTS = (ev.SupervisorCalled, ev.WorkerCallStarted)
_ENDS = (ev.SupervisorReplied, ev.SupervisorFailed, ev.WorkerCallReturned, ev.WorkerCallFailed)


def _lost(events: tuple[ev.Event, ...]) -> frozenset[str]:
    """Calls without an end at a moment when the session was resumed."""
    going: dict[str, None] = {}
    lost: set[str] = set()
    for event in events:
        if isinstance(event, _STARTS):
            going[event.call_id] = None
        elif isinstance(event, _ENDS):
            going.pop(event.call_id, None)
        elif isinstance(event, ev.SessionResumed):
            lost.update(going)
    return frozenset(lost)


def _exchanges(events: tuple[ev.Event, ...], lost: frozenset[str]) -> tuple[Exchange, ...]:
    found: dict[str, Exchange] = {}
    for event in events:
        match event:
            case ev.SupervisorCalled() if event.call_id not in lost:
                found[event.call_id] = Exchange(called=event)
            case ev.SupervisorReplied() if event.call_id in found:
                found[event.call_id] = msgspec.structs.replace(found[event.call_id], replied=event)
            case ev.SupervisorFailed() if event.call_id in found:
                found[event.call_id] = msgspec.structs.replace(found[event.call_id], failed=event)
            case _:
                pass
    return tuple(found.values())


class _Cell:
    """A cell while it is put together."""

    def __init__(self, started: ev.CellStarted) -> None:
        self.started = started
        self.output: list[tuple[str, str]] = []
        self.calls: list[RecordedCall] = []
        self.primitives: list[ev.PrimitiveCalled] = []
        self.finished: ev.CellFinished | None = None
        self.interrupted = False

    def cell(self) -> RecordedCell:
        end = self.finished
        return RecordedCell(
            cell_id=self.started.cell_id,
            step=self.started.step,
            code=self.started.code,
            output=tuple(self.output),
            calls=tuple(self.calls),
            primitives=tuple(self.primitives),
            finished=end,
            cut=end is not None and (self.interrupted or end.status == "interrupted"),
        )


def _cells(
    events: tuple[ev.Event, ...], lost: frozenset[str], state: SessionState
) -> tuple[RecordedCell, ...]:
    cells: dict[str, _Cell] = {}
    logprobs = {e.call_id: e.logprobs for e in events if isinstance(e, ev.WorkerCallReturned)}
    for event in events:
        if isinstance(event, ev.CellStarted):
            cells[event.cell_id] = _Cell(event)
            continue
        cell = cells.get(getattr(event, "cell_id", ""))
        if cell is None:
            continue
        match event:
            case ev.CellOutput():
                cell.output.append((event.stream, event.text))
            case ev.CellFinished():
                cell.finished = event
            case ev.CellInterrupted():
                cell.interrupted = True
            case ev.PrimitiveCalled():
                cell.primitives.append(event)
            case ev.WorkerCallRefused():
                refused = Given(error=event.error)
                cell.calls.append(RecordedCall(prompt=event.prompt, purpose=event.purpose, given=refused))
            case ev.WorkerCallStarted() if event.call_id not in lost and event.retry_of is None:
                cell.calls.append(
                    RecordedCall(
                        call_id=event.call_id,
                        prompt=event.prompt,
                        purpose=event.purpose,
                        given=_given(state, event.call_id, logprobs),
                    )
                )
            case _:
                pass
    return tuple(cell.cell() for cell in cells.values())


def _given(state: SessionState, call_id: str, logprobs: dict[str, tuple[TokenLogprob, ...] | None]) -> Given:
    text, error = state.given(call_id)
    return Given(text=text, error=error, logprobs=logprobs.get(call_id))


def primitives_of(record: Record) -> tuple[str, ...]:
    """Names of the primitives that the session offered, as far as its log tells."""
    named: list[Any] = record.started.config.get("primitives", [])
    called = {p.name for cell in record.cells for p in cell.primitives}
    gated = {"worker_yes"} if any(c.purpose == "gate" for cell in record.cells for c in cell.calls) else set()
    return tuple(sorted({str(name) for name in named} | called | gated))
