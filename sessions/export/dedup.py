"""Equal rows once: exactly always, nearly on request, over all splits at once so that none leaks into another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from distill_core.errors import ExportError

_WORD = re.compile(r"\w+")
SHINGLE = 5
"""Words that make a shingle."""
PERMUTATIONS = 128


class Seen(msgspec.Struct, frozen=True):
    """The rule by which a row is left out, and the row that was there first."""

    rule: str
    first: str


class Dedup:
    """Remembers rows.

    Args:
        near: Jaccard similarity of word shingles from which rows count as near-duplicates; None looks for equal ones
            only.

    Raises:
        ExportError: near-duplicates are wanted and `datasketch` is not installed.
    """

    def __init__(self, near: float | None = None) -> None:
        self._hashes: dict[str, str] = {}
        self._near = _Near(near) if near is not None else None

    def knows(self, digest: str) -> bool:
        """Whether an equal row is known."""
        return digest in self._hashes

    def repeats(self, digests: Sequence[str], keys: Sequence[str]) -> bool:
        """Whether one of these rows is known, or stands there twice; if none, all of them are from now on known.

        Near-duplicates are not looked for.
        """
        new = dict(zip(digests, keys, strict=True))
        if len(new) < len(digests) or not self._hashes.keys().isdisjoint(new):
            return True
        self._hashes.update(new)
        return False

    def seen(self, key: str, digest: str, text: str) -> Seen | None:
        """The row before it that this one repeats; None where it is new, and from now on known.

        Args:
            digest: the hash of what it holds.
            text: its words, for near-duplicates.
        """
        first = self._hashes.get(digest)
        if first is not None:
            return Seen("duplicate", first)
        near = self._near.seen(key, text) if self._near is not None else None
        if near is not None:
            return Seen("near_duplicate", near)
        self._hashes[digest] = key
        return None


class _Near:
    def __init__(self, threshold: float) -> None:
        if not 0 < threshold < 1:
            raise ExportError(
                "not a similarity", found=f"{threshold:g}", remedy="a number between 0 and 1, such as 0.9"
            )
        try:
            from datasketch import MinHash, MinHashLSH
        except ImportError as error:
            raise ExportError(
                "near-duplicates need datasketch", remedy='pip install "distill-tui[export]"'
            ) from error
        self._minhash: Any = MinHash
        self._threshold = threshold
        self._index: Any = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
        self._known: dict[str, Any] = {}

    def seen(self, key: str, text: str) -> str | None:
        words = _WORD.findall(text.lower())
        shingles = {
            " ".join(words[i : i + SHINGLE]).encode() for i in range(max(1, len(words) - SHINGLE + 1))
        }
        made = self._minhash(num_perm=PERMUTATIONS, seed=1)
        made.update_batch(sorted(shingles))
        for other in sorted(self._index.query(made)):
            if made.jaccard(self._known[other]) >= self._threshold:
                return str(other)
        self._index.insert(key, made)
        self._known[key] = made
        return None
