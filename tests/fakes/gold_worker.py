"""A worker that knows one question's gold answer, and gives it only for a piece that holds the evidence for it.

It looks into the text it is sent, every time: all evidence there, it answers with the gold and a quote; some of it,
it states what stands there; none, it says NONE. Gold without evidence is its own: what stands there of it is named.
Asked for Yes or No, it says with certainty whether any is there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from distill_core.models.base import LMResponse, Message, ModelHandler, TokenLogprob, Usage


class GoldWorker(ModelHandler):
    """The stub.

    Args:
        gold: what it answers with.
        evidence: what a piece must hold, near enough word for word; empty: each of `gold` itself must stand there.
        tells_probabilities: whether it gives logprobs.
    """

    model = "gold-stub"

    def __init__(
        self, gold: Sequence[str], evidence: Sequence[str] = (), *, tells_probabilities: bool = True
    ) -> None:
        self.gold = tuple(gold)
        self.evidence = tuple(s for item in evidence for s in _sentences(item) if len(s.split()) > 3)
        self.logprobs = tells_probabilities
        self.prompts: list[str] = []
        self.total_usage = Usage()

    def reply(self, prompt: str) -> str:
        """What it says to `prompt`."""
        self.prompts.append(prompt)
        piece, _, asked = prompt.rpartition("\n---\n")
        quotes = self._quotes(piece)
        held = [quote for quote in quotes if quote]
        if "Yes or No" in asked:
            return "Yes" if held else "No"
        if not held:
            return "NONE"
        if not self.evidence:
            said = ", ".join(one for one, quote in zip(self.gold, quotes, strict=True) if quote)
        else:
            said = ", ".join(self.gold) if all(quotes) else held[0]
        return f"{said}\n“{held[0]}”"

    def yes(self, prompts: Sequence[str]) -> list[float | None]:
        """P("Yes") for each prompt."""
        return [float(self.reply(prompt) == "Yes") if self.logprobs else None for prompt in prompts]

    def chat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        """Answer the last message."""
        text = self.reply(str(messages[-1]["content"]))
        word = TokenLogprob(token=text.split()[0], logprob=0.0, top=((text.split()[0], 0.0),))
        given = (word,) if self.logprobs and kwargs.get("logprobs") else None
        return LMResponse(text=text, model=self.model, finish_reason="stop", logprobs=given)

    def chat_batch(self, message_batches: Sequence[Sequence[Message]], **kwargs: Any) -> list[LMResponse]:
        """Answer each conversation."""
        return [self.chat(messages, **kwargs) for messages in message_batches]

    def _quotes(self, piece: str) -> list[str]:
        """For each thing that must stand in `piece`: the sentence there that holds it, or ""."""
        sentences = _sentences(piece)
        if self.evidence:
            return [
                max(sentences, key=lambda s: _share(e, s), default="")
                if any(_share(e, s) >= 0.75 for s in sentences)
                else ""
                for e in self.evidence
            ]
        return [
            next((s for s in sentences if re.search(rf"(?<!\w){re.escape(g)}(?!\w)", s)), "")
            for g in self.gold
        ]


def _sentences(text: str) -> list[str]:
    # Documents lose spaces: "was demolished.At least" ends a sentence too.
    return [" ".join(s.split()) for s in re.split(r"(?<=[.!?])(?:\s+|(?=[A-Z]))|\n\s*\n", text) if s.strip()]


def _share(wanted: str, sentence: str) -> float:
    """The share of `wanted`'s words that stand in `sentence`, which may not be much longer."""
    words, there = re.findall(r"\w+", wanted.lower()), re.findall(r"\w+", sentence.lower())
    if len(there) > 2 * len(words) + 8:
        return 0.0
    return sum(word in there for word in words) / len(words)
