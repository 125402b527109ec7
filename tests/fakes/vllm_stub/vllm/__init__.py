"""Stands in for vLLM where it is not installed: a model that repeats, as loud as the real one, strict about threads."""

from __future__ import annotations

import logging
import os
import sys
import threading
from types import SimpleNamespace
from typing import Any

threads: set[int] = set()
batches: list[dict[str, Any]] = []
logger = logging.getLogger("vllm")


class SamplingParams:
    """Takes what the tests send, and nothing else, as the real one does."""

    def __init__(
        self,
        max_tokens: int = 16,
        temperature: float = 1.0,
        top_p: float = 1.0,
        seed: int | None = None,
        logprobs: int | None = None,
    ) -> None:
        self.max_tokens = max_tokens
        self.temperature = temperature
        self.top_p = top_p
        self.seed = seed
        self.logprobs = logprobs


class LLM:
    """A token is a word; the reply is the prompt's first words again."""

    def __init__(self, model: str, max_model_len: int = 32, **ignored: Any) -> None:
        threads.add(threading.get_ident())
        if not logger.handlers:
            logger.addHandler(logging.StreamHandler(sys.stdout))
            logger.propagate = False
        print("INFO loading")
        os.write(1, b"INFO from C++\n")
        print("WARNING loud", file=sys.stderr)
        if model.endswith("broken"):
            where = b"(EngineCore pid=35) ERROR 11-21 06:25:53 [core.py:1134] "
            os.write(2, where + b"ValueError: no room for the weights\n")
            raise RuntimeError("Engine core initialization failed. See root cause above.")
        self.chat_template = None
        self.model_config = SimpleNamespace(
            max_model_len=max_model_len, get_diff_sampling_param=lambda: {"top_p": 0.5}
        )
        self.llm_engine = SimpleNamespace(engine_core=SimpleNamespace(shutdown=self._shut))
        self.words: list[str] = []

    def get_tokenizer(self) -> LLM:
        threads.add(threading.get_ident())
        return self

    def apply_chat_template(self, messages: list[dict[str, str]], **options: Any) -> list[int]:
        words = messages[-1]["content"].split()
        self.words += words
        return list(range(len(self.words) - len(words), len(self.words)))

    def generate(
        self, prompts: list[dict[str, Any]], sampling: list[SamplingParams], *, use_tqdm: bool = True
    ) -> list[Any]:
        threads.add(threading.get_ident())
        batches.append({"prompts": prompts, "sampling": sampling, "use_tqdm": use_tqdm})
        tokens = [prompt["prompt_token_ids"] for prompt in prompts]
        said = [" ".join(self.words[token] for token in ids) for ids in tokens]
        if "explode" in said:
            raise RuntimeError("the engine died\nwith a long story")
        return [self._output(*each) for each in zip(tokens, said, sampling, strict=True)]

    def _output(self, ids: list[int], text: str, sampling: SamplingParams) -> Any:
        kept = ids[: sampling.max_tokens]
        places = [{token: SimpleNamespace(decoded_token=self.words[token], logprob=-0.5)} for token in kept]
        best = SimpleNamespace(
            text=" ".join(text.split()[: sampling.max_tokens]),
            token_ids=kept,
            finish_reason="stop" if len(kept) == len(ids) else "length",
            logprobs=None if sampling.logprobs is None else places,
        )
        return SimpleNamespace(outputs=[best], prompt_token_ids=ids, num_cached_tokens=None)

    def _shut(self) -> None:
        threads.add(threading.get_ident())
