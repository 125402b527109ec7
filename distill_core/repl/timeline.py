"""The cells of one REPL, one after the other, and the way back: what runs them, what is kept, what follows a loss."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, TypeAlias

from distill_core.errors import ReplError
from distill_core.repl.calls import Calls, Primitive, Worker, WorkerBatch
from distill_core.repl.capture import Capture, Written
from distill_core.repl.family import Family, NoCopy
from distill_core.repl.node import Node
from distill_core.repl.protocol import Listed
from distill_core.repl.running import Aftermath, RunningCell
from distill_core.repl.shelf import Kept, Shelf
from distill_core.repl.values import CellResult, Checkpoint, ReplLimits, StreamName, Variable
from distill_core.repl.weighing import Weighing

OnOutput: TypeAlias = Callable[[StreamName, str], None]

_LIST_SECONDS = 5.0
"""Time that the process has for listing its variables; what a cell left running may keep it from that."""
_CALM = 0.005
"""Seconds between the end of a cell and the keeping of its state, unless the next one comes before: its result goes
to the supervisor first."""
_ALL_LOST = "The REPL was started again: context and query are there, all other variables are lost."


class Functions(NamedTuple):
    """The functions of the host that cells may call."""

    worker: Worker | None
    worker_batch: WorkerBatch | None
    primitives: Mapping[str, Primitive]


class Ground(NamedTuple):
    """What a timeline stands on.

    Args:
        family: the processes that its own are among.
        base: the process with its first state, which runs no cell where it can be copied.
        out: pipe with the output of its processes.
        err: pipe with what they write to descriptor 2.
        fresh: whether the first state has no variables yet.
    """

    family: Family
    base: Node
    out: int
    err: int
    fresh: bool


class Origin(Protocol):
    """Where a timeline begins."""

    async def begin(self) -> Ground:
        """Its ground; called again where that was lost.

        Raises:
            ReplError: it cannot be had, or not again.
        """

    def kill(self) -> None:
        """End the processes of the ground, as far as they are nobody else's."""

    async def end(self) -> None:
        """Give the ground back."""


