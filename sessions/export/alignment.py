"""Where a span of a text is after the text was changed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from difflib import SequenceMatcher

import msgspec


class Kept(msgspec.Struct, frozen=True):
    """Characters `start` to `end` (excluded) of the old text, which stand at `to` in the new one.

    With a `size`, that many other characters stand in their place, and belong to any span that touches them.
    """

    start: int
    end: int
    to: int
    size: int | None = None

    def first(self, place: int) -> int:
        """Where a span goes that begins at `place`, which is in or before the piece."""
        return self.to if self.size is not None else self.to + max(0, place - self.start)

    def last(self, place: int) -> int:
        """Where a span goes that ends at `place` (excluded), which is in or behind the piece."""
        return self.to + (min(place, self.end) - self.start if self.size is None else self.size)


class Alignment:
    """Which pieces of a text were kept in the next one, in order."""

    def __init__(self, pieces: Sequence[Kept]) -> None:
        self._pieces = [piece for piece in pieces if piece.end > piece.start]
        self._starts = [piece.start for piece in self._pieces]

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """The span of the new text that holds what is left of the old one's; None where nothing is left."""
        first = self._at_or_after(start)
        last = self._before(end)
        if first is None or last is None or first >= last:
            return None
        return first, last

    def _at_or_after(self, place: int) -> int | None:
        index = max(0, bisect_right(self._starts, place) - 1)
        for piece in self._pieces[index:]:
            if place < piece.end:
                return piece.first(place)
        return None

    def _before(self, place: int) -> int | None:
        index = bisect_right(self._starts, place - 1) - 1
        if index < 0:
            return None
        return self._pieces[index].last(place)


def same(text: str) -> Alignment:
    """The alignment of a text that did not change."""
    return Alignment([Kept(0, len(text), 0)])


def by_lines(old: str, new: str) -> Alignment:
    """The alignment of a text and its revision, in which whole lines were kept."""
    if old == new:
        return same(old)
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    starts, places = _starts(before), _starts(after)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return Alignment(
        [Kept(starts[i], starts[i + n], places[j]) for i, j, n in matcher.get_matching_blocks() if n]
    )


def _starts(lines: Sequence[str]) -> list[int]:
    at = [0]
    for line in lines:
        at.append(at[-1] + len(line))
    return at
