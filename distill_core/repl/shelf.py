"""The checkpoints that are kept: found by index, the oldest given up first, the first state never."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from distill_core.errors import ReplError
from distill_core.plurals import count
from distill_core.repl.node import Node
from distill_core.repl.proportional import Pages
from distill_core.repl.values import Checkpoint


class Kept:
    """A frozen process.

    Args:
        node: the process.
        index: how many cells its state comes after.

    `bytes` is what it was last measured to hold, `grown` what was new in it when it was taken, at most. `pages` is what
    it had when note was last taken of that, `own` the bytes that it has taken by itself since, as last looked at.
    """

    def __init__(self, node: Node, index: int) -> None:
        self.node = node
        self.indexes = [index]
        self.bytes = 0
        self.grown = 0
        self.own = 0
        self.pages = Pages(0, 0)
        self.when = datetime.now(UTC)

    @property
    def index(self) -> int:
        """The last of the cells that its state comes after; a cell that was killed leaves the state before it."""
        return self.indexes[-1]

    def shown(self) -> Checkpoint:
        """What is said about it."""
        return Checkpoint(index=self.index, bytes=self.bytes, when=self.when)


class Shelf:
    """Checkpoints in the order in which they were taken.

    Args:
        base: the state at the start.
        limit: how many to keep beside it.
    """

    def __init__(self, base: Kept, limit: int) -> None:
        self.base = base
        self._limit = limit
        self._kept: list[Kept] = []

    def __iter__(self) -> Iterator[Kept]:
        """All that are alive, the oldest first."""
        return iter([kept for kept in (self.base, *self._kept) if not kept.node.dead])

    @property
    def newest(self) -> Kept:
        """The last one that is alive; the base where there is none."""
        alive = list(self)
        return alive[-1] if alive else self.base

    def add(self, kept: Kept) -> list[Kept]:
        """Keep one more; returns those that are given up for it."""
        self._kept = [other for other in self._kept if not other.node.dead]
        self._kept.append(kept)
        surplus = max(0, len(self._kept) - self._limit)
        given_up, self._kept = self._kept[:surplus], self._kept[surplus:]
        return given_up

    def give_up_oldest(self) -> Kept | None:
        """Give up the oldest, but neither the base nor the newest; None where there is no other."""
        return self._kept.pop(0) if len(self._kept) > 1 else None

    def give_up(self, kept: Kept) -> None:
        """Give up one that is of no use."""
        if kept in self._kept:
            self._kept.remove(kept)

    def at(self, index: int) -> Kept:
        """The state after so many cells.

        Raises:
            ReplError: it is not kept.
        """
        for kept in self:
            if index in kept.indexes:
                return kept
        there = ", ".join(str(kept.index) for kept in self)
        raise ReplError(
            f"there is no checkpoint after {count(index, 'cell')}", found=f"kept are those after {there}"
        )

    def go_back_to(self, index: int) -> list[Kept]:
        """Give up all that come after `index`; returns them."""
        later = [kept for kept in self._kept if kept.indexes[0] > index]
        self._kept = [kept for kept in self._kept if kept.indexes[0] <= index]
        for kept in self:
            kept.indexes = [number for number in kept.indexes if number <= index]
        return later

    def clear(self) -> list[Kept]:
        """Give up all but the base; returns them."""
        kept, self._kept = self._kept, []
        return kept