class Timeline:
    """Runs cells, and keeps the states after them.

    Args:
        origin: where it begins.
        functions: what answers calls.
        limits: bounds of each cell.
        query: the question that cells find; may be changed between cells.
        cells: how many cells its first state comes after.
    """

    def __init__(
        self, origin: Origin, functions: Functions, limits: ReplLimits, query: str, cells: int = 0
    ) -> None:
        self.limits = limits
        self.query = query
        self.functions = functions
        self.closed = False
        self.without_checkpoints: str | None = "the REPL has not been started"
        self._origin = origin
        self._calls = Calls(*functions, limits.concurrency)
        self._turn = asyncio.Lock()
        self._ground: Ground | None = None
        self._capture: Capture | None = None
        self._shelf: Shelf | None = None
        self._weighing: Weighing | None = None
        self._runner: Node | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._due: asyncio.TimerHandle | None = None
        self._cells = cells

    # ------------------------------------------------------------ what there is

    @property
    def pid(self) -> int | None:
        """The process that runs cells; None while there is none."""
        return None if self._runner is None or self._runner.dead else self._runner.process.pid

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The states that can be gone back to, the oldest first."""
        if self._shelf is None or self.without_checkpoints is not None:
            return ()
        return tuple(kept.shown() for kept in self._shelf)

    async def start(self) -> None:
        """Have a process ready."""
        async with self._turn:
            await self._ready()

    async def variables(self) -> tuple[Variable, ...]:
        """The variables that the cells have made."""
        async with self._turn:
            await self._ready()
            assert self._runner is not None
            runner = self._runner
            try:
                return tuple((await runner.ask({"op": "variables"}, Listed, _LIST_SECONDS)).variables)
            except TimeoutError as error:
                runner.violate("it does not list its variables")
                raise ReplError("the REPL's process does not list its variables") from error

    def interrupt(self) -> None:
        """Ask the running cell to stop."""
        if self._runner is not None and self._runner.cell is not None:
            self._runner.cell.stop("interrupted")

    # ------------------------------------------------------------ cells

    async def execute(self, code: str, timeout: float | None, on_output: OnOutput | None) -> CellResult:
        """Run a cell to its end."""
        async with self._turn:
            aftermath = await self._ready()
            number = self._cells = self._cells + 1
            cell, written = await self._run(number, code, timeout, on_output, aftermath)
            if not cell.begun and not cell.stopping_asked and self._lost:
                # It never turned to the cell: what was lost was lost before.
                aftermath = await self._recover(number - 1)
                cell, written = await self._run(number, code, timeout, on_output, aftermath)
            if self._lost:
                aftermath = await self._recover(number)
            elif not self.closed:
                self._keep()
            result = cell.result(aftermath)
            if (error := cell.fault or written.failure) is not None:
                raise error
            return result

    @property
    def _lost(self) -> bool:
        return not self.closed and (self._runner is None or self._runner.dead)

    async def _run(
        self,
        number: int,
        code: str,
        timeout: float | None,
        on_output: OnOutput | None,
        aftermath: Aftermath | None,
    ) -> tuple[RunningCell, Written]:
        """Run a cell in the process there is; `aftermath` says what was lost since the last."""
        runner = self._runner
        assert runner is not None
        written = Written(self.limits.output_chars, on_output)
        if aftermath is not None:
            written.add("stderr", f"[The process was lost after the last cell. {aftermath.words}]\n")
        seconds = self.limits.cell_seconds if timeout is None else timeout
        cell = runner.start(number, code, self.query, seconds, written, self.limits)
        if runner.dead:
            cell.lose(runner.why)
        try:
            await cell.ended()
        except asyncio.CancelledError:
            cell.stop("interrupted")
            await cell.ended()
            raise
        finally:
            runner.cell = None
        return cell, written

    # ------------------------------------------------------------ a process to run them

    async def _ready(self) -> Aftermath | None:
        """See that there is a process; returns what was lost if there was one before."""
        if self.closed:
            raise ReplError("this REPL is closed", remedy="make a new one")
        await self._kept()
        if self._ground is None:
            await self._begin()
        if self._lost:
            return await self._recover(self._cells)
        return None

    async def _begin(self) -> None:
        """Stand on new ground, with nothing but the first state."""
        ground = self._ground = await self._origin.begin()
        self._capture = Capture(ground.out, ground.err)
        base = Kept(ground.base, self._cells)
        if ground.fresh and self._cells:
            base.indexes.insert(0, 0)  # begun anew, it is what it was at the very first
        self._shelf = Shelf(base, self.limits.checkpoints)
        self._weighing = Weighing(self._shelf, self.limits.checkpoint_bytes)
        try:
            self._employ(await ground.family.copy(ground.base, keep=False))
        except NoCopy as error:
            if not ground.fresh:
                raise
            ground.family.no_copies = error.found or error.what
            self._employ(ground.base)
        self.without_checkpoints = ground.family.no_copies
        if self.closed:
            await self._end_all()
            raise ReplError("this REPL was closed while its process started")

    def _employ(self, runner: Node) -> None:
        assert self._capture is not None
        self._runner = runner
        runner.employ(self._calls, self._capture)
        runner.gone.add_done_callback(lambda _: self._on_gone(runner))

    def _on_gone(self, runner: Node) -> None:
        """A process that ran cells is gone: take what it has written, and end its cell."""
        if self._capture is not None and self._runner is runner:
            self._capture.end()
        if runner.cell is not None:
            runner.cell.lose(runner.why)

    async def _recover(self, number: int) -> Aftermath | None:
        """Go on from the newest state there is; it then is the one after `number` cells too. None: closed meanwhile.

        Raises:
            ReplError: nothing is left to go on from.
        """
        while self._ground is not None and not self._ground.family.dead and not self.closed:
            assert self._shelf is not None
            kept = self._shelf.newest
            try:
                runner = await self._ground.family.copy(kept.node, keep=False)
            except NoCopy:
                if kept is self._shelf.base:
                    break
                self._shelf.give_up(kept)
            except ReplError:
                await asyncio.wait([self._ground.family.root.gone])
            else:
                if self.closed:
                    runner.process.kill()
                    return None
                self._employ(runner)
                return self._resumed(kept, number)
        if self.closed:
            return None
        await self._leave_ground()
        self._cells = number
        await self._begin()
        return Aftermath(True, _ALL_LOST)

    def _resumed(self, kept: Kept, number: int) -> Aftermath:
        assert self._ground is not None
        assert self._shelf is not None
        before = kept.index
        if number not in kept.indexes:
            kept.indexes.append(number)
        if before >= number:
            return Aftermath(False, "Variables are as they were at its end.")
        if before == number - 1:
            return Aftermath(False, "Variables are as before it.")
        if kept is self._shelf.base and self._ground.fresh:
            return Aftermath(True, _ALL_LOST)
        return Aftermath(False, f"Variables are as they were after cell {before}.")

    # ------------------------------------------------------------ states

    def _keep(self) -> None:
        """See that the state after the last cell is kept, soon."""
        if self.limits.checkpoints and self.without_checkpoints is None:
            self._due = asyncio.get_running_loop().call_later(_CALM, self._begin_to_keep)

    def _begin_to_keep(self) -> None:
        self._put_off()
        self._keeping = asyncio.create_task(self._take(self._cells))

    def _put_off(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    async def _take(self, number: int) -> None:
        assert self._ground is not None
        assert self._shelf is not None
        assert self._weighing is not None
        assert self._runner is not None
        try:
            node = await self._ground.family.copy(self._runner, keep=True)
        except ReplError:
            return  # a state that cannot be kept is not there to go back to; what is lost shows with the next cell
        kept = Kept(node, number)
        for given_up in self._shelf.add(kept):
            given_up.node.discard()
        self._weighing.kept(kept, self._runner)

    async def _kept(self) -> None:
        """Wait until the state after the last cell is kept."""
        if self._due is not None:
            self._begin_to_keep()
        if self._keeping is not None:
            await asyncio.shield(self._keeping)
            self._keeping = None

    async def checkpoint(self, index: int | None) -> Checkpoint:
        """The state after so many cells; the one of now for None."""
        _, kept = await self._found(index)
        if kept is None:
            raise ReplError("the state of now is not kept", remedy="let limits.checkpoints be 1 or more")
        return kept.shown()

    async def rollback(self, index: int) -> None:
        """Go on from the state after so many cells; later ones are given up."""
        async with self._turn:
            await self._ready()
            family = self._copiable()
            assert self._shelf is not None
            runner = await family.copy(self._shelf.at(index).node, keep=False)
            former = self._runner
            for kept in self._shelf.go_back_to(index):
                kept.node.discard()
            if former is not None:
                former.discard()
                await asyncio.wait([former.gone])
            self._cells = index
            self._employ(runner)

    async def branch(self, index: int | None, pipes: tuple[int, int]) -> tuple[Family, Node, int]:
        """A frozen copy of the state after so many cells, with pipes of its own; and how many cells it comes after."""
        source, kept = await self._found(index)
        family = self._copiable()
        number = self._cells if kept is None or index is None else index
        return family, await family.copy(source, keep=True, pipes=pipes), number

    def _copiable(self) -> Family:
        if self._ground is None or self.without_checkpoints is not None:
            raise ReplError("this REPL has no checkpoints", found=self.without_checkpoints)
        return self._ground.family

    async def _found(self, index: int | None) -> tuple[Node, Kept | None]:
        """The process with the state after so many cells, and whether it is kept.

        While a cell runs, the state of now is that before it.
        """
        if self._runner is None or self._runner.cell is None:
            async with self._turn:
                await self._ready()
                self._copiable()
                assert self._shelf is not None
                if index is None and self._cells not in self._shelf.newest.indexes:
                    if self.limits.checkpoints:
                        await self._take(self._cells)
                    if self._cells not in self._shelf.newest.indexes:
                        assert self._runner is not None
                        return self._runner, None
        self._copiable()
        assert self._shelf is not None
        kept = self._shelf.newest if index is None else self._shelf.at(index)
        return kept.node, kept

    # ------------------------------------------------------------ the end

    async def close(self) -> None:
        """End its processes. Safe to call twice; a cell that runs is lost."""
        self.closed = True
        await self._end_all()
        # Also where it never began: a fork has a process from its birth on.
        self._origin.kill()
        await self._origin.end()
        self._calls.close()

    async def _end_all(self) -> None:
        self._put_off()
        if self._runner is not None:
            self._runner.process.kill()
        with contextlib.suppress(ReplError):
            await self._kept()
        await self._leave_ground()

    async def _leave_ground(self) -> None:
        """Give up all processes and states."""
        shelf, self._shelf = self._shelf, None
        if self._weighing is not None:
            self._weighing.stop()
        runner, self._runner = self._runner, None
        capture, self._capture = self._capture, None
        ending = [kept.node for kept in shelf.clear()] if shelf is not None else []
        if runner is not None and (shelf is None or runner is not shelf.base.node):
            ending.append(runner)
        for node in ending:
            node.process.kill()
        if self._ground is not None:
            self._origin.kill()
        alive = [node.gone for node in ending if not node.dead]
        if alive:
            await asyncio.wait(alive)
        if capture is not None:
            capture.end()
            capture.close()
        if self._ground is not None:
            self._ground = None
            await self._origin.end()
