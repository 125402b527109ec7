"""Replies that were recorded, given again: for review, forks and tests. No model is called.

In order, each call must be the one that was recorded at its place. By prompt, calls may come in any order, as
workers' do; equal prompts get their replies in the order they were recorded.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from distill_core.errors import DivergenceError
from distill_core.models.base import Delta, LMResponse, Message, ModelHandler, OnDelta, Usage
from distill_core.plurals import count

Prompt: TypeAlias = Sequence[Message] | str | None
"""What was asked: all messages, or the text of the last one, or unknown (fits anything, in order only)."""

AROUND = 40


class RecordedHandler(ModelHandler):
    """Gives recorded replies.

    Args:
        replies: pairs of what was asked and what was answered.
        order: "recorded", or "prompt" where calls come in any order.
        model: the name it goes by; that of the first reply if not given.
    """

    native_async = True
    cacheable = False

    def __init__(
        self,
        replies: Iterable[tuple[Prompt, LMResponse]],
        *,
        order: Literal["recorded", "prompt"] = "recorded",
        model: str | None = None,
    ) -> None:
        recorded = list(replies)
        self.model = model or next((reply.model for _, reply in recorded if reply.model), "recorded")
        self.logprobs = any(reply.logprobs is not None for _, reply in recorded)
        self.total_usage = Usage()
        self._in_order = deque(recorded) if order == "recorded" else None
        self._by_prompt = _by_prompt(recorded) if order == "prompt" else {}
        self._given = 0
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """How many replies have not been asked for."""
        if self._in_order is not None:
            return len(self._in_order)
        return sum(len(replies) for replies in self._by_prompt.values())

    def chat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        """The reply recorded for `messages`.

        Raises:
            DivergenceError: something else was recorded, or nothing more.
        """
        with self._lock:
            reply = self._next(messages) if self._in_order is not None else self._matching(messages)
            self._given += 1
            self.total_usage += reply.usage
        return reply

    def chat_batch(self, message_batches: Sequence[Sequence[Message]], **kwargs: Any) -> list[LMResponse]:
        """The replies recorded for several conversations, in their order."""
        return [self.chat(messages, **kwargs) for messages in message_batches]

    async def achat(
        self, messages: Sequence[Message], *, on_delta: OnDelta | None = None, **kwargs: Any
    ) -> LMResponse:
        """`chat`, at once; with `on_delta` the reply is told in one piece."""
        reply = self.chat(messages, **kwargs)
        if on_delta is not None:
            if reply.reasoning:
                on_delta(Delta("reasoning", reply.reasoning))
            on_delta(Delta("text", reply.text))
        return reply

    def _next(self, messages: Sequence[Message]) -> LMResponse:
        assert self._in_order is not None
        if not self._in_order:
            raise DivergenceError(
                f"the recording ends after {count(self._given, 'call')}",
                found=f"one more was asked: {_shown(_last_text(messages), 0)}",
                remedy="go on with a model",
            )
        expected, reply = self._in_order[0]
        difference = _difference(expected, messages)
        if difference is not None:
            raise DivergenceError(
                f"call {self._given + 1} is not the one that was recorded",
                found=difference,
                remedy="go on with a model from here, or undo what changed",
            )
        self._in_order.popleft()
        return reply

    def _matching(self, messages: Sequence[Message]) -> LMResponse:
        for key in (_key(messages), _key(_last_text(messages))):
            if self._by_prompt.get(key):
                return self._by_prompt[key].popleft()
        raise DivergenceError(
            "no reply is left for this prompt in the recording",
            found=f"asked: {_shown(_last_text(messages), 0)}",
            remedy="go on with a model, or undo what changed",
        )


def _by_prompt(recorded: Iterable[tuple[Prompt, LMResponse]]) -> dict[str, deque[LMResponse]]:
    found: defaultdict[str, deque[LMResponse]] = defaultdict(deque)
    for number, (prompt, reply) in enumerate(recorded, start=1):
        if prompt is None:
            raise ValueError(f"reply {number} has no prompt to be found by")
        found[_key(prompt)].append(reply)
    return dict(found)


def _key(prompt: Sequence[Message] | str) -> str:
    """Distinct for distinct prompts; a text is never equal to a list of messages."""
    return msgspec.json.encode(prompt, order="sorted").decode()


def _last_text(messages: Sequence[Message]) -> str:
    content = messages[-1].get("content") if messages else ""
    return content if isinstance(content, str) else msgspec.json.encode(content).decode()


def _difference(expected: Prompt, messages: Sequence[Message]) -> str | None:
    """Where what was asked leaves what was recorded, in one line; None where it does not."""
    if expected is None:
        return None
    if isinstance(expected, str):
        return _text_difference(expected, _last_text(messages), "the prompt")
    for number, (recorded, asked) in enumerate(zip(expected, messages, strict=False), start=1):
        if recorded != asked:
            where = f"message {number} ({asked.get('role')})"
            if recorded.get("role") != asked.get("role"):
                return f"{where}: the recorded one is from {recorded.get('role')}"
            return _text_difference(_last_text([recorded]), _last_text([asked]), where) or f"{where} differs"
    if len(expected) != len(messages):
        return f"{len(expected)} messages were recorded, {len(messages)} asked"
    return None


def _text_difference(recorded: str, asked: str, where: str) -> str | None:
    if recorded == asked:
        return None
    pairs = enumerate(zip(recorded, asked, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(recorded), len(asked)))
    return f"{where}, from character {at}: recorded {_shown(recorded, at)}, asked {_shown(asked, at)}"


def _shown(text: str, at: int) -> str:
    """A short, quoted piece of `text` from a little before `at`."""
    start, end = max(0, at - AROUND // 2), at + AROUND
    piece = text[start:end]
    return f"{'…' if start else ''}{piece!r}{'…' if end < len(text) else ''}"
