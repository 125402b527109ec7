"""Models that say what a test tells them to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from distill_core.errors import ModelError
from distill_core.models.base import LMResponse, Message, ModelHandler, Usage


class Scripted(ModelHandler):
    """Gives its replies one after the other; an exception among them is raised. Keeps what it was sent."""

    def __init__(self, *replies: str | Exception | LMResponse, model: str = "scripted") -> None:
        self.model = model
        self.sent: list[list[Message]] = []
        self._replies = list(replies)

    def chat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        self.sent.append(list(messages))
        if not self._replies:
            raise ModelError("the script is at its end")
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, LMResponse):
            return reply
        return LMResponse(
            text=reply, model=self.model, usage=Usage(prompt_tokens=10, completion_tokens=5, calls=1)
        )

    async def achat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        # On the loop, so that calls made at once are answered in their order.
        return self.chat(messages, **kwargs)

    def chat_batch(self, message_batches: Sequence[Sequence[Message]], **kwargs: Any) -> list[LMResponse]:
        return [self.chat(messages, **kwargs) for messages in message_batches]


class Answering(ModelHandler):
    """Answers each prompt by a function of it; raises where the function raises."""

    def __init__(
        self,
        answer: Callable[[str], str],
        *,
        usage: Usage | None = None,
        sampling: dict[str, Any] | None = None,
    ) -> None:
        self.model = "answering"
        self.usage = usage or Usage(prompt_tokens=10, completion_tokens=5, calls=1)
        self.prompts: list[str] = []
        self._answer = answer
        self._sampling = sampling or {}

    def sampling(self) -> dict[str, Any]:
        return self._sampling

    def chat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        prompt = messages[-1]["content"]
        self.prompts.append(prompt)
        return LMResponse(text=self._answer(prompt), model=self.model, usage=self.usage)

    def chat_batch(self, message_batches: Sequence[Sequence[Message]], **kwargs: Any) -> list[LMResponse]:
        return [self.chat(messages, **kwargs) for messages in message_batches]


def echo() -> Answering:
    """A worker that gives its prompt back in brackets."""
    return Answering(lambda prompt: f"W<{prompt}>")
