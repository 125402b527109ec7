"""Shortening text for a prompt: head and tail stay, and the true length is said."""

from __future__ import annotations


def cut(text: str, limit: int) -> str:
    """`text` with its middle left out where it is longer than `limit` characters.

    The head gets the odd character. The line in between says how many characters are missing and how many
    there are; it does not count against `limit`.

    Raises:
        ValueError: `limit` is negative.
    """
    if limit < 0:
        raise ValueError(f"limit must be 0 or more, not {limit}")
    if len(text) <= limit:
        return text
    head, tail = limit - limit // 2, limit // 2
    missing = len(text) - limit
    end = text[len(text) - tail :]
    return f"{text[:head]}\n[... {missing:,} of {len(text):,} characters not shown ...]\n{end}"
