"""A teacher's turns from foreign records: prompt and text, chat messages, ShareGPT, agents' trajectories.

Tool calls that a record keeps beside the text are written out behind it as `<tool_call>` tags, so that every decision
stands in one text and has a place there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from distill_core.errors import ExportError

Record: TypeAlias = Mapping[str, Any]

TEXT_KEYS = ("teacher_text", "completion", "response", "output", "text")
MESSAGE_KEYS = ("messages", "conversations", "conversation", "traj", "trajectory")
_ROLES = {
    "human": "user",
    "gpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "function_call": "assistant",
    "observation": "tool",
    "function": "tool",
    "function_response": "tool",
    "ipython": "tool",
    "developer": "system",
}


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One text of a teacher.

    Args:
        prompt: what stood before it: a text, or messages with role and content.
        text: the teacher's, tool calls written out.
        results: what tools gave before it.
        known: what the user and the system said before it.
        index: the place of its message; 0 where there are none.
    """

    prompt: str | list[dict[str, str]]
    text: str
    results: tuple[Any, ...] = ()
    known: str = ""
    index: int = 0


def turns_of(record: Record) -> Iterator[Turn]:
    """Every text of a teacher in `record`.

    Raises:
        ExportError: the record has none of the shapes that are understood.
    """
    messages = next((record[key] for key in MESSAGE_KEYS if isinstance(record.get(key), list)), None)
    if messages is not None:
        yield from _from_messages(messages)
        return
    text = next((record[key] for key in TEXT_KEYS if isinstance(record.get(key), str)), None)
    if text is None:
        raise ExportError(
            "a record without a teacher's text",
            found="keys " + ", ".join(map(str, record)),
            remedy=f"give one of {', '.join(TEXT_KEYS[:3])}, or {', '.join(MESSAGE_KEYS[:2])}",
        )
    prompt = record.get("prompt", "")
    said = prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False)
    results = record.get("tool_results", ())
    yield Turn(
        prompt=said, text=text, results=tuple(results) if isinstance(results, list) else (), known=said
    )


def _from_messages(messages: Sequence[Any]) -> Iterator[Turn]:
    before: list[dict[str, str]] = []
    results: list[Any] = []
    known: list[str] = []
    for index, message in enumerate(messages):
        if not isinstance(message, Mapping):
            continue
        named = str(message.get("role", message.get("from", "")))
        role = _ROLES.get(named, named)
        text = text_of(message, called=named == "function_call")
        if role == "assistant":
            if text.strip():
                yield Turn(
                    prompt=list(before),
                    text=text,
                    results=tuple(results),
                    known="\n".join(known),
                    index=index,
                )
        elif role == "tool":
            results.append(text)
        else:
            known.append(text)
        before.append({"role": role, "content": text})


def text_of(message: Mapping[str, Any], *, called: bool = False) -> str:
    """A message as one text, the calls that stand beside its words behind them.

    Args:
        called: its words are themselves a call.
    """
    content = message.get("content", message.get("value", message.get("text")))
    if isinstance(content, list):  # parts, as some APIs have them
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    text = content if isinstance(content, str) else "" if content is None else json.dumps(content)
    if called:
        return _tag(text)
    calls = message.get("tool_calls")
    functions = (
        [c.get("function", c) for c in calls if isinstance(c, Mapping)] if isinstance(calls, list) else []
    )
    if isinstance(message.get("function_call"), Mapping):
        functions.append(message["function_call"])
    return "\n".join([*([text] if text else []), *(_tag(_written(f)) for f in functions)])


def _written(function: Mapping[str, Any]) -> str:
    """A call as JSON, its arguments as the teacher wrote them."""
    arguments = function.get("arguments")
    inner = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return f'{{"name": {json.dumps(function.get("name"), ensure_ascii=False)}, "arguments": {inner}}}'


def _tag(call: str) -> str:
    return f"<tool_call>\n{call}\n</tool_call>"
