"""From the REPL's `context` to text with places in it: flattening lists and dicts, and cutting into pieces."""

from __future__ import annotations

import json
from typing import Any


def as_text(value: Any) -> tuple[str, list[tuple[int, str]]]:
    """The document as one text, and for a list or dict where each item starts in it: (offset, "item 3")."""
    if isinstance(value, str):
        return value, []
    named = value.items() if isinstance(value, dict) else enumerate(value)
    texts, starts, offset = [], [], 0
    for name, item in named:
        body = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, default=str)
        if isinstance(value, dict):
            body = f"{name}: {body}"
        texts.append(body)
        starts.append((offset, f"key {name}" if isinstance(value, dict) else f"item {name}"))
        offset += len(body) + 2
    return "\n\n".join(texts), starts


def place(offset: int, starts: list[tuple[int, str]]) -> str:
    """A place a person can look up: "char 120", or "item 3, char 120" counted within that item."""
    before = [start for start in starts if start[0] <= offset]
    return f"{before[-1][1]}, char {offset - before[-1][0]}" if before else f"char {offset}"


def cut(text: str, size: int, overlap: int) -> list[tuple[int, str]]:
    """Cut `text` into (offset, piece) of at most `size` characters that share `overlap`, at paragraphs if it can."""
    pieces, start = [], 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            for mark in ("\n\n", "\n", ". ", " "):
                at = text.rfind(mark, start + size // 2, end)
                if at > 0:
                    end = at + len(mark)
                    break
        pieces.append((start, text[start:end]))
        if end == len(text):
            break
        start = end - overlap
    return pieces
