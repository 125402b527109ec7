"""Splits: whole families go to one, by a hash of their name, so that more sessions later move none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import msgspec

from distill_core.errors import ExportError

REST = "train"
"""The split of all that no other takes."""

_ALL = "all"
"""What `datasets` calls all splits together; none of them may be called so."""
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class Splits(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are divided.

    Args:
        shares: of each split but the rest, from 0 to 1.
        seed: another one divides otherwise.
    """

    shares: Mapping[str, float] = msgspec.field(default_factory=dict)
    seed: int = 0

    def of(self, family: str) -> str:
        """The split of a family."""
        digest = hashlib.sha256(f"{self.seed}\n{family}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        for name, share in self.shares.items():
            if place < share:
                return name
            place -= share
        return REST


def parse_shares(words: list[str]) -> dict[str, float]:
    """Shares from words like "test=0.1".

    Raises:
        ExportError: a word is none, or together they take more than all.
    """
    shares: dict[str, float] = {}
    for word in words:
        name, _, number = word.partition("=")
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if not _NAME.match(name) or not 0 < share < 1 or name == REST or name in shares:
            raise ExportError(
                "not a split", found=word, remedy=f"write NAME=SHARE, such as test=0.1; the rest is {REST}"
            )
        if name == _ALL:
            raise ExportError(
                "not a split", found=word, remedy=f"call it otherwise: {_ALL} is all splits to load_dataset"
            )
        shares[name] = share
    if sum(shares.values()) >= 1:
        raise ExportError(
            "the splits leave nothing to train on", found=" ".join(words), remedy="ask for less"
        )
    return shares
