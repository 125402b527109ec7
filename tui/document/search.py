"""Searching a long text a slice of time at a time, so that nothing waits for it.

Case counts only where the words have capitals; white space in them stands for any white space, line breaks included.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from typing import NamedTuple

CHUNK = 1 << 18
"""Characters searched at a time."""

OVERLAP = 400
"""Characters beyond a chunk in which a match that begins in it may end, at least; longer words add their length."""

MOST = 100_000
"""Matches that are counted; beyond, only the next one is looked for."""


class Match(NamedTuple):
    """A passage: its first character and the one behind its last."""

    start: int
    end: int


class Search:
    """The passages of `text` that read as `words`."""

    def __init__(self, text: str, words: str) -> None:
        self.words = words
        parts = words.split()
        self._text = text
        self._folds = words == words.lower()
        self._pattern = re.compile(r"\s+".join(map(re.escape, parts)))
        self._overlap = OVERLAP + 2 * len(words)
        self._chunks = -(-len(text) // CHUNK) if parts else 0
        self._found: dict[int, list[Match]] = {}
        self._next = 0
        self.count = 0

    @property
    def complete(self) -> bool:
        """Whether all of the text has been searched, or enough."""
        return self._next >= self._chunks or self.count >= MOST

    def work(self, seconds: float) -> bool:
        """Search for about so long; whether there is more to do."""
        until = time.monotonic() + seconds
        while not self.complete and time.monotonic() < until:
            self._chunk(self._next)
            self._next += 1
        return not self.complete

    def after(self, offset: int, seconds: float) -> Match | None:
        """The first match that begins at `offset` or later, else the first of all; None if there is none, or none was
        seen in about so many seconds."""
        return self._seek(offset, seconds, forwards=True)

    def before(self, offset: int, seconds: float) -> Match | None:
        """The last match that begins before `offset`, else the last of all."""
        return self._seek(offset, seconds, forwards=False)

    def between(self, start: int, end: int) -> list[Match]:
        """The matches that touch `start` to `end`."""
        found: list[Match] = []
        first = max(0, start - self._overlap) // CHUNK
        for chunk in range(first, min(self._chunks, end // CHUNK + 1)):
            found += [match for match in self._chunk(chunk) if match.start < end and match.end > start]
        return found

    def place(self, match: Match) -> int:
        """The number of a match from 1, as far as the text has been searched; 0 where that is not far enough."""
        chunk = match.start // CHUNK
        if chunk >= self._next:
            return 0
        before = sum(len(self._found[at]) for at in range(chunk))
        return before + bisect_left(self._found[chunk], match) + 1

    def _seek(self, offset: int, seconds: float, *, forwards: bool) -> Match | None:
        until = time.monotonic() + seconds
        first = min(max(offset, 0) // CHUNK, max(self._chunks - 1, 0))
        for step in range(self._chunks + 1):
            chunk = (first + (step if forwards else -step)) % max(1, self._chunks)
            matches = self._chunk(chunk) if self._chunks else []
            if step == 0:
                matches = [m for m in matches if (m.start >= offset) == forwards]
            if matches:
                return matches[0 if forwards else -1]
            if time.monotonic() >= until:
                break
        return None

    def _chunk(self, chunk: int) -> list[Match]:
        """The matches that begin in a chunk."""
        known = self._found.get(chunk)
        if known is not None:
            return known
        start = chunk * CHUNK
        piece = self._text[start : start + CHUNK + self._overlap]
        if self._folds:
            low = piece.lower()
            # One character has a lower case of two; there it is looked for as it stands.
            piece = low if len(low) == len(piece) else piece
        found = [
            Match(start + m.start(), start + m.end())
            for m in self._pattern.finditer(piece)
            if m.start() < CHUNK
        ]
        self._found[chunk] = found
        self.count += len(found)
        return found
