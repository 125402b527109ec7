"""The policy for teachers whose terms forbid training on their reasoning: their prose goes, what they did stays."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from distill_core.models.base import Message
from sessions.export import spans
from sessions.export.alignment import Alignment, Kept
from sessions.export.trace import Mark, Trace, Turn

Dialect: TypeAlias = Literal["distill", "rlm"]
_replace = msgspec.structs.replace


def without_prose(trace: Trace) -> Trace:
    """`trace` with code, tool calls and results, and without what the supervisor said around them."""
    messages: dict[int, Message] = {}
    for turn in trace.turns:
        for message in turn.prompt:
            # Each message stands in every prompt after it; it is taken apart once.
            if id(message) not in messages:
                messages[id(message)] = _message(message, trace.dialect)
    return _replace(trace, turns=tuple(_turn(turn, trace.dialect, messages) for turn in trace.turns))


def code_only(text: str, finish_reason: str | None, dialect: Dialect) -> tuple[str, Alignment]:
    """The blocks of a reply that run, as they stand in it, and where they went."""
    from distill_core.fences import extract_blocks  # takes long, and is seldom needed

    blocks = extract_blocks(text, finish_reason, dialect=dialect).blocks
    parts: list[str] = []
    pieces: list[Kept] = []
    to = 0
    for block in blocks:
        part = text[block.start : block.end]
        pieces.append(Kept(block.start, block.end, to))
        parts.append(part if part.endswith("\n") else part + "\n")
        to += len(parts[-1])
    return "".join(parts), Alignment(pieces)


def _turn(turn: Turn, dialect: Dialect, messages: dict[int, Message]) -> Turn:
    text, alignment = code_only(turn.text, turn.finish_reason, dialect)
    marks: list[Mark] = []
    for mark in turn.marks:
        place = alignment.span(mark.start, mark.end)
        if place is not None:
            marks.append(_replace(mark, start=place[0], end=place[1]))
    return _replace(
        turn,
        prompt=tuple(messages[id(message)] for message in turn.prompt),
        reply=code_only(turn.reply, turn.finish_reason, dialect)[0],
        decided=code_only(turn.decided, turn.finish_reason, dialect)[0],
        text=text,
        reasoning=None,
        marks=tuple(marks),
        judgements=tuple(
            spans.moved(
                turn.judgements,
                {("step", "", "reply"): turn.reply},
                lambda reply: code_only(reply, turn.finish_reason, dialect)[1],
            )
        ),
    )


def _message(message: Message, dialect: Dialect) -> Message:
    if message.get("role") != "assistant":
        return message
    kept = {name: value for name, value in message.items() if name not in ("reasoning", "reasoning_content")}
    content = message.get("content")
    return {**kept, "content": code_only(content, None, dialect)[0] if isinstance(content, str) else content}
