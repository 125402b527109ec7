"""What an OpenAI-compatible server sends back, read into an `LMResponse`: whole, or piece by piece.

Servers differ in what they leave out and how they name reasoning, cached tokens and log probabilities.
Nothing that was not sent is made up: tokens that a server does not report count as zero. Tools are offered to no
model; a call of one that comes all the same, in the place of a text, is told as text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from distill_core.errors import DistillError
from distill_core.models.base import IMPOSSIBLE, MOST_TOKENS, Delta, LMResponse, OnDelta, TokenLogprob, Usage
from distill_core.text import SURROGATE

MOST_CHARACTERS = 4_000_000
"""Of a reply. No model writes more at once; a server that does is at fault, and what it sends would fill the memory."""
REASONING_FIELDS = ("reasoning_content", "reasoning")


class MalformedReply(DistillError):
    """The server's answer is not a chat completion."""


def read_reply(data: object, *, model: str, elapsed: float, attempts: int) -> LMResponse:
    """A whole chat completion, decoded from JSON.

    Raises:
        MalformedReply: it is none.
    """
    choice = _first_choice(data)
    message = _mapping(choice.get("message"))
    if not isinstance(data, Mapping) or not message:
        raise MalformedReply("not a chat completion", found=f"no choices in {str(data)[:200]!r}")
    text = (
        _text(message.get("content"))
        or _text(message.get("refusal"))
        or _tool_calls(map(_function, _sequence(message.get("tool_calls"))))
    )
    reasoning = _reasoning(message)
    too_long = max(len(text), len(reasoning)) > MOST_CHARACTERS
    return LMResponse(
        text=text[:MOST_CHARACTERS],
        usage=read_usage(data.get("usage")),
        model=_text(data.get("model")) or model,
        elapsed=elapsed,
        finish_reason="length" if too_long else choice.get("finish_reason"),
        reasoning=reasoning[:MOST_CHARACTERS] or None,
        logprobs=read_logprobs(choice.get("logprobs")),
        attempts=attempts,
    )


