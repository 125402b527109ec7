"""Does what a reply quotes stand in its prompt? Letter by letter, but for white space, case and the form of quotes."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Evidence: TypeAlias = Literal["found", "missing", "none"]

MIN_CHARS = 12
"""Shorter quotes are words that are spoken of, not passages."""

_OPENING = '"“”„«'
_QUOTED = re.compile(rf"[{_OPENING}]([^\"“”„«»\n]{{{MIN_CHARS},}})[\"”“»]")
_opens = re.compile(f"[{_OPENING}]").search
_PLAIN = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": ""}


def evidence(reply: str, prompt: str) -> Evidence:
    """Whether a passage that `reply` quotes stands in `prompt`; "none" where it quotes nothing."""
    if '"' not in reply and (reply.isascii() or not _opens(reply)):
        return "none"
    passages = [_normal(found) for found in _QUOTED.findall(reply)]
    passages = [passage for passage in passages if len(passage) >= MIN_CHARS]
    if not passages:
        return "none"
    within = _normal(prompt)
    return "found" if any(passage in within for passage in passages) else "missing"


def _normal(text: str) -> str:
    if not text.isascii():
        for form, plain in _PLAIN.items():
            text = text.replace(form, plain)
    return " ".join(text.split()).strip(".").casefold()
