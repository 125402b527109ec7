"""Running recorded cells again, with the answers they got: the REPL's state comes back, and no model is called.

Whatever comes out differently is a `Divergence`. What cannot be the same by nature is not one: a memory address in the
name of an object, and how far a cell had come that somebody interrupted.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from distill_core.answering import Answering, RecordedAnswers
from distill_core.record import Record, RecordedCell
from distill_core.repl import AsyncREPL, CellResult

DivergenceKind: TypeAlias = Literal["prompt", "calls", "output", "errors", "status", "traceback", "answer"]

KINDS: dict[DivergenceKind, str] = {
    "prompt": "it asks for something else",
    "calls": "it asks for less",
    "output": "it prints something else",
    "errors": "it writes something else to stderr",
    "status": "it ends otherwise",
    "traceback": "it fails otherwise",
    "answer": "it answers otherwise",
}

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
_LOOK = 0.02
_AGAIN = 0.5
"""Seconds between two looks at a cell that is to be cut, and between two interrupts."""
_SHOWN = 160


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """A difference between a cell's record and its second run."""

    step: int
    cell_id: str
    kind: DivergenceKind
    recorded: str
    found: str

    def __str__(self) -> str:
        at = _first_difference(self.recorded, self.found)
        was, now = _piece(self.recorded, at), _piece(self.found, at)
        return f"step {self.step}, cell {self.cell_id}: {KINDS[self.kind]}: recorded {was}, now {now}"


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """A cell run again.

    Args:
        result: what came of it now.
        differences: where it left its record; empty where it did not.
        cut: it was interrupted when recorded, and was again, about where its record ends.
    """

    cell: RecordedCell
    result: CellResult
    differences: tuple[Divergence, ...]
    cut: bool = False


class GoesOn(Protocol):
    """Is told of each cell that was run again, and says whether the next one is."""

    async def __call__(self, run: Rerun) -> bool:
        """True to go on with the next cell."""
        ...


async def rerun_all(
    repl: AsyncREPL,
    answering: Answering,
    record: Record,
    *,
    goes_on: GoesOn,
    on_cell: Callable[[RecordedCell], None] = lambda _: None,
) -> list[Rerun]:
    """Run the cells of `record` that came to their end again, each with the question that it worked on.

    Args:
        goes_on: asked after each cell.
        on_cell: told of each cell before it runs.

    Raises:
        ReplError: the REPL is lost.
    """
    runs: list[Rerun] = []
    for cell in record.finished_cells:
        on_cell(cell)
        repl.ask(record.state.question_at(cell.step))
        runs.append(await rerun(repl, answering, cell))
        if not await goes_on(runs[-1]):
            break
    return runs


async def rerun(repl: AsyncREPL, answering: Answering, cell: RecordedCell) -> Rerun:
    """Run a finished `cell` again in `repl`, whose functions are `answering`'s.

    Raises:
        ReplError: the REPL is lost.
    """
    answers = RecordedAnswers(cell)
    answering.recorded = answers
    watch = asyncio.create_task(_watch(repl, cell, answers))
    try:
        result = await repl.execute(cell.code)
    finally:
        watch.cancel()
        answering.recorded = None
    return Rerun(
        cell=cell, result=result, differences=tuple(_differences(cell, result, answers)), cut=cell.cut
    )


async def _watch(repl: AsyncREPL, cell: RecordedCell, answers: RecordedAnswers) -> None:
    """End a cell where its record ends by somebody's hand, and one that has left its record for good."""
    started = time.monotonic()
    active = cell.finished.active if cell.finished is not None else 0.0
    while True:
        await asyncio.sleep(_LOOK)
        reached = cell.cut and not answers.unasked and time.monotonic() - started >= active
        if reached or answers.waiting or answers.beyond is not None:
            break
    while True:
        repl.interrupt()
        await asyncio.sleep(_AGAIN)


def _differences(cell: RecordedCell, result: CellResult, answers: RecordedAnswers) -> list[Divergence]:
    was = cell.result()
    found: list[tuple[DivergenceKind, str, str]] = []
    if answers.beyond is not None:
        likely = answers.unasked
        found.append(("prompt", likely[0] if likely else "", answers.beyond))
    elif answers.unasked and not cell.cut:
        found.append(("calls", answers.unasked[0], ""))
    if cell.cut:
        if not (_alike(was.stdout, result.stdout)):
            found.append(("output", was.stdout, result.stdout))
        return [_divergence(cell, *difference) for difference in found]
    pairs: list[tuple[DivergenceKind, str, str]] = [
        ("output", was.stdout, result.stdout),
        ("answer", was.final.text if was.final else "", result.final.text if result.final else ""),
        ("status", was.status, result.status),
    ]
    if was.status not in ("timeout", "killed"):
        # How such a cell was stopped is told with times and signals, which are never the same twice.
        pairs += [
            ("traceback", was.traceback or "", result.traceback or ""),
            ("errors", was.stderr, result.stderr),
        ]
    found += [(kind, a, b) for kind, a, b in pairs if _masked(a) != _masked(b)]
    return [_divergence(cell, *difference) for difference in found]


def _divergence(cell: RecordedCell, kind: DivergenceKind, recorded: str, found: str) -> Divergence:
    return Divergence(step=cell.step, cell_id=cell.cell_id, kind=kind, recorded=recorded, found=found)


def _alike(recorded: str, found: str) -> bool:
    """Whether one of two texts is the beginning of the other."""
    a, b = _masked(recorded), _masked(found)
    return a.startswith(b) or b.startswith(a)


def _masked(text: str) -> str:
    return _ADDRESS.sub("0x…", text)


def _first_difference(a: str, b: str) -> int:
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))


def _piece(text: str, at: int) -> str:
    """A short, quoted piece of `text` around `at`."""
    start, end = max(0, at - _SHOWN // 4), at + _SHOWN
    return f"{'…' if start else ''}{text[start:end]!r}{'…' if end < len(text) else ''}"


def passed(reruns: Sequence[Rerun]) -> tuple[str, ...]:
    """One line for every difference among `reruns`."""
    return tuple(str(difference) for run in reruns for difference in run.differences)
