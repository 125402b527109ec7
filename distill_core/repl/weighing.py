"""Seeing that kept states do not hold more memory than they may: weighed where much changed, the oldest given up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from distill_core.repl.node import Node
from distill_core.repl.proportional import Pages, beyond, pages, share
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
        self._pages = Pages(0, 0)
        self._last_touched = 0
        self._task: asyncio.Task[None] | None = None
        _take_note(shelf.base)

    def kept(self, kept: Kept, runner: Node) -> None:
        """One more state is kept, taken from `runner`: begin to look, and to weigh if there is a reason to."""
        pid = runner.process.pid
        now = pages(pid)
        if pid != self._pid:
            self._pid, self._pages, self._last_touched = pid, Pages(0, now.resident), 0
        kept.grown, self._last_touched = now.touched - self._last_touched, now.touched
        kept.pages = Pages(0, now.resident)
        if self._task is None or self._task.done():
            changed = max(now.touched - self._pages.touched, abs(now.resident - self._pages.resident))
            if max(changed, _own_changes(self._shelf)) > _CHANGE:
                self._pages = now
                self._task = asyncio.create_task(self._weigh(runner))

    def stop(self) -> None:
        """Weigh no more."""
        if self._task is not None:
            self._task.cancel()

    async def _weigh(self, runner: Node) -> None:
        while not runner.dead and await self._cost(runner) > (self._limit or 0) and self._limit is not None:
            given_up = self._shelf.give_up_oldest()
            if given_up is None:
                return
            given_up.node.discard()
            await asyncio.wait([given_up.node.gone])

    async def _cost(self, runner: Node) -> int:
        """Bytes that the states hold; measured, or where the system does not tell, estimated from above."""
        states = [kept for kept in self._shelf if kept.node is not runner]
        running = await asyncio.to_thread(share, runner.process.pid)
        shares = [await asyncio.to_thread(share, kept.node.process.pid) for kept in states]
        known = [each for each in shares if each is not None]
        for kept, each in zip(states, shares, strict=True):
            _take_note(kept)
            kept.bytes = kept.grown + kept.pages.touched if each is None else each.proportional
        if running is None or (states and not known):
            return sum(kept.bytes for kept in states[:-1])
        return beyond(running, known)


def _take_note(kept: Kept) -> None:
    """Count what changes from now on."""
    kept.pages, kept.own = pages(kept.node.process.pid), 0


def _own_changes(states: Iterable[Kept]) -> int:
    """Bytes, at most, that these have taken by themselves since note was taken of them.

    Only those are looked at that have run since the last two looks: a frozen process takes nothing.
    """
    changes = 0
    for kept in states:
        if kept.node.stirred:
            now = pages(kept.node.process.pid)
            kept.own = max(0, now.touched - kept.pages.touched, now.resident - kept.pages.resident)
            kept.node.stirred -= kept.node.frozen
        changes += kept.own
    return changes
