"""The policy for teachers whose terms forbid training on their reasoning: their prose goes, what they did stays."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, TypeAlias

import msgspec

from distill_core.models.base import Message
from sessions.export import chat, spans
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
    for message in _for_nothing(trace):
        messages[id(message)] = {**messages[id(message)], chat.PASSED_OVER: True}
    gaps = {name for name, message in messages.items() if _says_nothing(message)}
    turns = [_turn(turn, trace.dialect, messages, gaps) for turn in trace.turns]
    return _replace(trace, turns=tuple(turns))


def _for_nothing(trace: Trace) -> Iterator[Message]:
    """Replies of nothing but prose as they were sent on, each with the program's answer that it held no code."""
    for before, turn in pairwise(trace.conversation()):
        told = turn.prompt[len(before.prompt) : len(before.prompt) + 2]
        if before.outcome != "nothing_to_run" or before.guidance or before.text != before.decided:
            continue
        asked = [message.get("role") for message in told] == ["assistant", "user"]
        if asked and not told[0].get("tool_calls") and not code_only(before.text, None, trace.dialect)[0]:
            yield from told


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


def _turn(turn: Turn, dialect: Dialect, messages: dict[int, Message], gaps: set[int]) -> Turn:
    text, alignment = code_only(turn.text, turn.finish_reason, dialect)
    marks: list[Mark] = []
    for mark in turn.marks:
        place = alignment.span(mark.start, mark.end)
        if place is not None:
            marks.append(_replace(mark, start=place[0], end=place[1]))
    return _replace(
        turn,
        prompt=tuple(messages[id(message)] for message in turn.prompt),
        gap=not gaps.isdisjoint(map(id, turn.prompt)),
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


def _says_nothing(message: Message) -> bool:
    if message.get("role") != "assistant" or chat.PASSED_OVER in message:
        return False
    return not (message.get("content") or message.get("tool_calls"))


def _message(message: Message, dialect: Dialect) -> Message:
    if message.get("role") != "assistant":
        return message
    kept = {name: value for name, value in message.items() if name not in ("reasoning", "reasoning_content")}
    content = message.get("content")
    return {**kept, "content": code_only(content, None, dialect)[0] if isinstance(content, str) else content}
