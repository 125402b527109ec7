"""Seeing that kept states do not hold more memory than they may: weighed where much changed, the oldest given up."""

from __future__ import annotations

import asyncio

from distill_core.repl.node import Node
from distill_core.repl.proportional import beyond, resident, share, touched
from distill_core.repl.shelf import Kept, Shelf

_CHANGE = 64 << 20
"""Bytes that must have changed since the last look for another one, which itself takes time."""


class Weighing:
    """Weighs a shelf now and then.

    A state costs what the running process changes after it. It can also take memory by itself, though it is frozen:
    in the moments in which it is made, or copied.

    Args:
        shelf: the states.
        limit: bytes that they may hold beyond what the running process has; None for any.
    """

    def __init__(self, shelf: Shelf, limit: int | None) -> None:
        self._shelf = shelf
        self._limit = limit
        self._pid = 0
        self._touched = self._resident = 0
        self._last_touched = 0
        self._task: asyncio.Task[None] | None = None
        _take_note(shelf.base)

    def kept(self, kept: Kept, runner: Node) -> None:
        """One more state is kept, taken from `runner`: begin to look, and to weigh if there is a reason to."""
        pid = runner.process.pid
        now, size = touched(pid), resident(pid)
        if pid != self._pid:
            self._pid, self._touched, self._resident, self._last_touched = pid, 0, size, 0
        kept.grown, self._last_touched = now - self._last_touched, now
        kept.resident = size
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(runner, now, size))

    def stop(self) -> None:
        """Weigh no more."""
        if self._task is not None:
            self._task.cancel()

    async def _look(self, runner: Node, now: int, size: int) -> None:
        changed = max(now - self._touched, abs(size - self._resident))
        if max(changed, await asyncio.to_thread(_own_changes, list(self._shelf))) > _CHANGE:
            self._touched, self._resident = now, size
            await self._weigh(runner)

    async def _weigh(self, runner: Node) -> None:
        while not runner.dead and await self._cost(runner) > (self._limit or 0) and self._limit is not None:
            given_up = self._shelf.give_up_oldest()
            if given_up is None:
                return
            given_up.node.process.kill()
            await asyncio.wait([given_up.node.gone])

    async def _cost(self, runner: Node) -> int:
        """Bytes that the states hold; measured, or where the system does not tell, estimated from above."""
        states = [kept for kept in self._shelf if kept.node is not runner]
        running = await asyncio.to_thread(share, runner.process.pid)
        shares = [await asyncio.to_thread(share, kept.node.process.pid) for kept in states]
        known = [each for each in shares if each is not None]
        for kept, each in zip(states, shares, strict=True):
            _take_note(kept)
            kept.bytes = kept.grown + kept.touched if each is None else each.proportional
        if running is None or (states and not known):
            return sum(kept.bytes for kept in states[:-1])
        return beyond(running, known)


def _take_note(kept: Kept) -> None:
    """Count what changes from now on."""
    pid = kept.node.process.pid
    kept.touched, kept.resident = touched(pid), resident(pid)


def _own_changes(states: list[Kept]) -> int:
    """Bytes, at most, that these have taken by themselves since note was taken of them."""
    changes = 0
    for kept in states:
        pid = kept.node.process.pid
        changes += max(0, touched(pid) - kept.touched, resident(pid) - kept.resident)
    return changes
