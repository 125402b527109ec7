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


def passage(note: dict[str, Any], text: str) -> str:
    """The passage around a note's quote, on one line; the bare answer where no quote was found."""
    start, length = note["start"], len(note["quote"])
    return (
        " ".join(text[max(0, start - 150) : start + length + 250].split())
        if note["verified"]
        else note["answer"]
    )


def weigh(
    notes: list[dict[str, Any]],
    text: str,
    request: str,
    ask_yes: Callable[[list[str]], list[float | None]] | None,
) -> list[dict[str, Any]]:
    """The notes whose own passage is answered Yes for, likeliest first: a short passage is judged more surely than
    the piece it is from. All of them as they are, where the worker does not tell how sure it is."""
    chances = ask_yes([f"{passage(note, text)}\n\n---\n{request}" for note in notes]) if ask_yes else []
    if not chances or None in chances:
        return notes
    rated = [{**note, "chance": chance} for note, chance in zip(notes, chances, strict=True)]
    rated.sort(key=lambda note: -note["chance"])
    return [note for note in rated if note["chance"] >= 0.5] or rated


def extracts(notes: list[dict[str, Any]], text: str, room: int) -> list[str]:
    """Numbered passages of the notes, packed into prompts of at most `room` characters."""
    prompts: list[str] = []
    lines: list[str] = []
    used = 0
    for number, note in enumerate(notes, 1):
        line = f"[{number}] {passage(note, text)}"[:room]
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
