"""What a model is to the engine: messages in, text and usage out.

A backend subclasses `ModelHandler` with `chat` and `chat_batch` and works everywhere; `achat` is the richer,
optional method (async, streaming) that the engine prefers where a handler brings its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

Message: TypeAlias = dict[str, Any]
"""One chat message as it is sent: at least `role` and `content`."""


IMPOSSIBLE = -9999.0
"""Stands for a log probability of minus infinity, which JSON cannot hold."""
MOST_TOKENS = 10**9
"""Of one call; whoever tells of more is wrong."""
MOST = 10**15
"""No number in a log is larger. An index, which has 64 bits, could not add larger ones up."""
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=-MOST, le=MOST)]
"""A number in a log."""
MOST_STEPS = 100_000
"""Of a session. Whoever reads a step of a log makes those before it too."""
StepNumber: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MOST_STEPS)]
"""A supervisor turn in a log."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one call, or the sum over several.

    Args:
        prompt_tokens: tokens read, those served from the server's prefix cache included.
        completion_tokens: tokens written, reasoning included.
        cached_tokens: the part of `prompt_tokens` that the server had cached.
        reasoning_tokens: the part of `completion_tokens` that was hidden reasoning.
        calls: how many calls this sums.
    """

    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    cached_tokens: Count = 0
    reasoning_tokens: Count = 0
    calls: Count = 0

    @property
    def total_tokens(self) -> int:
        """Tokens read and written."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            calls=self.calls + other.calls,
        )


class TokenLogprob(msgspec.Struct, frozen=True, kw_only=True):
    """One generated token with its log probability (natural log) and the best alternatives at its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class LMResponse(msgspec.Struct, frozen=True):
    """What one model call gave back.

    Args:
        text: the reply, without the reasoning that servers report apart.
        usage: its tokens. Its `calls` need not be set: the engine counts `attempts`.
        model: the model's name as the server reports it.
        elapsed: seconds from sending to the last token.
        finish_reason: "stop", "length", … as the server says; None where it does not.
        reasoning: hidden reasoning where the server returns it.
        logprobs: one entry a generated token where they were asked for and given.
        cached: answered from the response cache, so not paid for again.
        attempts: requests made, retries included.
    """

    text: str
    usage: Usage = Usage(calls=1)
    model: str = ""
    elapsed: float = 0.0
    finish_reason: str | None = None
    reasoning: str | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    cached: bool = False
    attempts: int = 1

    def spent(self) -> Usage:
        """What the reply cost: nothing if it was kept, else its usage with every attempt as a call."""
        return Usage() if self.cached else msgspec.structs.replace(self.usage, calls=self.attempts)


class Delta(msgspec.Struct, frozen=True):
    """A piece of a reply while it streams, or "again": what came is void, the reply begins anew. Never logged."""

    kind: Literal["text", "reasoning", "again"]
    text: str


OnDelta: TypeAlias = Callable[[Delta], None]


class ModelHandler(ABC):
    """A language model. Subclass with `chat` and `chat_batch`; set `model` and `total_usage` if you have them."""

    model: str = "unknown"
    total_usage: Usage = Usage()

    native_async: bool = False
    """Whether `achat` is the handler's own. Where it is not, batches go to `chat_batch` whole."""

    logprobs: bool = False
    """Whether `chat(…, logprobs=True, top_logprobs=n)` returns `LMResponse.logprobs`."""

    cacheable: bool = True
    """Whether the response cache may answer for it. Not where replies cost nothing or depend on the session."""

    metered: bool = True
    """Whether its calls take tokens, which bounds count. Not where no model is asked."""

    primitives: tuple[str, ...] = ()
    """Further functions of the REPL that it wants as a supervisor: "worker_yes"."""

    @abstractmethod
    def chat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        """Answer one conversation. `kwargs` are sampling parameters: temperature, max_tokens, seed, …

        Raises:
            ModelError: the call failed for good.
        """

    @abstractmethod
    def chat_batch(self, message_batches: Sequence[Sequence[Message]], **kwargs: Any) -> list[LMResponse]:
        """Answer several conversations, as many replies as given, in their order."""

    async def achat(
        self, messages: Sequence[Message], *, on_delta: OnDelta | None = None, **kwargs: Any
    ) -> LMResponse:
        """Answer one conversation without blocking the event loop; `on_delta` gets pieces as they come."""
        from distill_core.off_loop import off_loop  # whoever reads logs needs no loop

        response = await off_loop(self.chat, messages, **kwargs)
        if on_delta is not None and isinstance(response, LMResponse) and isinstance(response.text, str):
            on_delta(Delta("text", response.text))
        return response

    async def achat_batch(
        self, message_batches: Sequence[Sequence[Message]], **kwargs: Any
    ) -> list[LMResponse]:
        """Answer several conversations without blocking the event loop."""
        from distill_core.off_loop import off_loop

        return await off_loop(self.chat_batch, message_batches, **kwargs)

    def sampling(self) -> dict[str, Any]:
        """The parameters that every call is sent with, for the log and the response cache."""
        return {}

    async def aclose(self) -> None:
        """Give back what the handler holds (connections, a server it started). Safe to call twice."""
        return
