"""From several readings to one answer: which agree, which differ, and what the answer stands on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any


def same(one: str, other: str) -> bool:
    """Whether two answers say the same, but for case, punctuation and words around it."""
    a, b = (" ".join(re.findall(r"[^\W_]+(?:[.,]\d+)*", said.lower())) for said in (one, other))
    return (
        a == b or (min(len(a), len(b)) > 3 and f" {a} " in f" {b} ") or (len(b) > 3 and f" {b} " in f" {a} ")
    )


def distinct(answers: list[str]) -> list[str]:
    """The different ones among `answers`, in their order; one that another says with more words is left out."""
    kept: list[str] = []
    for said in answers:
        if not any(same(said, other) for other in kept):
            kept.append(said)
    return kept


def all_named(answers: list[str]) -> list[str]:
    """Everything that `answers` name, each once: they may name several things with commas between."""
    named: dict[str, str] = {}
    for said in answers:
        for part in re.split(r",\s+|;\s*|\n+|\s+and\s+", said):
            if part.strip(" ."):
                named.setdefault(part.strip(" .").lower(), part.strip(" ."))
    return list(named.values())


def most_said(answers: list[str]) -> str:
    """The answer that most of `answers` agree with; the first of those that tie."""
    return max(answers, key=lambda said: sum(same(said, other) for other in answers))


def extracts(notes: list[dict[str, Any]], text: str, room: int) -> list[str]:
    """Numbered extracts, each the passage around a quote, packed into prompts of at most `room` characters."""
    prompts: list[str] = []
    lines: list[str] = []
    used = 0
    for number, note in enumerate(notes, 1):
        start = note["start"]
        around = " ".join(text[max(0, start - 150) : start + len(note["quote"]) + 250].split())
        line = f"[{number}] {around if note['verified'] else note['answer']}"[:room]
        if lines and used + len(line) > room:
            prompts.append("\n".join(lines))
            lines, used = [], 0
        lines.append(line)
        used += len(line) + 1
    return [*prompts, "\n".join(lines)] if lines else prompts


def conclude(
    notes: list[dict[str, Any]],
    text: str,
    request: str,
    ask_all: Callable[[list[str]], list[Any]],
    room: int,
    calls: int,
) -> str | None:
    """What the worker makes of the extracts, folded until one prompt holds them; None where it cannot tell."""
    prompts = extracts(notes, text, room)
    while prompts and len(prompts) <= calls:
        calls -= len(prompts)
        replies = ask_all([f"{prompt}\n\n---\n{request}" for prompt in prompts])
        said = [reply.strip() for reply in replies if isinstance(reply, str) and reply.strip()]
        if len(prompts) == 1:
            return said[0] if said else None
        joined = [f"[{number}] {reply[: room // 4]}" for number, reply in enumerate(said, 1)]
        share = max(2, len(joined) * room // (sum(map(len, joined)) + len(joined)) - 1)
        prompts = ["\n".join(joined[at : at + share]) for at in range(0, len(joined), share)]
    return None
