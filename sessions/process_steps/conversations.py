"""A teacher's turns from foreign records: prompt and text or completion, chat messages, preferences, trajectories.

Tool calls that a record keeps beside the text are written out behind it as `<tool_call>` tags, so that every decision
stands in one text and has a place there. What a record marks as not to be learned (OpenAI's `weight` 0, axolotl's
`train` false, a label of KTO that is false) is a turn that says so; what was rejected is no turn at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from distill_core.errors import ExportError

Record: TypeAlias = Mapping[str, Any]
Prompt: TypeAlias = str | list[dict[str, str]]

CHOSEN_KEYS = ("chosen", "preferred_output")
REJECTED_KEYS = ("rejected", "non_preferred_output")
TEXT_KEYS = ("teacher_text", "completion", "response", "output", "text")
MESSAGE_KEYS = ("messages", "conversations", "conversation", "traj", "trajectory")
SHAPES = f"one of {', '.join((*TEXT_KEYS[:3], CHOSEN_KEYS[0]))} (a text or messages), or {', '.join(MESSAGE_KEYS[:2])}"
"""What a record is to have, in words."""
_LABEL_KEYS = ("label", "kto_tag")
_KEYS_TOLD = 8
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
        index: the place of its message among those that it was read from; 0 where there are none.
        left: why it is not to be learned; "" where it is.
    """

    prompt: Prompt
    text: str
    results: tuple[Any, ...] = ()
    known: str = ""
    index: int = 0
    left: str = ""


def turns_of(record: Record) -> Iterator[Turn]:
    """Every text of a teacher in `record`.

    Raises:
        ExportError: the record has none of the shapes that are understood.
    """
    messages = _first(record, MESSAGE_KEYS, list)
    answer = _answer(record, CHOSEN_KEYS)
    if answer is None and messages is not None:
        if "kto_tag" in record:  # LLaMA-Factory's label of the last reply
            yield from _from_messages(messages, shared=len(messages) - 1, left=_label(record))
        else:
            yield from _from_messages(messages)
        return
    answer = answer if answer is not None else _answer(record, TEXT_KEYS)
    if answer is None:
        keys = [str(key)[:40] for key in record]
        more = f", and {len(keys) - _KEYS_TOLD} more" if len(keys) > _KEYS_TOLD else ""
        raise ExportError(
            "a record without a teacher's text",
            found="keys " + ", ".join(keys[:_KEYS_TOLD]) + more,
            remedy=f"give {SHAPES}",
        )
    yield from _answered(record, answer, messages)


def _answered(record: Record, answer: str | list[Any], messages: list[Any] | None) -> Iterator[Turn]:
    """The turns of an answer with what stood before it."""
    given = record.get("input")
    inner = given.get("messages") if isinstance(given, Mapping) else None
    prompt = record.get("prompt") or inner or messages or ""
    found = record.get("tool_results")
    results = tuple(found) if isinstance(found, list) else ()
    left = _label(record)
    if isinstance(answer, str) and not _is_messages(prompt):
        said = prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False)
        yield Turn(prompt=said, text=answer, results=results, known=said, left=left)
        return
    before = _listed(prompt, "user")
    taught = _listed(answer, "assistant")
    shared = _shared(taught, _answer(record, REJECTED_KEYS)) if not before else 0
    if before and taught[: len(before)] == before:
        # Some chosen conversations begin with their prompt again.
        shared = len(before)
        before = []
    yield from _from_messages(taught, before, shared, results, left)


def _answer(record: Record, keys: Sequence[str]) -> str | list[Any] | None:
    """The first of `keys` that holds a text or messages; one message counts as a list of it."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, str) or _is_messages(value):
            return value
        if _is_messages([value]):
            return [value]
    return None


def _first(record: Record, keys: Sequence[str], kind: type) -> Any:
    return next((record[key] for key in keys if isinstance(record.get(key), kind)), None)


def _is_messages(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(m, Mapping) and ("role" in m or "from" in m) for m in value
    )


def _listed(value: Any, role: str) -> list[Any]:
    """Messages, or a text as one of `role`; a prompt without words is none."""
    if _is_messages(value):
        return list(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return [{"role": role, "content": text}] if text else []


def _shared(taught: list[Any], rejected: str | list[Any] | None) -> int:
    """How many messages both sides of a preference begin with: TRL's prompt where it is not given by itself."""
    if not isinstance(rejected, list):
        return 0
    pairs = enumerate(zip(taught, rejected, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(taught), len(rejected)))


def _label(record: Record) -> str:
    bad = any(record.get(key) is False for key in _LABEL_KEYS)
    return "texts with a label that is false" if bad else ""


def _from_messages(
    messages: Sequence[Any],
    before: Sequence[Any] = (),
    shared: int = 0,
    results: Sequence[Any] = (),
    left: str = "",
) -> Iterator[Turn]:
    """A turn for each reply in `messages`, from the one at `shared` on; `before` and the first ones are prompt."""
    said: list[dict[str, str]] = []
    given = list(results)
    known: list[str] = []
    for index, message in enumerate([*before, *messages], -len(before)):
        if not isinstance(message, Mapping):
            continue
        named = str(message.get("role", message.get("from", "")))
        role = _ROLES.get(named, named)
        text = text_of(message, called=named == "function_call")
        if role == "assistant":
            if text.strip() and index >= shared:
                yield Turn(
                    prompt=list(said),
                    text=text,
                    results=tuple(given),
                    known="\n".join(known),
                    index=index,
                    left=left or _unlearned(message),
                )
        elif role == "tool":
            given.append(text)
        else:
            known.append(text)
        said.append({"role": role, "content": text})


def _unlearned(message: Mapping[str, Any]) -> str:
    weight = message.get("weight")
    if message.get("train") is False or (isinstance(weight, int | float) and weight == 0):
        return "messages that are not trained"
    return ""


def text_of(message: Mapping[str, Any], *, called: bool = False) -> str:
    """A message as one text, the calls that stand beside its words behind them.

    Args:
        called: its words are themselves a call.
    """
    content = message.get("content", message.get("value", message.get("text")))
    if isinstance(content, list):  # parts, as some APIs have them
        texts = (part.get("text") if isinstance(part, Mapping) else part for part in content)
        content = "".join(text for text in texts if isinstance(text, str))
    text = content if isinstance(content, str) else "" if content is None else json.dumps(content)
    if called:
        return _tag(text)
    calls = message.get("tool_calls")
    given = (
        [c.get("function", c) if isinstance(c, Mapping) else c for c in calls]
        if isinstance(calls, list)
        else []
    )
    functions = [*given, message.get("function_call")]
    return "\n".join([*([text] if text else []), *(_tag(_written(f)) for f in functions if f is not None)])


def _written(function: Any) -> str:
    """A call as JSON, its arguments as the teacher wrote them; what is no call is written too, to be counted."""
    if not isinstance(function, Mapping):
        return json.dumps(function, ensure_ascii=False)
    arguments = function.get("arguments")
    inner = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    if "arguments" in function and inner.strip() in ("", "null"):  # so some servers tell a call without any
        inner = "{}"
    return f'{{"name": {json.dumps(function.get("name"), ensure_ascii=False)}, "arguments": {inner}}}'


def _tag(call: str) -> str:
    return f"<tool_call>\n{call}\n</tool_call>"
