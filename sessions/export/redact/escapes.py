"""Escapes in code and JSON: the letters of one belong to no word, number or key that stands behind it."""

from __future__ import annotations

BEHIND = r"(?<=\\[nrtbfv0])|(?<=\\u[0-9A-Fa-f]{4})|(?<=\\x[0-9A-Fa-f]{2})"
"""Of a regular expression: directly behind an escape."""

REST = r"(?<=\\)(?:[nrtbfv0]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})"
"""The same: the letters of an escape, its backslash before them."""
