"""Escapes in code and JSON: the letters of one belong to no word, number or key that stands behind it."""

from __future__ import annotations

import re

BEHIND = r"(?<=\\[nrtbfv0])|(?<=\\u[0-9A-Fa-f]{4})|(?<=\\x[0-9A-Fa-f]{2})"
"""Of a regular expression: directly behind an escape."""

_ESCAPE = re.compile(r"\\(?:[nrtbfv0]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})")


def past(text: str, place: int) -> int:
    """`place`, or the place behind the escape of which the backslash stands right before it."""
    found = _ESCAPE.match(text, place - 1) if place and text[place - 1] == "\\" else None
    return found.end() if found is not None else place
