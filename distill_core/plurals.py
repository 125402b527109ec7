"""Numbers with their nouns, as people read them."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """A number with its noun: 1 call, 12 calls."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