class StreamedReply:
    """A reply as it grows, chunk by chunk.

    Args:
        on_delta: told each piece of text or reasoning as it comes.
    """

    def __init__(self, on_delta: OnDelta) -> None:
        self.pieces = 0
        self.characters = 0
        self._on_delta = on_delta
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._tools: dict[int, tuple[str, str]] = {}
        self._logprobs: list[TokenLogprob] = []
        self._usage = Usage(calls=1)
        self._model = ""
        self._finish_reason: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the model said that it had come to its end."""
        return self._finish_reason is not None

    @property
    def too_long(self) -> bool:
        """Whether more came than any model writes; what there is counts as cut off."""
        return self.characters > MOST_CHARACTERS

    def add(self, chunk: object) -> None:
        """Take in one chunk, decoded from JSON."""
        data = _mapping(chunk)
        self._model = _text(data.get("model")) or self._model
        if data.get("usage"):
            self._usage = read_usage(data["usage"])
        choice = _first_choice(data)
        delta = _mapping(choice.get("delta"))
        if reasoning := _reasoning(delta):
            self._reasoning.append(reasoning)
            self._tell(Delta("reasoning", reasoning))
        if text := _text(delta.get("content")) or _text(delta.get("refusal")):
            self._text.append(text)
            self._tell(Delta("text", text))
        for call in map(_mapping, _sequence(delta.get("tool_calls"))):
            index = call.get("index")
            place = index if isinstance(index, int) else len(self._tools)
            name, arguments = self._tools.get(place, ("", ""))
            more = _function(call)
            self._tools[place] = (name + more[0], arguments + more[1])
            self.characters += len(more[0]) + len(more[1])
        self._logprobs += read_logprobs(choice.get("logprobs")) or ()
        self._finish_reason = choice.get("finish_reason") or self._finish_reason

    def response(self, *, model: str, elapsed: float, attempts: int) -> LMResponse:
        """The reply so far."""
        return LMResponse(
            text=_joined(self._text) or _tool_calls(self._tools.values()),
            usage=self._usage,
            model=self._model or model,
            elapsed=elapsed,
            finish_reason="length" if self.too_long else self._finish_reason,
            reasoning=_joined(self._reasoning) or None,
            logprobs=tuple(self._logprobs) or None,
            attempts=attempts,
        )

    def tell(self, response: LMResponse) -> None:
        """Tell a whole reply as if it had come in pieces."""
        if response.reasoning:
            self._tell(Delta("reasoning", response.reasoning))
        if response.text:
            self._tell(Delta("text", response.text))

    def void(self) -> None:
        """What came is no reply: the call is made again."""
        if self.pieces:
            self._on_delta(Delta("again", ""))

    def _tell(self, delta: Delta) -> None:
        self.pieces += 1
        self.characters += len(delta.text)
        self._on_delta(delta)


def read_usage(data: object) -> Usage:
    """Token counts of one call; what is missing is zero.

    Cached tokens stand in `prompt_tokens_details.cached_tokens` (OpenAI, vLLM, llama.cpp) or beside the
    totals (Together); reasoning tokens in `completion_tokens_details.reasoning_tokens`.
    """
    usage = _mapping(data)
    prompt = _mapping(usage.get("prompt_tokens_details"))
    completion = _mapping(usage.get("completion_tokens_details"))
    return Usage(
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        cached_tokens=_count(prompt.get("cached_tokens")) or _count(usage.get("cached_tokens")),
        reasoning_tokens=_count(completion.get("reasoning_tokens")) or _count(usage.get("reasoning_tokens")),
        calls=1,
    )


def read_logprobs(data: object) -> tuple[TokenLogprob, ...] | None:
    """Log probabilities in OpenAI's form (`content`), or the older one of parallel lists that Together uses."""
    logprobs = _mapping(data)
    content = _sequence(logprobs.get("content"))
    if content:
        entries = [_mapping(item) for item in content]
        return tuple(
            TokenLogprob(
                token=_text(entry.get("token")),
                logprob=_number(entry.get("logprob")),
                top=_alternatives(_mapping(item) for item in _sequence(entry.get("top_logprobs"))),
            )
            for entry in entries
        )
    tokens, values = _sequence(logprobs.get("tokens")), _sequence(logprobs.get("token_logprobs"))
    if not tokens or len(tokens) != len(values):
        return None
    tops = [_mapping(top) for top in _sequence(logprobs.get("top_logprobs"))] or [{} for _ in tokens]
    return tuple(
        TokenLogprob(
            token=_text(token),
            logprob=_number(value),
            top=tuple((str(name), _number(other)) for name, other in top.items()),
        )
        for token, value, top in zip(tokens, values, tops, strict=False)
    )


def _alternatives(entries: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, float], ...]:
    return tuple((_text(entry.get("token")), _number(entry.get("logprob"))) for entry in entries)


def _first_choice(data: object) -> Mapping[str, Any]:
    choices = _sequence(_mapping(data).get("choices"))
    return _mapping(choices[0]) if choices else {}


def _reasoning(message: Mapping[str, Any]) -> str:
    return next((found for name in REASONING_FIELDS if (found := _text(message.get(name)))), "")


def _text(value: object) -> str:
    """A string, or the text parts of a list of content parts."""
    if isinstance(value, str):
        return value
    return "".join(_text(_mapping(part).get("text")) for part in _sequence(value))


def _joined(pieces: Sequence[str]) -> str:
    """The pieces as one. A character beyond the 16 bits of JSON's escapes may have been cut into two of them."""
    text = "".join(pieces)
    if any(map(SURROGATE.search, pieces)):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return text


def _function(call: object) -> tuple[str, str]:
    """Name and arguments of a tool call, or of a piece of one."""
    function = _mapping(_mapping(call).get("function"))
    return _text(function.get("name")), _text(function.get("arguments"))


def _tool_calls(calls: Iterable[tuple[str, str]]) -> str:
    """Tool calls in the form in which models without an API for them write them."""
    return "\n".join(
        f"<tool_call>{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=False)}</tool_call>"
        for name, arguments in calls
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _count(value: object) -> int:
    """A number of tokens: what is none, below nothing, or more than any call can have, counts as not reported."""
    return int(value) if isinstance(value, (int, float)) and 0 <= value <= MOST_TOKENS else 0


def _number(value: object) -> float:
    """A log probability; a token without one is impossible (minus infinity is not JSON, some servers send null)."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else IMPOSSIBLE
