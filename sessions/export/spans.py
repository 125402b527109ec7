"""Spans of judgements, moved along with the texts that they count characters of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

import msgspec

from distill_core import events as ev
from sessions.export.alignment import Alignment
from sessions.export.trace import Call, Turn

Texts: TypeAlias = Mapping[tuple[str, str, str], str]
"""By kind, id and field of a target, the text that its span counts characters of. A step's reply has no id here."""

_USUAL: dict[str, str] = {
    "step": "reply",
    "cell": "code",
    "worker_call": "response",
    "answer": "answer",
    "session": "answer",
}
"""The field that is meant where none is named."""


def of_turn(turn: Turn) -> Texts:
    """The texts of a turn and of its cells."""
    texts = {("step", "", "reply"): turn.reply}
    if turn.cells:
        texts["step", "", "code"] = turn.cells[0].code
    for cell in turn.cells:
        texts["cell", cell.cell_id, "code"] = cell.code
        texts["cell", cell.cell_id, "output"] = cell.output
    return texts


def of_call(call: Call) -> Texts:
    """The texts of a worker call."""
    said = call.override if call.override is not None else call.response
    name = call.call_id
    return {("worker_call", name, "prompt"): call.prompt, ("worker_call", name, "response"): said or ""}


def of_answer(answer: str | None) -> Texts:
    """The text of a session's answer."""
    return {("answer", "", "answer"): answer or "", ("session", "", "answer"): answer or ""}


def moved(
    judgements: Iterable[ev.Annotated], texts: Texts, alignment: Callable[[str], Alignment]
) -> Iterator[ev.Annotated]:
    """`judgements` with their spans where the words went; those whose words are gone are left out.

    Args:
        texts: as they were.
        alignment: where a text's pieces went. What it is not asked for did not change.
    """
    for made in judgements:
        target = made.target
        text = texts.get(_key(target))
        if target.start is None or text is None:
            yield made
            continue
        end = len(text) if target.end is None else min(target.end, len(text))
        place = alignment(text).span(min(target.start, end), end) if text else None
        if place is not None:
            stop = None if target.end is None else place[1]
            target = msgspec.structs.replace(target, start=place[0], end=stop)
            yield msgspec.structs.replace(made, target=target)


def _key(target: ev.Target) -> tuple[str, str, str]:
    name = target.id if target.kind in ("cell", "worker_call") else ""
    return target.kind, name, target.field or _USUAL[target.kind]
