"""Chat messages as trainers want them: a whole conversation, and one message in the forms that differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from operator import is_
from typing import Any

import msgspec

from distill_core.models.base import Message
from sessions.export import tool_calls
from sessions.export.trace import Trace, Turn

MESSAGE = {"role": "string", "content": "string"}
"""The shape of a message."""
TOOL_CALLS: list[Any] = [
    {"id": "string", "type": "string", "function": {"name": "string", "arguments": "string"}}
]
TOOLED = {**MESSAGE, "tool_calls": TOOL_CALLS, "tool_call_id": "string", "name": "string"}
"""The shape of a message where there are tools."""

PASSED_OVER = "passed_over"
"""The mark of messages that are told of a session, and not in what is learned from it."""


class Said(msgspec.Struct, frozen=True, gc=False):
    """A message of a conversation, with the turn that it is the reply of (None for what the supervisor was told)."""

    message: Message
    turn: Turn | None = None


def conversation(trace: Trace) -> list[Said]:
    """The whole session as the conversation that there is to learn: what was sent, with each reply."""
    return [one for one in told(trace) if PASSED_OVER not in one.message]


def told(trace: Trace) -> list[Said]:
    """The whole session as the conversation that it was, with each reply as there is to learn it."""
    said: list[Said] = []
    before: Turn | None = None
    for turn in trace.conversation():
        sent = turn.prompt[len(before.prompt) :] if before is not None else turn.prompt
        if before is not None and sent and sent[0].get("role") == "assistant":
            if before.text == before.decided:
                # As it was sent on: an empty reply went into the conversation in other words.
                said[-1] = Said(sent[0], before)
            sent = sent[1:]
        said += [Said(message) for message in sent]
        said.append(Said(reply(turn), turn))
        before = turn
    return said


class Task(msgspec.Struct, frozen=True, gc=False):
    """The question that a session's answer is to, with all that was said before it, and how the answer came about."""

    question: str
    prompt: tuple[Said, ...]
    completion: tuple[Said, ...]


def task(trace: Trace) -> Task | None:
    """The last question that was answered as one task; None where the supervisor never replied.

    Where a further question was asked, what was said before it, questions and answers, belongs to the prompt.
    """
    said = conversation(trace)
    replies = [place for place, one in enumerate(said) if one.turn is not None]
    mine = [place for place in replies if _question(trace, said[place]) == trace.answered] or replies
    if not mine:
        return None
    later = any(_question(trace, said[place]) > trace.answered for place in replies)
    end = mine[-1] + 1 if later else len(said)
    question = trace.questions[trace.answered] if trace.questions else trace.query
    return Task(question, tuple(said[: mine[0]]), tuple(said[mine[0] : end]))


def _question(trace: Trace, one: Said) -> int:
    return trace.question_at(one.turn.step) if one.turn is not None else -1


def plain(message: Message) -> dict[str, Any]:
    """`role` and `content`, with tool calls where there are any; arguments as JSON text."""
    found: dict[str, Any] = {"role": message["role"], "content": message.get("content") or ""}
    if calls := tool_calls.plain(message.get("tool_calls")):
        found["tool_calls"] = calls
    for field in ("tool_call_id", "name"):
        if message.get(field):
            found[field] = message[field]
    return found


def assistant(text: str) -> dict[str, Any]:
    """A reply in words alone."""
    return {"role": "assistant", "content": text}


def reply(turn: Turn, text: str | None = None) -> dict[str, Any]:
    """A reply of the supervisor, with what it called; `text` stands in the place of its own words."""
    said = assistant(turn.text if text is None else text)
    return plain({**said, "tool_calls": list(turn.tool_calls)}) if turn.tool_calls else said


def with_objects(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """`messages` with the arguments of tool calls as objects, which TRL's templates ask for.

    Arguments that are no object of JSON stay the text that they are.
    """
    return [_with_objects(message) if "tool_calls" in message else message for message in messages]


def _with_objects(message: dict[str, Any]) -> dict[str, Any]:
    calls = []
    for call in message["tool_calls"]:
        given = tool_calls.arguments(call)
        function = {**call["function"], "arguments": given}
        calls.append({**call, "function": function} if isinstance(given, dict) else call)
    return {**message, "tool_calls": calls}


def in_parallel(trace: Trace) -> bool:
    """Whether a reply called several tools at once."""
    return any(len(turn.tool_calls) > 1 for turn in trace.turns)


def tools(trace: Trace) -> dict[str, str]:
    """The column of tools, as JSON text; none where the session knows no tools and no message speaks of any.

    Where it is there, messages may hold more than `role` and `content`.
    """
    told = trace.tools or any(turn.tool_calls for turn in trace.turns) or any(map(_holds_more, _sent(trace)))
    return {"tools": json.dumps(trace.tools, ensure_ascii=False)} if told else {}


def _sent(trace: Trace) -> Iterator[Message]:
    """Every message that was sent; what only goes on from the prompt before is not told again."""
    before: tuple[Message, ...] = ()
    for turn in trace.turns:
        goes_on = len(turn.prompt) >= len(before) and all(map(is_, before, turn.prompt))
        yield from turn.prompt[len(before) :] if goes_on else turn.prompt
        before = turn.prompt


def _holds_more(message: Message) -> bool:
    return bool(message.get("tool_calls") or message.get("tool_call_id") or message.get("name"))


def prompt(turn: Turn) -> list[dict[str, Any]]:
    """What was sent before `turn`, to the letter; the messages may be those of the turn itself, to be read only."""
    return [plainly(message) for message in turn.prompt if PASSED_OVER not in message]


def plainly(message: Message) -> dict[str, Any]:
    """The same as `plain`; a message that is in that form already, which in a long session stands in every prompt."""
    is_plain = [*message] == ["role", "content"] and type(message["content"]) is str
    return message if is_plain else plain(message)
