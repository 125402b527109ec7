"""What anybody's handler gave back, checked before it is counted and logged: a reply that is none is a failed call."""

from __future__ import annotations

from distill_core.errors import ModelError
from distill_core.models.base import LMResponse, Usage

_COUNTS = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "calls")


def checked(reply: object) -> LMResponse:
    """`reply`, if it is an `LMResponse` with what its fields promise.

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
        if type(count) is not int or count < 0:
            raise _wrong(f"Usage.{name} is {count!r:.50}, not a count")
    if type(reply.attempts) is not int or reply.attempts < 0:
        raise _wrong(f"LMResponse.attempts is {reply.attempts!r:.50}, not a count")
    if not isinstance(reply.elapsed, int | float):
        raise _wrong(f"LMResponse.elapsed is {type(reply.elapsed).__name__}, not a number")
    return reply


def _wrong(found: str) -> ModelError:
    return ModelError("the model's handler answered wrongly", found=found)
