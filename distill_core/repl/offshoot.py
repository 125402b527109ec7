"""A second REPL that grows out of a state of the first: of the same family, with calls and limits of its own."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from distill_core.errors import ReplError
from distill_core.repl.node import Node
from distill_core.repl.process import owned, roomy_pipe
from distill_core.repl.start import check_names, settings
from distill_core.repl.timeline import Functions, Ground, Timeline
from distill_core.repl.values import ReplLimits


class Offshoot:
    """Where a fork begins. It is there once: with the family, or with its first process, it is gone for good."""

    def __init__(self, ground: Ground, pipes: ExitStack) -> None:
        self._ground = ground
        self._pipes = pipes
        self._begun = False

    async def begin(self) -> Ground:
        """The ground.

        Raises:
            ReplError: it is lost.
        """
        if self._begun or self._ground.base.dead:
            raise ReplError("the state that this REPL was forked from is gone", remedy="fork it again")
        self._begun = True
        return self._ground

    def kill(self) -> None:
        """End the first process; the family is another's."""
        if not self._ground.base.dead:
            self._ground.base.process.kill()

    async def end(self) -> None:
        """Give back the pipes."""
        base: Node = self._ground.base
        if not base.dead:
            await asyncio.wait([base.gone])
        self._pipes.close()


async def forked(source: Timeline, index: int | None, functions: Functions, limits: ReplLimits) -> Timeline:
    """A timeline of its own from the state of another after so many cells.

    Args:
        source: the other.
        index: how many cells; None for the state of now.
        functions: what answers calls.
        limits: bounds of its cells; those of memory, files and threads stay the other's.

    Raises:
        ReplError: that state is not kept, or no copy of it can be made.
    """
    check_names(functions.primitives)
    with ExitStack() as ours, ExitStack() as theirs:
        try:
            out, their_out = owned(roomy_pipe(), ours, theirs)
            err, their_err = owned(roomy_pipe(), ours, theirs)
        except OSError as error:
            raise ReplError("the REPL cannot be forked", found=str(error)) from error
        family, base, cells = await source.branch(index, (their_out, their_err))
        try:
            await base.connect()
            base.tell({"op": "configure", **settings(limits, functions.primitives)})
        except BaseException:
            base.process.kill()  # nobody waits for this fork any more
            raise
        ground = Ground(family, base, out, err, fresh=False)
        return Timeline(Offshoot(ground, ours.pop_all()), functions, limits, source.query, cells)
