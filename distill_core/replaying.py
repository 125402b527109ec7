"""Replay: all cells of a session run again with what they were answered, and told whether they came out the same."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.answering import GATED, Answering
from distill_core.budget import Ledger
from distill_core.errors import BudgetExceeded, DistillError
from distill_core.models.recorded import RecordedHandler
from distill_core.record import Record, primitives_of
from distill_core.recorder import Recorder
from distill_core.repl import AsyncREPL, ReplLimits
from distill_core.rerunning import Divergence, Rerun, rerun_all
from distill_core.workers import WorkerGateway


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a replay.

    Args:
        session_id: which session.
        reruns: its cells in the order they ran, as far as it went.
        unfinished: ids of cells that the program's death ended, which cannot be run again.
        isolation: of the REPL that it ran in.
    """

    session_id: str
    reruns: tuple[Rerun, ...]
    unfinished: tuple[str, ...]
    isolation: str

    @property
    def divergences(self) -> tuple[Divergence, ...]:
        """All differences."""
        return tuple(difference for run in self.reruns for difference in run.differences)

    @property
    def equal(self) -> bool:
        """Whether everything came out as recorded."""
        return not self.divergences


async def replay(
    record: Record,
    context: str | list[Any] | dict[str, Any],
    *,
    isolation: str = "auto",
    to_the_end: bool = False,
    on_rerun: Callable[[Rerun], None] = lambda _: None,
) -> Replay:
    """Run every cell of `record` again; no model is called.

    Args:
        context: the session's document.
        isolation: level asked of the REPL.
        to_the_end: go on after a cell that came out differently, rather than stop there.
        on_rerun: told of each cell.

    Raises:
        ReplError: there is no REPL.
    """

    async def goes_on(run: Rerun) -> bool:
        on_rerun(run)
        return to_the_end or not run.differences

    async with recorded_repl(record, context, isolation=isolation) as (repl, answering):
        reruns = await rerun_all(repl, answering, record, goes_on=goes_on)
        level = repl.isolation
    unfinished = tuple(cell.cell_id for cell in record.cells if cell.finished is None)
    return Replay(
        session_id=record.started.session_id,
        reruns=tuple(reruns),
        unfinished=unfinished,
        isolation=level,
    )


@contextlib.asynccontextmanager
async def recorded_repl(
    record: Record, context: str | list[Any] | dict[str, Any], *, isolation: str = "auto"
) -> AsyncIterator[tuple[AsyncREPL, Answering]]:
    """A REPL as the session had it, with nobody behind it but the record.

    Raises:
        ReplError: there is none.
    """
    recorder = Recorder()
    nobody = RecordedHandler([], model=record.started.worker)
    gateway = WorkerGateway(nobody, recorder, Ledger(ev.Limits()), over_budget=_never)
    answering = Answering(gateway, recorder)
    names = {*primitives_of(record), "budget"}
    primitives = {
        name: answering.yes if name == GATED else answering.primitive(name, absent(name)) for name in names
    }
    config = record.started.config
    async with AsyncREPL(
        context,
        record.started.query,
        worker=answering.call,
        worker_batch=answering.batch,
        primitives=primitives,
        limits=limits_of(record),
        isolation=isolation,
        dialect=config.get("dialect", "distill"),
        seed=config.get("seed", 0),
    ) as repl:
        yield repl, answering


def limits_of(record: Record) -> ReplLimits:
    """The bounds of its cells; those that a newer program has beside them are the defaults."""
    known = {field.name for field in msgspec.structs.fields(ReplLimits)}
    kept = {k: v for k, v in record.started.config.get("repl_limits", {}).items() if k in known}
    return msgspec.convert(kept, ReplLimits)


def absent(name: str) -> Callable[..., Any]:
    """Stands for a primitive that only the program that made the session has."""

    def primitive(*args: Any, **kwargs: Any) -> Any:
        raise DistillError(
            f"the primitive {name} is not here", remedy="only the program that made the session has it"
        )

    primitive.__name__ = name
    return primitive


async def _never(_: BudgetExceeded) -> bool:
    return False
