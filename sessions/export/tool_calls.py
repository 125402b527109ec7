"""Tools that replies called in the form of an API: beside their words, and told only by what was sent after them.

The program's own supervisors call functions in their code; sessions that were taken in from elsewhere hold such calls.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import msgspec

from sessions.export.trace import Trace, Turn


def with_tool_calls(trace: Trace) -> Trace:
    """`trace` with the tools that its replies called."""
    called = dict(_called(trace.conversation()))
    if not called:
        return trace
    turns = (
        msgspec.structs.replace(turn, tool_calls=called[turn.call_id]) if turn.call_id in called else turn
        for turn in trace.turns
    )
    return msgspec.structs.replace(trace, turns=tuple(turns))


def _called(turns: tuple[Turn, ...]) -> Iterator[tuple[str, tuple[dict[str, Any], ...]]]:
    for before, turn in pairwise(turns):
        place = len(before.prompt)
        sent_on = turn.prompt[place] if place < len(turn.prompt) else {}
        if sent_on.get("role") == "assistant" and (calls := plain(sent_on.get("tool_calls"))):
            yield before.call_id, tuple(calls)


def plain(calls: Any) -> list[dict[str, Any]]:
    """Tool calls of a message as OpenAI's messages have them, arguments as text; what names no tool is passed over."""
    return list(_plain(calls)) if isinstance(calls, list | tuple) else []


def _plain(calls: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for call in calls:
        function = call.get("function", call) if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            continue
        given = function.get("arguments")
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        if text.strip() in ("", "null"):  # so some servers tell a call without arguments
            text = "{}"
        yield {
            "id": str(call.get("id", "")),
            "type": "function",
            "function": {"name": function["name"], "arguments": text},
        }


def arguments(call: dict[str, Any]) -> Any:
    """The arguments of a plain tool call as an object, or as the text that they are where it is no JSON."""
    given = call["function"]["arguments"]
    try:
        return json.loads(given)
    except ValueError:
        return given


def functions(tools: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Tool definitions without the wrapping that says that they are functions."""
    named = (tool for tool in tools if isinstance(tool, dict))
    return [tool["function"] if isinstance(tool.get("function"), dict) else tool for tool in named]
