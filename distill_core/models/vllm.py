"""Models run by vLLM, in this process or in a child server. vLLM is imported at the first call, not before."""

from __future__ import annotations

import asyncio
import copy
import importlib.util
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill_core.errors import ModelError
from distill_core.models.base import LMResponse, Message, ModelHandler, OnDelta, Usage

if TYPE_CHECKING:
    from distill_core.models.openai import OpenAIHandler
    from distill_core.models.vllm_engine import Engine
    from distill_core.models.vllm_server import VLLMServer

STARTUP_SECONDS = 1800.0


class _Running:
    """What runs the model: started at the first call, shared by handlers that differ in sampling only."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.engine: Engine | None = None
        self.server: VLLMServer | None = None


class VLLMHandler(ModelHandler):
    """A model on vLLM.

    In process, `vllm.LLM` answers whole batches at once on one thread of its own: for headless runs. Managed,
    a child server does, on loopback, behind a random key: it streams, serves calls side by side, and leaves
    this process alone.

    Args:
        model_path: folder of the weights, or their name on the hub.
        managed: start a child server instead of loading the model here.
        temperature: sent with every call; None leaves it to the model. So are `max_tokens` and `sampling`.
        max_tokens: tokens that a reply may have; None is as many as fit.
        sampling: further parameters for every call: top_p, seed, stop, …
        log_path: file for what vLLM prints.
        engine_args: for vLLM, as `vllm.LLM` names them: max_model_len, dtype, tensor_parallel_size,
            chat_template, …
    """

    logprobs = True

    def __init__(
        self,
        model_path: str | Path,
        *,
        managed: bool = False,
        temperature: float | None = None,
        max_tokens: int | None = None,
        sampling: Mapping[str, Any] | None = None,
        log_path: Path | None = None,
        **engine_args: Any,
    ) -> None:
        self.model_path = str(model_path)
        self.model = Path(self.model_path).name or self.model_path
        self.managed = managed
        self.native_async = managed
        self.identity = f"vllm:{self.model_path} {sorted(engine_args.items())}"
        self._sampling = {"temperature": temperature, "max_tokens": max_tokens, **(sampling or {})}
        self._log_path = log_path or _default_log()
        self._engine_args = engine_args
        self._running = _Running()
        self.total_usage = Usage()
        self._counting = threading.Lock()

    def sampling(self) -> dict[str, Any]:
        """The parameters of every call."""
        return {name: value for name, value in self._sampling.items() if value is not None}

    def sharing(self, *, sampling: Mapping[str, Any]) -> VLLMHandler:
        """Another handler on the same engine or server, with parameters of its own. Closing either ends both."""
        other = copy.copy(self)
        other._sampling = dict(sampling)
        other.total_usage = Usage()
        other._counting = threading.Lock()
        return other

    def start(self) -> None:
        """Load the model or start the server now, rather than at the first call. Blocks, for minutes perhaps.

        Raises:
            ModelError: vLLM is not installed, or could not load the model.
        """
        if self.managed:
            self._served()
        else:
            self._loaded()

    def chat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        """Answer one conversation.

        Raises:
            ModelError: the call failed; in process also where prompt and reply cannot fit.
        """
        return self.chat_batch([messages], **kwargs)[0]

    def chat_batch(self, message_batches: Sequence[Sequence[Message]], **kwargs: Any) -> list[LMResponse]:
        """Answer several conversations, in their order.

        Raises:
            ModelError: the first that failed; the others were answered all the same (see
                `chat_batch_results`).
        """
        replies: list[LMResponse] = []
        for result in self.chat_batch_results(message_batches, **kwargs):
            if isinstance(result, ModelError):
                raise result
            replies.append(result)
        return replies

    def chat_batch_results(
        self, message_batches: Sequence[Sequence[Message]], **kwargs: Any
    ) -> list[LMResponse | ModelError]:
        """As many results as conversations, in their order: a reply, or the error of the one that failed.

        `elapsed` of a reply in process is that of its whole batch.
        """
        if self.managed:
            results = self._served().chat_batch_results(message_batches, **{**self.sampling(), **kwargs})
        else:
            results = self._loaded().answer(message_batches, {**self._sampling, **kwargs})
        self._count(results)
        return results

    async def achat(
        self, messages: Sequence[Message], *, on_delta: OnDelta | None = None, **kwargs: Any
    ) -> LMResponse:
        """Answer one conversation without blocking the event loop; streamed where managed, else told in one piece."""
        if not self.managed:
            return await super().achat(messages, on_delta=on_delta, **kwargs)
        server = await asyncio.to_thread(self._served)
        reply = await server.achat(messages, on_delta=on_delta, **{**self.sampling(), **kwargs})
        self._count([reply])
        return reply

    def close(self) -> None:
        """Unload the model, or end the server with its whole process tree. Safe to call twice."""
        running = self._running
        with running.lock:
            server, running.server = running.server, None
            engine, running.engine = running.engine, None
        if server is not None:
            server.close()
        if engine is not None:
            engine.close()

    async def aclose(self) -> None:
        """`close` without blocking the event loop."""
        await asyncio.to_thread(self.close)

    def _loaded(self) -> Engine:
        running = self._running
        with running.lock:
            if running.engine is None:
                _require_vllm()
                from distill_core.models.vllm_engine import Engine

                running.engine = Engine(self.model_path, self.model, self._log_path, self._engine_args)
            return running.engine

    def _served(self) -> OpenAIHandler:
        running = self._running
        with running.lock:
            if running.server is None:
                _require_vllm()
                from distill_core.models.vllm_server import VLLMServer

                running.server = VLLMServer(
                    self.model_path,
                    self.model,
                    sampling=self._sampling,
                    log_path=self._log_path,
                    engine_args=self._engine_args,
                    startup_seconds=STARTUP_SECONDS,
                )
            return running.server.handler

    def _count(self, results: Sequence[LMResponse | ModelError]) -> None:
        with self._counting:
            for result in results:
                if isinstance(result, LMResponse):
                    self.total_usage += result.usage


def _require_vllm() -> None:
    if importlib.util.find_spec("vllm") is None:
        raise ModelError("vLLM is not installed", remedy='pip install "distill-tui[vllm]"')


def _default_log() -> Path:
    import platformdirs

    return platformdirs.user_log_path("distill-tui") / "vllm.log"
