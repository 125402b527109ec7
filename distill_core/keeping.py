"""Kept replies to equal calls, as the engine uses them: a cache that fails is switched off, never a session's end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from distill_core.models.base import LMResponse, Message, ModelHandler


class Replies(Protocol):
    """Where replies to equal calls are kept; see `models.cache`."""

    async def find(
        self, model: ModelHandler, messages: Sequence[Message], params: dict[str, Any]
    ) -> LMResponse | None:
        """The reply kept for this occurrence of the call, if any."""
        ...

    async def keep(
        self, model: ModelHandler, messages: Sequence[Message], params: dict[str, Any], reply: LMResponse
    ) -> None:
        """Keep `reply`."""
        ...


class Spared:
    """`replies` for as long as they work; `on_trouble` is told in one line what ended that."""

    def __init__(self, replies: Replies | None, on_trouble: Callable[[str], None] = lambda _: None) -> None:
        self._replies = replies
        self._tell = on_trouble

    async def find(
        self, model: ModelHandler, messages: Sequence[Message], params: dict[str, Any]
    ) -> LMResponse | None:
        """A kept reply; None where there is none, and from the first failure on."""
        if self._replies is None:
            return None
        try:
            return await self._replies.find(model, messages, params)
        except Exception as error:  # noqa: BLE001  # a disk's or a file's trouble must not cost a paid call
            self._off(error)
            return None

    async def keep(
        self, model: ModelHandler, messages: Sequence[Message], params: dict[str, Any], reply: LMResponse
    ) -> None:
        """Keep `reply`, if that works."""
        if self._replies is None:
            return
        try:
            await self._replies.keep(model, messages, params, reply)
        except Exception as error:  # noqa: BLE001  # as above
            self._off(error)

    def _off(self, error: Exception) -> None:
        if self._replies is None:  # calls in flight fail together
            return
        self._replies = None
        self._tell(f"the response cache is switched off for this session: {error}")
