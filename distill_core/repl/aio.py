"""The REPL on an event loop: a child process that runs cells, and the host that answers its calls."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from keyword import iskeyword
from types import TracebackType
from typing import Any, TypeAlias

from distill_core.errors import ReplError
from distill_core.isolation.launch import Boundary
from distill_core.isolation.levels import obstacle, refused, suffices, to_try
from distill_core.repl.calls import Calls, Primitive, Worker, WorkerBatch
from distill_core.repl.capture import Capture, Written
from distill_core.repl.handover import Context, Handover, shared_memory
from distill_core.repl.process import Child, package_folders
from distill_core.repl.protocol import (
    Answered,
    Begun,
    Done,
    Frame,
    Line,
    Listed,
    PrimitiveRequest,
    Ready,
    WorkerRequest,
    refusal,
    spelled,
)
from distill_core.repl.running import RESTARTED, STOPPED, RunningCell
from distill_core.repl.values import DATA_PACKAGES, CellResult, ReplLimits, StreamName, Variable

OnOutput: TypeAlias = Callable[[StreamName, str], None]

_DIALECTS = ("distill", "rlm")
_RESERVED = frozenset(
    ("context", "query", "worker", "worker_batch", "FINAL", "WorkerError", "PrimitiveError")
)
_LARGE = 1 << 20
_SCRATCH_LOOK = 0.25
"""Seconds between two looks at the scratch folder."""
_LAST_WORDS = 0.05
"""Seconds that a process whose line is closed has for ending by itself, so that its status tells how it ended."""


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
            Landlock, seccomp), "good" (Landlock, seccomp), or "none": the code then has all rights of the caller.
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
        self.limits = limits or ReplLimits()
        self.seed = seed
        self.isolation = "none"
        self.probes: tuple[tuple[str, bool, str], ...] = ()
        self._primitives = dict(primitives or {})
        _check(dialect, self._primitives)
        self._asked, self._levels = isolation, to_try(isolation)
        self._packages = tuple(packages)
        self._context = Context(context)
        self._functions = (worker, worker_batch)
        self._query = spelled(query)
        self._config = {
            "query": self._query,
            "dialects": [dialect] if dialect != "distill" else [],
            "echo": dialect != "rlm" if echo is None else echo,
            "seed": seed,
            "packages": list(packages),
            "package_folders": package_folders(),
            "primitives": [
                {"name": name, "doc": spelled(inspect.getdoc(function) or "")}
                for name, function in self._primitives.items()
            ],
            "output_chars": self.limits.output_chars,
            "final_chars": self.limits.final_chars,
            "frame_bytes": self.limits.frame_bytes,
            "bounds": {
                "memory_bytes": self.limits.memory_bytes,
                "open_files": self.limits.open_files,
                "scratch_bytes": self.limits.scratch_bytes,
            },
        }
        self._turn = asyncio.Lock()
        self._calls: Calls | None = None
        self._session: _Session | None = None
        self._cells = 0
        self._closed = False

    async def __aenter__(self) -> AsyncREPL:
        async with self._turn:
            await self._ready()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def execute(
        self, code: str, timeout: float | None = None, on_output: OnOutput | None = None
    ) -> CellResult:
        """Run a cell to its end.

        Args:
            code: its source.
            timeout: seconds of active time, in the place of `limits.cell_seconds`.
            on_output: gets (stream, text) while the cell runs, on the loop.

        Raises:
            ReplError: the REPL is closed, or its process cannot be started again.
        """
        async with self._turn:
            lost = self._session is not None and self._session.dead
            session, cell, written = await self._run(code, timeout, on_output, lost)
            if not cell.begun and not cell.stopping_asked and session.dead and not self._closed:
                lost = True
                session, cell, written = await self._run(code, timeout, on_output, lost)
            again = session.dead and not self._closed
            if again:
                await self._ready()
            result = cell.result(restarted=again or lost)
            if (error := cell.fault or written.failure) is not None:
                raise error
            return result

    async def _run(
        self, code: str, timeout: float | None, on_output: OnOutput | None, lost: bool
    ) -> tuple[_Session, RunningCell, Written]:
        """Run a cell in the process there is; `lost` says whether it is a new one."""
        session = await self._ready()
        self._cells += 1
        written = Written(self.limits.output_chars, on_output)
        if lost:
            written.add("stderr", f"[The process was lost after the last cell. {RESTARTED}]\n")
        seconds = self.limits.cell_seconds if timeout is None else timeout
        cell = session.start(self._cells, code, self._query, seconds, written)
        try:
            await self._end_of(cell)
        finally:
            session.cell = None
        return session, cell, written

    async def _end_of(self, cell: RunningCell) -> None:
        try:
            await asyncio.shield(cell.over)
        except asyncio.CancelledError:
            cell.stop("interrupted")
            await cell.over
            raise

    def ask(self, query: str) -> None:
        """Make `query` the question that the cells find from the next one on."""
        self._query = self._config["query"] = spelled(query)

    @property
    def pid(self) -> int | None:
        """The process that runs the cells, as this side counts; None while there is none."""
        return None if self._session is None else self._session.pid

    async def variables(self) -> tuple[Variable, ...]:
        """The variables that the cells have made, a thousand at most. Leaves no mark.

        Raises:
            ReplError: the REPL is closed or its process was lost.
        """
        async with self._turn:
            return await (await self._ready()).variables()

    def interrupt(self) -> None:
        """Ask the running cell to stop; it is killed if it does not. From the loop's thread only."""
        if self._session is not None and self._session.cell is not None:
            self._session.cell.stop("interrupted")

    async def close(self) -> None:
        """End the process. Safe to call twice; a cell that runs is lost."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        if self._calls is not None:
            self._calls.close()

    async def _ready(self) -> _Session:
        """The living process; a new one where there is none."""
        if self._closed:
            raise ReplError("this REPL is closed", remedy="make a new one")
        if self._session is not None and self._session.dead:
            await self._session.close()
            self._session = None
        if self._session is None:
            self._session = session = await self._isolated()
            if self._closed:
                await session.close()
                raise ReplError("this REPL was closed while its process started")
        return self._session

    async def _isolated(self) -> _Session:
        """A process at the first level that it proves."""
        if self._calls is None:
            self._calls = Calls(*self._functions, self._primitives, self.limits.concurrency)
        reasons: list[str] = []
        for level in self._levels:
            if (reason := obstacle(level)) is None:
                session = _Session(self._calls, self.limits)
                try:
                    ready = await session.open(self._context, self._config, self.seed, self._boundary(level))
                except ReplError as error:
                    await session.close()
                    if self._asked == level == "none":
                        raise
                    reason = str(error)
                except BaseException:
                    await session.close()
                    raise
                else:
                    if suffices(self._asked, level, ready.level):
                        self.isolation, self.probes = ready.level, tuple(ready.probes)
                        self._levels = (level,)
                        return session
                    await session.close()
                    reason = ready.problem or _open_doors(ready)
            reasons.append(f"{level}: {reason}")
        raise refused(self._asked, reasons)

    def _boundary(self, level: str) -> Boundary:
        return Boundary(
            level=level,
            packages=self._packages,
            folders=tuple(package_folders()),
            threads=self.limits.threads,
            memory_bytes=self.limits.memory_bytes,
            scratch_bytes=self.limits.scratch_bytes,
        )


class _Session:
    """One life of the child, from its start to its end."""

    def __init__(self, calls: Calls, limits: ReplLimits) -> None:
        self.cell: RunningCell | None = None
        self.dead = False
        self._calls = calls
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._expected: asyncio.Future[Any] | None = None
        self._child: Child | None = None
        self._line: Line
        self._capture: Capture
        self._watcher: asyncio.Task[None] | None = None
        self._violation: str | None = None
        self._begun = False
        self._housekeeping: asyncio.Task[None] | None = None

    async def open(self, context: Context, config: dict[str, Any], seed: int, boundary: Boundary) -> Ready:
        """Start the child behind a boundary and give it everything; returns what it found out about itself."""
        document = shared_memory()
        try:
            child = self._child = Child(seed, document, boundary)
            self._capture = Capture(child.out, child.err)
            self._line = Line(self._limits.frame_bytes, self._on_frame, self._on_violation)
            await self._loop.create_unix_connection(lambda: self._line, sock=child.socket)
            self._watcher = self._loop.create_task(self._watch(child))
            handed = await self._write(context, document)
            message = {"fd": document, "kind": handed.kind, "chars": handed.chars, "widest": handed.widest}
            orders = boundary.orders(child.scratch, child.witness)
            self._line.send({**config, "document": message, "isolation": orders})
            ready = await asyncio.wait_for(self._expect(), self._limits.start_seconds)
            child.settle()
        except TimeoutError as error:
            raise ReplError(
                "the REPL's process did not get ready",
                found=f"nothing within {self._limits.start_seconds:g} s",
            ) from error
        except OSError as error:
            raise ReplError("the REPL's process cannot be started", found=str(error)) from error
        finally:
            os.close(document)
        if not isinstance(ready, Ready):
            raise ReplError("the REPL's process broke its protocol", found=type(ready).__name__)
        self._begun = True
        self._housekeeping = self._loop.create_task(self._keep_house(child))
        return ready

    @property
    def pid(self) -> int | None:
        """The child, None once it is gone."""
        return None if self.dead or self._child is None else self._child.pid

    async def _write(self, context: Context, document: int) -> Handover:
        if context.size > _LARGE:
            return await asyncio.to_thread(context.write, document)
        return context.write(document)

    def start(
        self, number: int, code: str, query: str, seconds: float | None, written: Written
    ) -> RunningCell:
        """Let the child run a cell."""
        assert self._child is not None
        self.cell = RunningCell(number, self._limits, seconds, written, self._child)
        self._capture.begin(written)
        # The question goes with every cell, so that a child which was brought back to an earlier state knows it too.
        self._line.send({"op": "execute", "cell": number, "code": spelled(code), "query": query})
        return self.cell

    async def variables(self) -> tuple[Variable, ...]:
        """Ask the child between cells."""
        self._line.send({"op": "variables"})
        return tuple(await self._expect())

    async def close(self) -> None:
        """Kill the child, wait until it is gone, give back everything."""
        if self._child is not None:
            self._child.kill()
        if self._watcher is not None:
            await self._watcher
        elif self._child is not None:
            await self._child.ended()
            self._child.release()
        self._child = None

    def _expect(self) -> asyncio.Future[Any]:
        self._expected = self._loop.create_future()
        if self.dead:
            self._fail_expected("it is gone")
        return self._expected

    def _fail_expected(self, why: str) -> None:
        if self._expected is not None and not self._expected.done():
            self._expected.set_exception(ReplError("the REPL's process was lost", found=why))

    def _meet_expected(self, value: Any) -> None:
        if self._expected is None or self._expected.done():
            raise ReplError("the REPL's process broke its protocol", found="an answer to no question")
        self._expected.set_result(value)

    def _on_frame(self, frame: Frame) -> None:
        cell = self.cell
        if isinstance(frame, Ready):
            self._meet_expected(frame)
        elif isinstance(frame, Listed):
            self._meet_expected(frame.variables)
        elif isinstance(frame, WorkerRequest | PrimitiveRequest):
            self._on_call(frame)
        elif cell is None or cell.over.done():
            raise ReplError("the REPL's process broke its protocol", found="a result where no cell runs")
        elif isinstance(frame, Answered):
            cell.answered(frame)
        elif isinstance(frame, Begun):
            cell.begin(frame.cell)
        else:
            self._on_done(cell, frame)

    def _on_call(self, request: WorkerRequest | PrimitiveRequest) -> None:
        cell = self.cell
        if cell is None or cell.stopping:
            self._line.send(refusal(request, STOPPED))
            return
        self._capture.drain()
        if (why := cell.objection(request)) is not None:
            self._line.send(refusal(request, why))
        elif isinstance(request, PrimitiveRequest):
            cell.serve(request, lambda: self._calls.perform(request), self._line.send)
        else:
            cell.serve(request, lambda: self._calls.ask(request, cell.calls), self._line.send)

    def _on_done(self, cell: RunningCell, done: Done) -> None:
        self._capture.end()
        cell.finish(done)

    def _on_violation(self, error: ReplError) -> None:
        self._violation = str(error)
        if self._child is not None:
            self._child.kill()

    async def _watch(self, child: Child) -> None:
        """See the child's end, whatever brought it about, and clear up behind it."""
        lost = self._loop.create_task(self._closed_line())
        status = await child.ended()
        await lost
        self.dead = True
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        self._capture.end()
        self._capture.close()
        why = self._violation or _cause(status)
        if not self._begun and (complaint := child.complaint()):
            why = f"{why}: {complaint}"
        if self.cell is not None:
            self.cell.lose(why)
        self._fail_expected(why)
        child.kill()
        child.release()

    async def _keep_house(self, child: Child) -> None:
        """See that the scratch folder stays small, where the kernel does not."""
        while child.fills_the_disk:
            await asyncio.sleep(_SCRATCH_LOOK)
            if await asyncio.to_thread(child.overfull):
                self._on_violation(ReplError("it put more into its scratch folder than that may hold"))
                return

    async def _closed_line(self) -> None:
        """A child that closed its line cannot be reached any more: it goes."""
        await self._line.closed
        await asyncio.sleep(_LAST_WORDS)
        if self._child is not None:
            self._child.kill()


def _cause(status: int) -> str:
    if status >= 0:
        return f"its process ended with status {status}"
    try:
        return f"its process was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"its process was ended by signal {-status}"


def _open_doors(ready: Ready) -> str:
    """What a process that proved too little could do."""
    found = ", ".join(f"{name} ({detail})" for name, shut, detail in ready.probes if not shut)
    return f"the process could still {found}"


def _check(dialect: str, names: Iterable[str]) -> None:
    if dialect not in _DIALECTS:
        raise ReplError(f"unknown dialect {dialect!r}", remedy=f"use one of {', '.join(_DIALECTS)}")
    for name in names:
        if not name.isidentifier() or iskeyword(name) or name in _RESERVED:
            raise ReplError(f"a primitive cannot be called {name!r}", remedy="choose another name")
