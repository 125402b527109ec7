"""`vllm.LLM` in this process: one thread of its own, its output in a file, no prompt able to spoil a batch."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO, TypeVar

from distill_core.errors import ModelError
from distill_core.models import vllm_log
from distill_core.models.base import LMResponse, Message, TokenLogprob, Usage

T = TypeVar("T")
STDOUT, STDERR = 1, 2
QUIET = {"VLLM_NO_USAGE_STATS": "1", "VLLM_DO_NOT_TRACK": "1", "TQDM_DISABLE": "1"}
"""Nothing is reported to anybody about what runs here, and no progress bar is drawn."""

_redirecting = threading.Lock()
_redirected: weakref.WeakSet[logging.StreamHandler[Any]] = weakref.WeakSet()
"""vLLM's logging handlers, made once in a process: they write to the log of the engine that was loaded last."""


class Engine:
    """A loaded model. `vllm.LLM` is not thread-safe, so every call to it is made on the one thread kept here.

    Args:
        model_path: folder of the weights, or their name on the hub.
        model: the name that replies carry.
        log_path: file that everything vLLM prints is appended to, its worker processes included.
        engine_args: for `vllm.LLM`.

    Raises:
        ModelError: vLLM could not load the model.
    """

    def __init__(self, model_path: str, model: str, log_path: Path, engine_args: Mapping[str, Any]) -> None:
        self.model = model
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vllm")
        self._log_path = log_path
        log_path.parent.mkdir(parents=True, exist_ok=True)
        # Never closed by hand: logging handlers go on writing to it after the model is unloaded.
        self._log = log_path.open("a", encoding="utf-8", buffering=1)
        try:
            self._llm: Any = self._on_thread(lambda: self._load(model_path, engine_args))
        except ModelError:
            self._thread.shutdown()
            raise

    def answer(
        self, conversations: Sequence[Sequence[Message]], params: Mapping[str, Any]
    ) -> list[LMResponse | ModelError]:
        """A reply or an error for each conversation, in their order; all that can be answered are, as one batch."""
        return self._on_thread(lambda: self._answer(conversations, params))

    def close(self) -> None:
        """Unload the model and end its worker processes."""
        if self._llm is not None:
            self._on_thread(self._unload)
            self._thread.shutdown()

    def _on_thread(self, work: Callable[[], T]) -> T:
        return self._thread.submit(work).result()

    def _load(self, model_path: str, engine_args: Mapping[str, Any]) -> Any:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        # Worker processes are started here and inherit what stdout and stderr are now, for good.
        with _standard_streams_to(self._log), _loggers_to(self._log):
            start = vllm_log.size(self._log_path)
            try:
                return import_module("vllm").LLM(model=model_path, **engine_args)
            except Exception as error:
                # vLLM raises whatever its layers raise (ValueError, RuntimeError, OSError, pydantic's errors,
                # …).
                raise ModelError(
                    f"vLLM cannot load {model_path}",
                    found=vllm_log.root_cause(self._log_path, start) or _first_line(error),
                    remedy=f"the whole log is in {self._log_path}",
                ) from error

    def _unload(self) -> None:
        llm, self._llm = self._llm, None
        llm.llm_engine.engine_core.shutdown()

    def _answer(
        self, conversations: Sequence[Sequence[Message]], params: Mapping[str, Any]
    ) -> list[LMResponse | ModelError]:
        started = time.monotonic()
        results: dict[int, LMResponse | ModelError] = {}
        ready: dict[int, list[int]] = {}
        for number, messages in enumerate(conversations):
            try:
                ready[number] = self._tokens(messages)
            except ModelError as error:
                results[number] = error
        try:
            outputs = self._generate(list(ready.values()), params) if ready else []
        except ModelError as error:
            results |= dict.fromkeys(ready, error)
        else:
            elapsed = time.monotonic() - started
            for number, output in zip(ready, outputs, strict=True):
                results[number] = self._reply(output, elapsed)
        return [results[number] for number in range(len(conversations))]

    def _tokens(self, messages: Sequence[Message]) -> list[int]:
        """The prompt as token ids. One that leaves no room for a reply would fail the whole batch: it fails here."""
        tokenizer = self._llm.get_tokenizer()
        try:
            tokens = tokenizer.apply_chat_template(
                list(messages),
                chat_template=self._llm.chat_template,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=False,
            )
        except Exception as error:  # a template is a program from the model's folder: it may raise anything
            raise ModelError(
                f"{self.model} cannot read these messages",
                found=_first_line(error),
                remedy="a model without a chat template needs chat_template=…",
            ) from error
        longest = int(self._llm.model_config.max_model_len)
        if len(tokens) >= longest:
            raise ModelError(
                f"the prompt is too long for {self.model}",
                found=f"{len(tokens)} tokens, with room for {longest} in all",
                remedy="send a shorter prompt, or raise max_model_len",
            )
        return list(tokens)

    def _generate(self, prompts: list[list[int]], params: Mapping[str, Any]) -> list[Any]:
        longest = int(self._llm.model_config.max_model_len)
        try:
            sampling = [self._sampling(params, room=longest - len(prompt)) for prompt in prompts]
            return list(
                self._llm.generate(
                    [{"prompt_token_ids": prompt} for prompt in prompts], sampling, use_tqdm=False
                )
            )
        except Exception as error:  # as while loading: any layer's exception ends this batch, not the program
            raise ModelError(
                f"{self.model} on vLLM failed",
                found=_first_line(error),
                remedy=f"the whole log is in {self._log_path}",
            ) from error

    def _sampling(self, params: Mapping[str, Any], *, room: int) -> Any:
        """OpenAI's names for parameters in vLLM's: `logprobs` is a number there, and lengths are capped to `room`."""
        given = {name: value for name, value in params.items() if value is not None}
        wanted = given.pop("max_completion_tokens", None) or given.pop("max_tokens", None) or room
        given.pop("max_tokens", None)
        given.pop("timeout", None)
        top = given.pop("top_logprobs", 0)
        if given.pop("logprobs", False):
            given["logprobs"] = int(top)
        defaults = self._llm.model_config.get_diff_sampling_param()
        return import_module("vllm").SamplingParams(
            **{**defaults, **given, "max_tokens": min(int(wanted), room)}
        )

    def _reply(self, output: Any, elapsed: float) -> LMResponse:
        best = output.outputs[0]
        usage = Usage(
            prompt_tokens=len(output.prompt_token_ids),
            completion_tokens=len(best.token_ids),
            cached_tokens=output.num_cached_tokens or 0,
            calls=1,
        )
        return LMResponse(
            text=best.text,
            usage=usage,
            model=self.model,
            elapsed=elapsed,
            finish_reason=best.finish_reason,
            logprobs=_logprobs(best),
        )


