"""What is sent to an OpenAI-compatible server, and what a server has taught us not to send.

Parameters go out as given. Where a server refuses one by name, the call is made again without it (or under
its other name), and so are all later ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from distill_core.models.base import Message

REPLACED: dict[str, str | None] = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
    "temperature": None,
    "stream_options": None,
    "logprobs": None,
    "top_logprobs": None,
}
"""Parameters that a server may refuse, and the name that means the same elsewhere (None: go without)."""

REFUSED = re.compile(
    r"unsupported|not supported|n['o]t support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed",
    re.I,
)


class Dialect:
    """Which of the replaceable parameters one endpoint refuses, learned from its answers."""

    def __init__(self) -> None:
        self.refused: set[str] = set()

    def body(
        self, model: str, messages: Sequence[Message], params: Mapping[str, Any], *, stream: bool
    ) -> dict[str, Any]:
        """The JSON body of a call. A parameter that is None is not sent; `extra_body` is merged in as it is."""
        body: dict[str, Any] = {"model": model, "messages": list(messages)}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        for name, value in params.items():
            if value is not None and name != "extra_body":
                body[name] = value
        body |= params.get("extra_body") or {}
        for name in self.refused & body.keys():
            value = body.pop(name)
            other = REPLACED[name]
            if other is not None and other not in self.refused:
                body.setdefault(other, value)
        return body

    def learn(self, body: Mapping[str, Any], *, param: str | None, message: str) -> bool:
        """Whether a refusal of `body` names something that can be left out; it then is, from now on.

        A value that is merely out of range ("max_tokens is too large") is the caller's to correct.
        """
        if not REFUSED.search(message):
            return False
        named = {
            name
            for name in REPLACED
            if name in body and (name == param or re.search(rf"(?<!\w){name}(?!\w)", message))
        }
        if "max_completion_tokens" not in body:
            named.discard("max_completion_tokens")
        if "logprobs" in named:
            named.add("top_logprobs")
        if not named - self.refused:
            return False
        self.refused |= named
        return True
