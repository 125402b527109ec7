"""A look into the REPL that leaves no mark: its variables, and code tried on a copy that is thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from distill_core.budget import Ledger
from distill_core.errors import DistillError, ReplError
from distill_core.repl import AsyncREPL, CellResult, Variable

T = TypeVar("T")


class Probe:
    """A throw-away copy of a session's REPL, as it is between two cells; while one runs: as it was before it.

    What is tried goes on from what was tried before, up to `close`. No worker is asked and no function of the host is
    called: that would cost, or do, what is on no record. Methods may be called from any thread.

    Args:
        repl: the session's.
        copy: of it; None where none can be had, and `why`.
    """

    def __init__(self, repl: AsyncREPL, copy: AsyncREPL | None, why: str = "") -> None:
        self.why = why
        self._loop = asyncio.get_running_loop()
        self._repl = repl
        self._copy = copy

    def variables(self) -> Future[tuple[Variable, ...]]:
        """The variables there are; without a copy those of the session's REPL, once no cell runs."""
        return self._soon((self._copy or self._repl).variables())

    def run(self, code: str) -> Future[CellResult]:
        """Run `code` on the copy. The future raises a DistillError where there is none."""
        return self._soon(self._run(code))

    def interrupt(self) -> None:
        """Stop what runs on the copy."""
        if self._copy is not None:
            self._loop.call_soon_threadsafe(self._copy.interrupt)

    def close(self) -> Future[None]:
        """Throw the copy away."""
        return self._soon(self._close())

    async def _run(self, code: str) -> CellResult:
        if self._copy is None:
            raise DistillError("nothing can be tried here", found=self.why)
        return await self._copy.execute(code)

    async def _close(self) -> None:
        if self._copy is not None:
            await self._copy.close()

    def _soon(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            # The loop is closed: the session has ended, and its REPL took the copy along.
            work.close()
            ended: Future[T] = Future()
            ended.set_exception(DistillError("the session has ended"))
            return ended


async def probe(repl: AsyncREPL, ledger: Ledger) -> Probe:
    """A probe of `repl`. On the loop that it runs on."""
    try:
        copy = await repl.fork(
            worker=_no_worker, primitives={"budget": lambda: ledger.remaining()}, limits=repl.limits
        )
    except ReplError as error:
        return Probe(repl, None, str(error))
    return Probe(repl, copy)


async def _no_worker(prompt: str) -> str:
    raise DistillError("no worker is asked from here: its reply would be paid for and be on no record")
