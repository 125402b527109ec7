"""The REPL for code without an event loop: the same, run on a loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

from distill_core.errors import ReplError
from distill_core.repl.aio import AsyncREPL
from distill_core.repl.calls import Primitive, Worker, WorkerBatch
from distill_core.repl.timeline import OnOutput
from distill_core.repl.values import DATA_PACKAGES, CellResult, Checkpoint, ReplLimits, Variable

T = TypeVar("T")


class REPL:
    """A persistent Python interpreter in a process of its own. Arguments as for `AsyncREPL`.

    Works anywhere: in a thread, and inside somebody else's running event loop, which it then blocks. Starts on
    entering, or with the first cell. The worker's and primitives' functions are called in other threads.
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
        self._repl = AsyncREPL(
            context,
            query,
            worker=worker,
            worker_batch=worker_batch,
            primitives=primitives,
            limits=limits,
            isolation=isolation,
            dialect=dialect,
            echo=echo,
            seed=seed,
            packages=packages,
        )
        self._turner: _Turner = _Turner()
        self._closed = False

    @classmethod
    def _over(cls, repl: AsyncREPL, turner: _Turner) -> REPL:
        """A REPL over another that there is already, on its loop."""
        made = cls.__new__(cls)
        made._repl, made._turner, made._closed = repl, turner, False
        return made

    @property
    def limits(self) -> ReplLimits:
        """The bounds of every cell."""
        return self._repl.limits

    @property
    def seed(self) -> int:
        """What seeded `random` and the order of sets."""
        return self._repl.seed

    @property
    def isolation(self) -> str:
        """The level of isolation that the process is at."""
        return self._repl.isolation

    @property
    def pid(self) -> int | None:
        """The process that runs the cells; see `AsyncREPL.pid`."""
        return self._repl.pid

    @property
    def probes(self) -> tuple[tuple[str, bool, str], ...]:
        """What the process tried when it had locked itself down: (name, whether it was shut, how that showed)."""
        return self._repl.probes

    def __enter__(self) -> REPL:
        try:
            self._run(self._repl.__aenter__)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def execute(
        self, code: str, timeout: float | None = None, on_output: OnOutput | None = None
    ) -> CellResult:
        """Run a cell to its end; see `AsyncREPL.execute`. `on_output` is called in another thread."""
        return self._run(lambda: self._repl.execute(code, timeout, on_output))

    def variables(self) -> tuple[Variable, ...]:
        """The variables that the cells have made; see `AsyncREPL.variables`."""
        return self._run(self._repl.variables)

    def interrupt(self) -> None:
        """Ask the running cell to stop. From any thread."""
        if not self._closed:
            self._turner.call(self._repl.interrupt)

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The states that can be gone back to; see `AsyncREPL.checkpoints`."""
        return self._repl.checkpoints

    @property
    def without_checkpoints(self) -> str | None:
        """Why there are no checkpoints; None where there are."""
        return self._repl.without_checkpoints

    def checkpoint(self, k: int | None = None) -> Checkpoint:
        """The state after `k` cells, or that of now; see `AsyncREPL.checkpoint`."""
        return self._run(lambda: self._repl.checkpoint(k))

    def rollback(self, k: int) -> None:
        """Go back to the state after `k` cells; see `AsyncREPL.rollback`."""
        self._run(lambda: self._repl.rollback(k))

    def fork(
        self,
        k: int | None = None,
        *,
        worker: Worker | None = None,
        worker_batch: WorkerBatch | None = None,
        primitives: Mapping[str, Primitive] | None = None,
        limits: ReplLimits | None = None,
    ) -> REPL:
        """A second REPL with the variables after `k` cells; see `AsyncREPL.fork`."""
        repl = self._run(
            lambda: self._repl.fork(
                k, worker=worker, worker_batch=worker_batch, primitives=primitives, limits=limits
            )
        )
        self._turner.users += 1
        return self._over(repl, self._turner)

    def close(self) -> None:
        """End the process. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._turner.close(self._repl.close)

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._closed:
            raise ReplError("this REPL is closed", remedy="make a new one")
        return self._turner.run(work)


class _Turner:
    """An event loop in a thread of its own, from its first use until its last user is done."""

    def __init__(self) -> None:
        self.users = 1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work` to its end."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="repl", daemon=True)
            self._thread.start()
        future = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def call(self, function: Callable[[], None]) -> None:
        """Have a function called there."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(function)

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """A user is done, `last` being its last work."""
        if self._loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(last(), self._loop).result()
        self.users -= 1
        if not self.users:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
