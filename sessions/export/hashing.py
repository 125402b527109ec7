"""A name for what a row holds, the same wherever it comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_BYTES = 16
_LONG = 4096
_BLOCK = 512


class ContentHash:
    """Hashes one row after the other.

    A long conversation stands in each of its rows up to there: what a row begins with as the one before it did is not
    hashed again.
    """

    def __init__(self) -> None:
        self._before = b""
        self._shared = 0
        self._state = hashlib.blake2b(digest_size=_BYTES)

    def of_all(self, starts: Sequence[bytes], lines: Sequence[bytes]) -> list[str]:
        """Of each of some rows.

        Args:
            starts: with what each begins, and the next one is likely to begin too; may be empty.
            lines: what follows.
        """
        if not any(starts):
            if max(map(len, lines), default=0) < _LONG:
                return [hashlib.blake2b(line, digest_size=_BYTES).hexdigest() for line in lines]
            return list(map(self.of, lines))
        begun, done, told = hashlib.blake2b(digest_size=_BYTES), b"", []
        for start, line in zip(starts, lines, strict=True):
            if not start.startswith(done):
                begun, done = hashlib.blake2b(digest_size=_BYTES), b""
            if len(start) > len(done):
                begun.update(start[len(done) :])
                done = start
            state = begun.copy()
            state.update(line)
            told.append(state.hexdigest())
        return told

    def of(self, line: bytes) -> str:
        """BLAKE2b with 128 bits, in hexadecimal.

        Args:
            line: the row's columns as JSON, in the order in which its format puts them.
        """
        if len(line) < _LONG:
            return hashlib.blake2b(line, digest_size=_BYTES).hexdigest()
        before, shared = self._before, self._shared
        if line[:shared] == before[:shared]:
            state = self._state.copy()
        else:
            state, shared = hashlib.blake2b(digest_size=_BYTES), 0
        same = shared
        while (block := line[same : same + _BLOCK]) and block == before[same : same + _BLOCK]:
            same += len(block)
        state.update(line[shared:same])
        self._before, self._shared, self._state = line, same, state.copy()
        state.update(line[same:])
        return state.hexdigest()