def _logprobs(completion: Any) -> tuple[TokenLogprob, ...] | None:
    if completion.logprobs is None:
        return None
    entries = zip(completion.token_ids, completion.logprobs, strict=False)
    return tuple(
        TokenLogprob(
            token=place[token].decoded_token or "",
            logprob=place[token].logprob,
            top=tuple(
                (other.decoded_token or "", other.logprob)
                for other in sorted(place.values(), key=lambda other: -other.logprob)
            ),
        )
        for token, place in entries
    )


@contextlib.contextmanager
def _standard_streams_to(log: TextIO) -> Iterator[None]:
    """Point file descriptors 1 and 2 of the whole process at `log`: prints of C++ code and of children too."""
    with _redirecting:
        sys.stdout.flush()
        sys.stderr.flush()
        kept = {number: os.dup(number) for number in (STDOUT, STDERR)}
        try:
            for number in kept:
                os.dup2(log.fileno(), number)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, original in kept.items():
                os.dup2(original, number)
                os.close(original)


@contextlib.contextmanager
def _loggers_to(log: TextIO) -> Iterator[None]:
    """Have logging handlers that appear meanwhile, and would write to the terminal, write to `log` from then on."""
    before = {id(handler) for handler in _handlers()}
    for known in _redirected:
        known.setStream(log)
    try:
        yield
    finally:
        for handler in _handlers():
            if id(handler) in before or not isinstance(handler, logging.StreamHandler):
                continue
            terminal = handler.stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
            # Some handlers look stderr up at each message (`logging.lastResort` does): theirs cannot be set.
            if terminal and not isinstance(getattr(type(handler), "stream", None), property):
                handler.setStream(log)
                _redirected.add(handler)


def _handlers() -> list[logging.Handler]:
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    return [
        handler for logger in loggers if isinstance(logger, logging.Logger) for handler in logger.handlers
    ]


def _first_line(error: Exception) -> str:
    """The first line of what an exception says, with its class: vLLM's go on for pages."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:300]}" if text else type(error).__name__
