"""LLaMA-Factory's `sharegpt` layout: who may speak when, and the `dataset_info.json` that names columns and tags.

Sources: `data/README.md` and `src/llamafactory/data/converter.py` of LLaMA-Factory. A person or an observation speaks
at odd places, the model at even ones; a conversation without that order is skipped there, so it is left out here.

A message that calls tools is documented to hold the calls and nothing else. From 0.9.4 on
`src/llamafactory/data/formatter.py` reads words before calls in `<tool_call>` too, in all templates but those of LFM2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sessions.export import tool_calls
from sessions.export.chat import plain
from sessions.export.trace import Trace

SPEECH = {"from": "string", "value": "string"}
"""The shape of a message."""

_BEGIN, _END = "<tool_call>", "</tool_call>"
_TAGS = {"user": "human", "assistant": "gpt", "tool": "observation"}


def speech(tag: str, value: str) -> dict[str, str]:
    """One message."""
    return {"from": tag, "value": value}


def conversation(
    messages: Sequence[Mapping[str, Any]], keep: frozenset[str], *, ends_with_model: bool
) -> dict[str, Any] | tuple[str, str]:
    """`conversations` and `system` of `messages`; or the rule by which there are none, and what was found."""
    spoken = beside_call(messages, keep)
    if spoken is not None:
        return spoken
    rest = list(messages)
    system = rest.pop(0).get("content", "") if rest and rest[0].get("role") == "system" else ""
    found = [said(message) for message in rest]
    for place, message in enumerate(found):
        if (message["from"] in ("human", "observation")) != (place % 2 == 0):
            return "not_alternating", f"message {place + 1} is by {message['from']}"
    if not found or (len(found) % 2 == 0) != ends_with_model:
        return "not_alternating", f"{len(found)} messages"
    return {"conversations": found, "system": system}


def beside_call(messages: Iterable[Mapping[str, Any]], keep: frozenset[str]) -> tuple[str, str] | None:
    """The rule that speaks against `messages` since one of them has words beside its calls, and the words.

    Where that is lifted, only words remain that would be taken for the calls.
    """
    for message in messages:
        words = str(message.get("content") or "")
        if (
            message.get("tool_calls")
            and words.strip()
            and ("words_beside_call" not in keep or _BEGIN in words)
        ):
            return "words_beside_call", words
    return None


def tools(trace: Trace) -> dict[str, str]:
    """The column of tools, always there: "" where the session knows none."""
    known = tool_calls.functions(trace.tools)
    return {"tools": json.dumps(known, ensure_ascii=False) if known else ""}


def said(message: Mapping[str, Any]) -> dict[str, str]:
    """A message; where tools are called, the calls, each with its arguments as an object, behind its words if any."""
    shaped = plain(dict(message))
    if shaped.get("tool_calls"):
        called = [
            {"name": call["function"]["name"], "arguments": tool_calls.arguments(call)}
            for call in shaped["tool_calls"]
        ]
        text = json.dumps(called, ensure_ascii=False)
        if _BEGIN in text or _END in text:  # in a text among the arguments
            text = text.replace("<", r"\u003c")
        words = shaped["content"].rstrip("\n")
        return speech("function_call", f"{words}\n{_BEGIN}{text}{_END}" if words.strip() else text)
    return speech(_TAGS.get(shaped["role"], shaped["role"]), shaped["content"])


def dataset_info(
    name: str, columns: Mapping[str, str], splits: Mapping[str, str], **more: Any
) -> dict[str, str]:
    """`dataset_info.json` with one entry a split, so that the folder is a `dataset_dir` as it is."""
    entries = {
        f"distill_{name}_{split}": {
            "file_name": folder,
            "formatting": "sharegpt",
            **more,
            "columns": dict(columns),
            "tags": {
                "role_tag": "from",
                "content_tag": "value",
                "user_tag": "human",
                "assistant_tag": "gpt",
                "observation_tag": "observation",
                "function_tag": "function_call",
            },
        }
        for split, folder in splits.items()
    }
    return {"dataset_info.json": json.dumps(entries, indent=2) + "\n"}
