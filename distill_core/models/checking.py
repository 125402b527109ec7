"""What anybody's handler gave back, checked before it is counted and logged: a reply that is none is a failed call."""

from __future__ import annotations

import math

import msgspec

from distill_core.errors import ModelError
from distill_core.models.base import IMPOSSIBLE, MOST_TOKENS, LMResponse, TokenLogprob, Usage
from distill_core.text import encodable

_TEXTS = ("text", "model", "finish_reason", "reasoning")
_COUNTS = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "calls")


def checked(reply: object) -> LMResponse:
    """`reply`, if it is an `LMResponse` with what its fields promise. Lone surrogates in its texts are spelled out.

    Raises:
        ModelError: it is not; says what it is instead.
    """
    if not isinstance(reply, LMResponse):
        raise _wrong(f"{type(reply).__name__} instead of an LMResponse")
    for name in ("text", "model"):
        if not isinstance(value := getattr(reply, name), str):
            raise _wrong(f"LMResponse.{name} is {type(value).__name__}, not str")
    for name in ("finish_reason", "reasoning"):
        if not isinstance(value := getattr(reply, name), str | None):
            raise _wrong(f"LMResponse.{name} is {type(value).__name__}, not str or None")
    if not isinstance(reply.usage, Usage):
        raise _wrong(f"LMResponse.usage is {type(reply.usage).__name__}, not Usage")
    for name in _COUNTS:
        count = getattr(reply.usage, name)
        if type(count) is not int or not 0 <= count <= MOST_TOKENS:
            raise _wrong(f"Usage.{name} is {count!r:.50}, not a count")
    if not isinstance(reply.logprobs, tuple | None) or not all(map(_is_entry, reply.logprobs or ())):
        raise _wrong("LMResponse.logprobs is not a tuple of TokenLogprob")
    if type(reply.attempts) is not int or not 0 <= reply.attempts <= MOST_TOKENS:
        raise _wrong(f"LMResponse.attempts is {reply.attempts!r:.50}, not a count")
    if not _is_number(reply.elapsed) or not math.isfinite(reply.elapsed):
        raise _wrong(f"LMResponse.elapsed is {reply.elapsed!r:.50}, not a number")
    return _encodable(reply)


def _encodable(reply: LMResponse) -> LMResponse:
    texts = {name: value for name in _TEXTS if (value := getattr(reply, name)) is not None}
    changed: dict[str, object] = {
        name: safe for name, value in texts.items() if (safe := encodable(value)) is not value
    }
    if reply.logprobs:
        safe_entries = tuple(map(_encodable_entry, reply.logprobs))
        if safe_entries != reply.logprobs:
            changed["logprobs"] = safe_entries
    return msgspec.structs.replace(reply, **changed) if changed else reply


def _encodable_entry(entry: TokenLogprob) -> TokenLogprob:
    top = tuple((encodable(token), _finite(value)) for token, value in entry.top)
    return TokenLogprob(token=encodable(entry.token), logprob=_finite(entry.logprob), top=top)


def _finite(logprob: float) -> float:
    """A log probability that JSON can hold; of what cannot be it is minus infinity."""
    return logprob if math.isfinite(logprob) else IMPOSSIBLE


def _is_entry(value: object) -> bool:
    return (
        isinstance(value, TokenLogprob)
        and isinstance(value.token, str)
        and _is_number(value.logprob)
        and isinstance(value.top, tuple)
        and all(
            isinstance(t, tuple) and len(t) == 2 and isinstance(t[0], str) and _is_number(t[1])
            for t in value.top
        )
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong(found: str) -> ModelError:
    return ModelError("the model's handler answered wrongly", found=found)
