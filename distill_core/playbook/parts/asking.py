"""Putting pieces to the worker: the piece first, the question last, and failed calls kept apart from answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distill_core.playbook.parts.evidence import read_reply, support
from distill_core.playbook.parts.ranking import holding_rarest, rank
from distill_core.playbook.parts.reading import cut


def calls_left(left: dict[str, Any], most: int) -> int:
    """How many worker calls a step may make: at most `most`, fewer where the budget leaves fewer."""
    bound = left.get("worker_calls")
    return most if bound is None else max(0, min(most, int(bound)))


def gate(
    pieces: list[tuple[int, str]], request: str, ask_yes: Callable[[list[str]], list[float | None]] | None
) -> list[tuple[float, int, str]]:
    """(probability, offset, piece) of the pieces that `request` is answered Yes for, best first.

    Where the worker's endpoint gives no probabilities every piece passes, as 1.0.
    """
    prompts = [f"{piece}\n\n---\n{request}" for _, piece in pieces]
    chances = ask_yes(prompts) if ask_yes and prompts else [None] * len(pieces)
    rated = [
        (1.0 if chance is None else chance, *piece) for chance, piece in zip(chances, pieces, strict=True)
    ]
    rated.sort(key=lambda r: (-r[0], r[1]))
    return [r for r in rated if r[0] >= 0.5] or rated[:2]


def extract(
    passing: list[tuple[float, int, str]],
    request: str,
    ask_all: Callable[[list[str]], list[Any]],
    text: str,
    terms: list[str],
) -> tuple[list[dict[str, Any]], int]:
    """Ask each piece; return what was found with the place that bears it out, and how many calls failed."""
    replies = ask_all([f"{piece}\n\n---\n{request}" for _, _, piece in passing])
    results: list[dict[str, Any]] = []
    failed = 0
    for (chance, start, piece), reply in zip(passing, replies, strict=True):
        if not isinstance(reply, str):  # a failed call comes back as an error value
            failed += 1
            print("a worker call failed:", str(reply)[:200])
            continue
        said = read_reply(reply)
        if said is None:
            continue
        span = support(said[0], said[1], text, start, start + len(piece), terms)
        where = span or (start, start)
        quote = " ".join(text[where[0] : where[1]].split())
        if any(span and r["start"] == where[0] and r["answer"] == said[0] for r in results):
            continue  # pieces overlap: the same sentence was read twice
        results.append(
            {"answer": said[0], "quote": quote, "start": where[0], "verified": bool(span), "chance": chance}
        )
    return results, failed


def surest(
    passages: list[tuple[float, int, str]],
    request: str,
    ask_yes: Callable[[list[str]], list[float | None]] | None,
    terms: list[str],
) -> list[tuple[float, int, str]]:
    """Of short passages those with the rarest of `terms`, where they are few and the worker rates them high."""
    places = [(start, passage) for _, start, passage in passages]
    holders = holding_rarest(places, terms)[1]
    if ask_yes is None or not 0 < len(holders) <= 3:
        return []
    return [rated for rated in gate([places[i] for i in holders], request, ask_yes) if rated[0] >= 0.75]


def closer(
    passing: list[tuple[float, int, str]], found: list[dict[str, Any]], terms: list[str]
) -> list[tuple[float, int, str]]:
    """Of each piece that passed and brought nothing that is borne out, the short passage that speaks most of `terms`:
    a small worker overlooks in a long piece what it reads surely in a short one."""
    borne_out = [note["start"] for note in found if note["verified"]]
    passages = []
    for chance, start, piece in passing:
        if not any(start <= at < start + len(piece) for at in borne_out):
            short = cut(piece, 600, 200)
            passages += [(chance, start + short[i][0], short[i][1]) for _, i in rank(short, terms)[:1]]
    return passages
