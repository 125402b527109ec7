"""A transcript: blocks of lines in order, wrapped to a width, found by key. Grows cheaply at its end.

Laying out thousands of blocks takes seconds. So those of a long transcript may wait: what is looked at is laid out at
once, the rest by and by, from there outwards. A block that waits has no rows yet.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from tui.lines import Line

K = TypeVar("K", bound=Hashable)
Wrap: TypeAlias = Callable[[Line, int], list[Line]]

MOST_LINES, KEPT_HEAD, KEPT_TAIL = 20_000, 2_000, 8_000
"""A block over so many lines keeps its head and its tail on the screen; the log has all of it."""


class _Block:
    __slots__ = ("folded", "last", "lines", "rows")

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.rows: list[Line] = []
        self.last = 0
        self.folded = 0


_UNMADE = _Block()
"""Stands in the place of every block whose lines are still to be made; has no rows."""


class Transcript:
    """Lines as rows of a pane.

    Args:
        wrap: lays one line out in a width.
        at_once: blocks around what is looked at that never wait; the others do, until `catch_up`. None: none waits.
    """

    def __init__(self, wrap: Wrap, at_once: int | None = None) -> None:
        self._wrap = wrap
        self._at_once = at_once
        self._width = 80
        self._asked = False
        self._blocks: list[_Block] = []
        self._keys: list[Hashable] = []
        self._index: dict[Hashable, int] = {}
        self._starts: list[int] = []
        self._dirty = 0
        self._waiting: set[int] = set()
        self._make: dict[int, Callable[[Any], Sequence[Line]]] = {}
        self._looked: int | None = None

    def set(self, key: Hashable, lines: Sequence[Line]) -> None:
        """Put `lines` into the block `key`, which is added at the end if there is none yet."""
        self._block(key)
        self._fill(self._index[key], lines)

    def set_all(self, keys: Sequence[K], make: Callable[[K], Sequence[Line]]) -> None:
        """Put the lines that `make` gives for a key into its block.

        Where there are more keys than are laid out at once, `make` is called when the turn of each has come.
        """
        if self._at_once is None or len(keys) <= self._at_once:
            for key in keys:
                self.set(key, make(key))
            return
        new = [key for key in keys if key not in self._index]
        first = len(self._blocks)
        self._index.update(zip(new, range(first, first + len(new)), strict=True))
        self._keys += new
        self._blocks += [_UNMADE] * len(new)
        for key in keys:
            at = self._index[key]
            self._blocks[at] = _UNMADE
            self._make[at] = make
        self._waiting.update(self._make)
        self._dirty = min(self._dirty, self._index[keys[0]], first)
        self._begin()

    def draw(self, key: Hashable) -> None:
        """Lay the block `key` out now, if it waits."""
        at = self._index.get(key)
        if at in self._waiting:
            self._draw(at)

    @property
    def behind(self) -> bool:
        """Whether blocks wait."""
        return bool(self._waiting)

    def catch_up(self, seconds: float) -> None:
        """Lay out blocks that wait, for about so many seconds, those next to what is looked at first."""
        until = time.monotonic() + seconds
        for at in self._outwards():
            self._draw(at)
            if time.monotonic() >= until:
                break

    def _begin(self) -> None:
        """Lay out the blocks that never wait; none before it is known how wide."""
        if not self._asked:
            return
        for at, _ in zip(self._outwards(), range(self._at_once or 0), strict=False):
            self._draw(at)

    def extend(self, key: Hashable, replaced: int, lines: Sequence[Line]) -> None:
        """Put `lines` at the end of block `key`, in the place of its last one if `replaced`."""
        self.draw(key)
        block = self._block(key)
        if replaced:
            block.lines.pop()
            del block.rows[len(block.rows) - block.last :]
            block.last = 0
        for line in lines:
            rows = self._wrap(line, self._width)
            block.rows += rows
            block.last = len(rows)
        block.lines += lines
        if len(block.lines) > MOST_LINES:
            self._fold(block)

    def clear(self) -> None:
        """Forget everything."""
        self._blocks.clear()
        self._keys.clear()
        self._index.clear()
        self._starts.clear()
        self._waiting.clear()
        self._make.clear()
        self._looked = None
        self._dirty = 0

    def height(self, width: int) -> int:
        """Rows in all at `width`."""
        first, self._asked = not self._asked, True
        if width != self._width:
            self._width = width
            self._lay_out_all()
        elif first:
            self._begin()
        self._place()
        return self._starts[-1] + len(self._blocks[-1].rows) if self._blocks else 0

    def row(self, y: int) -> Line:
        """Row `y` from the top, at the width that `height` was last asked for; blank beyond the end."""
        self._place()
        at = bisect_right(self._starts, y) - 1
        if at < 0:
            return ()
        self._looked = at if y else 0
        rows = self._blocks[at].rows
        place = y - self._starts[at]
        return rows[place] if place < len(rows) else ()

    def span(self, key: Hashable) -> tuple[int, int] | None:
        """First row of block `key`, and how many it has."""
        at = self._index.get(key)
        if at is None:
            return None
        self._place()
        return self._starts[at], len(self._blocks[at].rows)

    def key_at(self, y: int) -> Hashable | None:
        """The block that row `y` belongs to."""
        at = self.index_at(y)
        return None if at is None else self._keys[at]

    def keys(self) -> list[Hashable]:
        """The keys of the blocks in order."""
        return list(self._keys)

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return len(self._keys)

    def key(self, index: int) -> Hashable:
        """The key of block number `index`."""
        return self._keys[index]

    def index_at(self, y: int) -> int | None:
        """The number of the block that row `y` belongs to."""
        self._place()
        at = bisect_right(self._starts, y) - 1
        return at if 0 <= at < len(self._keys) else None

    def _block(self, key: Hashable) -> _Block:
        at = self._index.get(key)
        if at is None:
            at = self._index[key] = len(self._blocks)
            self._blocks.append(_Block())
            self._keys.append(key)
        if at < self._dirty:
            self._dirty = at
        return self._blocks[at]

    def _outwards(self) -> Iterator[int]:
        """The blocks that wait, beginning with those next to the one last looked at, or with the last."""
        if not self._waiting:
            return
        end = len(self._blocks)
        before = above = end - 1 if self._looked is None else min(self._looked, end - 1)
        while above >= 0 or before + 1 < end:
            if above >= 0:
                if above in self._waiting:
                    yield above
                above -= 1
            if before + 1 < end:
                before += 1
                if before in self._waiting:
                    yield before

    def _draw(self, at: int) -> None:
        self._dirty = min(self._dirty, at)
        make = self._make.get(at)
        if make is not None:
            self._fill(at, make(self._keys[at]))
        else:
            self._waiting.discard(at)
            self._lay_out(self._blocks[at])

    def _fill(self, at: int, lines: Sequence[Line]) -> None:
        self._waiting.discard(at)
        self._make.pop(at, None)
        block = self._blocks[at] = _Block()
        block.lines = list(lines)
        if len(block.lines) > MOST_LINES:
            self._fold(block)
        else:
            self._lay_out(block)

    def _lay_out_all(self) -> None:
        self._dirty = 0
        if self._at_once is None or len(self._blocks) <= self._at_once:
            for at in range(len(self._blocks)):
                self._draw(at)
            return
        for block in self._blocks:
            block.rows, block.last = [], 0
        self._waiting = set(range(len(self._blocks)))
        self._begin()

    def _lay_out(self, block: _Block) -> None:
        block.rows = []
        block.last = 0
        for line in block.lines:
            rows = self._wrap(line, self._width)
            block.rows += rows
            block.last = len(rows)

    def _fold(self, block: _Block) -> None:
        cut = len(block.lines) - KEPT_HEAD - KEPT_TAIL
        note_before = 1 if block.folded else 0
        block.folded += cut - note_before
        note: Line = ((f"… {block.folded:,} lines not shown, whole in the log …", "warn"),)
        block.lines[KEPT_HEAD : KEPT_HEAD + cut] = [note]
        self._lay_out(block)

    def _place(self) -> None:
        """Bring the first rows of the blocks up to date, from the first that changed."""
        if self._dirty >= len(self._blocks):
            return
        del self._starts[self._dirty :]
        for at in range(self._dirty, len(self._blocks)):
            before = self._starts[-1] + len(self._blocks[at - 1].rows) if at else 0
            self._starts.append(before)
        self._dirty = len(self._blocks)
