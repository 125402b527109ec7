"""The REPL on an event loop: cells of Python in processes of their own, and the way back to earlier states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from distill_core.repl.calls import Primitive, Worker, WorkerBatch
from distill_core.repl.offshoot import forked
from distill_core.repl.protocol import spelled
from distill_core.repl.start import Start
from distill_core.repl.timeline import Functions, OnOutput, Timeline
from distill_core.repl.values import DATA_PACKAGES, CellResult, Checkpoint, ReplLimits, Variable


class AsyncREPL:
    """A persistent Python interpreter in a process of its own.

    Args:
        context: what the code finds as `context`: text, a list or a dictionary.
        query: what it finds as `query`.
        worker: answers one prompt with text; plain (then run in threads) or asynchronous.
        worker_batch: answers a list of prompts with as many results in order, a failure as an exception; absent,
            `worker` is run for each.
        primitives: further functions of the host by name, plain or asynchronous, JSON in and out.
        limits: bounds of every cell.
        isolation: level asked for: "auto" for the strongest that can be had but never none, "strong" (namespaces,
            Landlock, seccomp), "good" (Landlock, seccomp), "seatbelt" (macOS), or "none": the code then has all rights
            of the caller.
        dialect: "distill", or "rlm" for the names of that dialect beside ours.
        echo: write out the value of a cell's last expression; None for the dialect's custom (rlm does not).
        seed: seeds `random` and the order of sets.
        packages: packages beyond the standard library that cells may import where they are installed.

    Raises:
        ReplError: an argument cannot be used, or (on entering) the process does not start or the isolation that is
            asked for cannot be had.
    """

    def __init__(
        self,
        context: str | list[Any] | dict[str, Any],
        query: str = "",
        *,
        worker: Worker | None = None,
        worker_batch: WorkerBatch | None = None,
        primitives: Mapping[str, Primitive] | None = None,
        limits: ReplLimits | None = None,
        isolation: str = "auto",
        dialect: str = "distill",
        echo: bool | None = None,
        seed: int = 0,
        packages: Sequence[str] = DATA_PACKAGES,
    ) -> None:
        functions = Functions(worker, worker_batch, dict(primitives or {}))
        limits = limits or ReplLimits()
        self.seed = seed
        self._start = Start(
            context,
            query,
            functions.primitives,
            limits=limits,
            isolation=isolation,
            dialect=dialect,
            echo=echo,
            seed=seed,
            packages=packages,
        )
        self._timeline = Timeline(self._start, functions, limits, spelled(query))

    @classmethod
    def _over(cls, timeline: Timeline, start: Start, seed: int) -> AsyncREPL:
        """A REPL over a timeline that there is already."""
        made = cls.__new__(cls)
        made.seed, made._start, made._timeline = seed, start, timeline
        return made

    async def __aenter__(self) -> AsyncREPL:
        await self._timeline.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def limits(self) -> ReplLimits:
        """The bounds of every cell."""
        return self._timeline.limits

    @property
    def isolation(self) -> str:
        """The level of isolation that the process has proven; "none" before it has started."""
        return self._start.level

    @property
    def probes(self) -> tuple[tuple[str, bool, str], ...]:
        """What the process tried when it had locked itself down: (name, whether it was shut, how that showed)."""
        return self._start.probes

    @property
    def pid(self) -> int | None:
        """The process that runs the cells, as this side counts; None while there is none."""
        return self._timeline.pid

    async def execute(
        self, code: str, timeout: float | None = None, on_output: OnOutput | None = None
    ) -> CellResult:
        """Run a cell to its end.

        A cell that crashes, does not stop when it is told to, or breaks the protocol is killed; the variables then are
        as they were before it, where there are checkpoints.

        Args:
            code: its source.
            timeout: seconds of active time, in the place of `limits.cell_seconds`.
            on_output: gets (stream, text) while the cell runs, on the loop.

        Raises:
            ReplError: the REPL is closed, or its process cannot be started again.
        """
        return await self._timeline.execute(code, timeout, on_output)

    def ask(self, query: str) -> None:
        """Make `query` the question that the cells find from the next one on."""
        self._timeline.query = spelled(query)

    async def variables(self) -> tuple[Variable, ...]:
        """The variables that the cells have made, a thousand at most. Leaves no mark.

        Raises:
            ReplError: the REPL is closed or its process was lost.
        """
        return await self._timeline.variables()

    def interrupt(self) -> None:
        """Ask the running cell to stop; it is killed if it does not. From the loop's thread only."""
        self._timeline.interrupt()

    # ------------------------------------------------------------ earlier states

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The states that can be gone back to, the oldest first; that before the first cell is always among them."""
        return self._timeline.checkpoints

    @property
    def without_checkpoints(self) -> str | None:
        """Why there are no checkpoints; None where there are."""
        return self._timeline.without_checkpoints

    async def checkpoint(self, k: int | None = None) -> Checkpoint:
        """The state after `k` cells; without `k` that of now (while a cell runs: that before it).

        Raises:
            ReplError: it is not kept; what is kept is named.
        """
        return await self._timeline.checkpoint(k)

    async def rollback(self, k: int) -> None:
        """Go back to the state after `k` cells, and forget later ones. Waits for a running cell.

        Variables are as they were then, to the last object. Threads that cells had started are gone, and files in the
        scratch folder stay as they are.

        Raises:
            ReplError: that state is not kept; what is kept is named.
        """
        await self._timeline.rollback(k)

    async def fork(
        self,
        k: int | None = None,
        *,
        worker: Worker | None = None,
        worker_batch: WorkerBatch | None = None,
        primitives: Mapping[str, Primitive] | None = None,
        limits: ReplLimits | None = None,
    ) -> AsyncREPL:
        """A second REPL with the variables after `k` cells (default now; while a cell runs: before it).

        Whatever it does with them leaves no mark on this one. The scratch folder, though, they share. Closing it ends
        its processes; closing this one ends it too; either may be closed first.

        Args:
            k: how many cells.
            worker: answers its worker calls. Where neither this nor `worker_batch` is given, this REPL's functions do.
            worker_batch: the same for batches.
            primitives: its functions of the host, in the place of this REPL's.
            limits: its bounds; those of memory, files, threads and scratch stay this REPL's.

        Raises:
            ReplError: that state is not kept, or no copy of it can be made.
        """
        mine = self._timeline.functions
        own = (worker, worker_batch) if worker or worker_batch else (mine.worker, mine.worker_batch)
        functions = Functions(*own, mine.primitives if primitives is None else dict(primitives))
        timeline = await forked(self._timeline, k, functions, limits or self.limits)
        return self._over(timeline, self._start, self.seed)

    async def close(self) -> None:
        """End the process. Safe to call twice; a cell that runs is lost."""
        await self._timeline.close()
