"""Models behind an OpenAI-compatible endpoint: OpenAI, Together, vLLM, llama.cpp's server, Ollama.

One client for the handler's life, on the SDK's aiohttp transport and on the process's own loop for model
traffic (`loop_thread.py`), so that a handler may be called from plain code, from any thread and from any
event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from distill_core import garbage
from distill_core.errors import ConfigError, ModelError
from distill_core.models.again import Again
from distill_core.models.base import Delta, LMResponse, Message, ModelHandler, OnDelta, Usage
from distill_core.models.credentials import Key, host_of, key_for, scrub, usable
from distill_core.models.loop_thread import close_at_exit, forget, shared_loop
from distill_core.models.openai_errors import RETRY_HEADER, requests_made, said, to_model_error
from distill_core.models.openai_reply import MalformedReply, StreamedReply, read_reply
from distill_core.models.openai_request import Dialect

if TYPE_CHECKING:
    from httpx2 import Request
    from openai import APIError

    from distill_core.models.openai_client import Chunks, LeanClient

DEFAULT_BASE_URL = "https://api.together.xyz/v1"
CHECK_SECONDS = 15.0
RESTART_SECONDS = 0.5
"""Pause before a reply that broke off is asked for again; twice as long each time, up to the longest."""
LONGEST_PAUSE_SECONDS = 8.0


class EndpointCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a live check of an endpoint found.

    Args:
        ok: the endpoint answers and serves the model.
        model: the model asked for.
        base_url: where.
        served: the models that it lists, if it does.
        latency: seconds that the check took.
        error: what is wrong, in one line; None where nothing is.
    """

    ok: bool
    model: str
    base_url: str
    served: tuple[str, ...] = ()
    latency: float = 0.0
    error: str | None = None


class OpenAIHandler(ModelHandler):
    """A model behind an OpenAI-compatible endpoint.

    Args:
        model: its name, as the endpoint knows it.
        base_url: the endpoint, up to and with "/v1".
        temperature: sent with every call; None leaves it to the server. So are `max_tokens` and `sampling`.
        max_tokens: tokens that a reply may have.
        api_key: sent as a bearer token; absent, see `credentials.key_for`.
        timeout: seconds that the server may be silent before a request is given up (and tried again).
        max_concurrency: calls in flight at once, over all threads and loops.
        max_retries: further requests after a 408, 409, 429, 5xx, timeout or lost connection, with growing
            waits.
        identity: what answers, for the response cache, where `base_url` does not say it (a port that changes).
        sampling: further parameters for every call: top_p, seed, stop, logprobs, top_logprobs, extra_body, …

    Raises:
        ConfigError: nothing can be sent there, with that key, or within those bounds.
    """

    native_async = True
    logprobs = True

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 120.0,
        max_concurrency: int = 64,
        max_retries: int = 5,
        identity: str | None = None,
        **sampling: Any,
    ) -> None:
        _possible(
            timeout=timeout, max_concurrency=max_concurrency, max_retries=max_retries, max_tokens=max_tokens
        )
        self.model = model
        self.base_url = (base_url or DEFAULT_BASE_URL).rstrip("/")
        self.timeout = timeout
        self.max_concurrency = max_concurrency
        self.max_retries = max_retries
        self.identity = identity or self.base_url
        self.total_usage = Usage()
        self._key = usable(self.base_url, key_for(self.base_url, api_key))
        self.host = urlsplit(self.base_url).netloc.rpartition("@")[2]
        self._sampling = {"temperature": temperature, "max_tokens": max_tokens, **sampling}
        self._dialect = Dialect()
        self._connection = _Connection(self.base_url, self._key, timeout, max_retries, max_concurrency)
        close_at_exit(self._connection.close)
        weakref.finalize(self, _abandon, self._connection).atexit = False

    @property
    def again(self) -> Again | None:
        """The retry under way, if any call is being tried again. From any thread."""
        client = self._connection.opened
        return None if client is None else client.again()

    @property
    def key_source(self) -> str:
        """Where the key came from, for people; never the key."""
        return self._key.source

    @property
    def key_missing(self) -> str | None:
        """The variable to set, where the host is known to want a key and there is none."""
        return self._key.missing

    def sampling(self) -> dict[str, Any]:
        """The parameters of every call, as configured; what the server refused is left out when sent."""
        return {name: value for name, value in self._sampling.items() if value is not None}

    def chat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        """Answer one conversation. Blocks the calling thread, wherever it is.

        Args:
            messages: what is sent.
            kwargs: parameters for this call, over those of the handler; None leaves one out.

        Raises:
            ModelError: the call failed for good.
        """
        return shared_loop().wait(self._call(messages, kwargs, None))

    async def achat(
        self, messages: Sequence[Message], *, on_delta: OnDelta | None = None, **kwargs: Any
    ) -> LMResponse:
        """Answer one conversation; with `on_delta`, streamed, each piece told on the caller's loop.

        A piece of the kind "again" says that the stream broke off and the reply begins anew.

        Raises:
            ModelError: the call failed for good.
        """
        if on_delta is None:
            return await shared_loop().join(self._call(messages, kwargs, None))
        pieces: asyncio.Queue[Delta | None] = asyncio.Queue()
        shared = shared_loop()
        here = shared.mailbox()

        def post(delta: Delta) -> None:
            here.post(lambda: pieces.put_nowait(delta))

        future = asyncio.ensure_future(shared.join(self._call(messages, kwargs, post)))
        future.add_done_callback(lambda _: pieces.put_nowait(None))
        try:
            while (piece := await pieces.get()) is not None:
                on_delta(piece)
        except BaseException:
            future.cancel()
            raise
        return await future

    def chat_batch(self, message_batches: Sequence[Sequence[Message]], **kwargs: Any) -> list[LMResponse]:
        """Answer several conversations, in their order.

        Raises:
            ModelError: the first that failed; the others were made all the same (see `chat_batch_results`).
        """
        return _all_or_raise(self.chat_batch_results(message_batches, **kwargs))

    async def achat_batch(
        self, message_batches: Sequence[Sequence[Message]], **kwargs: Any
    ) -> list[LMResponse]:
        """`chat_batch` without blocking the event loop."""
        return _all_or_raise(await self.achat_batch_results(message_batches, **kwargs))

    def chat_batch_results(
        self, message_batches: Sequence[Sequence[Message]], **kwargs: Any
    ) -> list[LMResponse | ModelError]:
        """As many results as conversations, in their order: a reply, or the error of the one that failed."""
        return shared_loop().wait(self._batch(message_batches, kwargs))

    async def achat_batch_results(
        self, message_batches: Sequence[Sequence[Message]], **kwargs: Any
    ) -> list[LMResponse | ModelError]:
        """`chat_batch_results` without blocking the event loop."""
        return await shared_loop().join(self._batch(message_batches, kwargs))

    def check(self) -> EndpointCheck:
        """Ask the endpoint what it serves, and where it lists no such model, for one token of it."""
        return shared_loop().wait(self._check())

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        shared_loop().wait(self._connection.close())

    async def aclose(self) -> None:
        """`close` without blocking the event loop."""
        await shared_loop().join(self._connection.close())

    # Everything below runs on the loop for model traffic, and only there: hence no locks.

    async def _batch(
        self, message_batches: Sequence[Sequence[Message]], kwargs: dict[str, Any]
    ) -> list[LMResponse | ModelError]:
        async def one(messages: Sequence[Message]) -> LMResponse | ModelError:
            try:
                return await self._call(messages, kwargs, None)
            except ModelError as error:
                return error

        return list(await asyncio.gather(*(one(messages) for messages in message_batches)))

    async def _call(
        self, messages: Sequence[Message], kwargs: dict[str, Any], on_delta: OnDelta | None
    ) -> LMResponse:
        params = {**self._sampling, **kwargs}
        retries = int(params.pop("max_retries", self.max_retries))
        async with self._connection.slots:
            response = await self._made(messages, params, on_delta, retries)
        self.total_usage += response.usage
        return response

    async def _made(
        self, messages: Sequence[Message], params: dict[str, Any], on_delta: OnDelta | None, retries: int
    ) -> LMResponse:
        """Make the call; again in other words where the server refuses a parameter, and where a stream breaks off.

        The SDK tries again what fails before a reply begins, and nothing after that.
        """
        client = await self._connection.client()
        try:
            return await self._tried(client, messages, params, on_delta, retries)
        finally:
            client.ended()

    async def _tried(
        self,
        client: LeanClient,
        messages: Sequence[Message],
        params: dict[str, Any],
        on_delta: OnDelta | None,
        retries: int,
    ) -> LMResponse:
        from openai import APIError, APIStatusError

        started = time.monotonic()
        earlier = breaks = 0
        while True:
            body = self._dialect.body(self.model, messages, params, stream=on_delta is not None)
            reply = None if on_delta is None else StreamedReply(on_delta)
            try:
                if reply is None:
                    return await self._whole(client, body, started, earlier, retries)
                return await self._streamed(client, body, reply, started, earlier, retries)
            except MalformedReply as error:
                raise self._unreadable(error, earlier + 1) from error
            except _BrokenOff as broken:
                requests = requests_made(broken.error)
                retries -= requests
                if reply is None or retries < 0:
                    began = reply is not None and reply.pieces > 0
                    raise self._failed(broken.error, earlier, began=began) from broken.error
                reply.void()
                await asyncio.sleep(min(RESTART_SECONDS * 2**breaks, LONGEST_PAUSE_SECONDS))
                earlier += requests
                breaks += 1
            except APIError as error:
                refused = isinstance(error, APIStatusError) and error.status_code in (400, 403, 422)
                if refused and self._dialect.learn(body, param=error.param, message=said(error)):
                    earlier += requests_made(error)
                    continue
                raise self._failed(error, earlier, began=reply is not None and reply.pieces > 0) from error

    async def _whole(
        self, client: LeanClient, body: dict[str, Any], started: float, earlier: int, retries: int
    ) -> LMResponse:
        answer = await client.complete(self._encoded(body), max_retries=retries)
        attempts = earlier + int(answer.request.headers.get(RETRY_HEADER, "0")) + 1
        elapsed = time.monotonic() - started
        return read_reply(_decoded(answer.content), model=self.model, elapsed=elapsed, attempts=attempts)

    async def _streamed(
        self,
        client: LeanClient,
        body: dict[str, Any],
        reply: StreamedReply,
        started: float,
        earlier: int,
        retries: int,
    ) -> LMResponse:
        from openai import APIConnectionError

        stream = await client.stream(self._encoded(body), max_retries=retries)
        answer = stream.response
        attempts = earlier + int(answer.request.headers.get(RETRY_HEADER, "0")) + 1
        if "application/json" in answer.headers.get("content-type", ""):
            return await self._whole_after_all(stream, reply, started, attempts)
        if "text/html" in answer.headers.get("content-type", ""):
            await stream.close()
            raise MalformedReply("not a chat completion", found="a page of HTML")
        try:
            async for chunk in stream:
                reply.add(chunk)
                if reply.too_long:
                    break
            if not (stream.done or reply.ended or reply.too_long):
                raise _cut_off(answer.request, "the reply ended in the middle")
        except json.JSONDecodeError as error:
            raise _cut_off(answer.request, "a piece of the reply is not JSON") from error
        except APIConnectionError as error:
            raise _BrokenOff(error) from error
        finally:
            await stream.close()
        return reply.response(model=self.model, elapsed=time.monotonic() - started, attempts=attempts)

    async def _whole_after_all(
        self, stream: Chunks, reply: StreamedReply, started: float, attempts: int
    ) -> LMResponse:
        """A server that does not stream answers in one piece."""
        data = _decoded(await stream.response.aread())
        elapsed = time.monotonic() - started
        response = read_reply(data, model=self.model, elapsed=elapsed, attempts=attempts)
        reply.tell(response)
        return response

    def _encoded(self, body: dict[str, Any]) -> bytes:
        try:
            return msgspec.json.encode(body)
        except (UnicodeEncodeError, TypeError) as error:
            raise ModelError(
                f"cannot send this to {self.model}",
                found=str(error),
                remedy="it is not text that JSON can hold",
            ) from error

    def _failed(self, error: APIError, earlier: int, *, began: bool) -> ModelError:
        failure = to_model_error(
            error,
            model=self.model,
            host=self.host,
            key=self._key.value,
            timeout=self.timeout,
            earlier=earlier,
            began=began,
        )
        if failure.status in (401, 403) and self._key.value is None:
            failure.remedy = "no key was sent: give api_key for this host, or set BASE_URL beside its key"
        return failure

    def _unreadable(self, error: MalformedReply, attempts: int) -> ModelError:
        return ModelError(
            f"{self.model} at {self.host} sent what is no chat completion",
            found=scrub(error.found or error.what, self._key.value),
            remedy="check that base_url ends where the API begins, often in /v1",
            attempts=attempts,
        )

    async def _check(self) -> EndpointCheck:
        started = time.monotonic()
        served: tuple[str, ...] = ()
        error: str | None = None
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                served = await self._served()
                if self.model not in served:
                    await self._made(
                        [{"role": "user", "content": "Hi"}], {"max_tokens": 1}, None, self.max_retries
                    )
        except TimeoutError:
            error = f"{self.model} at {self.host} did not answer within {CHECK_SECONDS:g} s"
        except ModelError as failure:
            error = str(failure)
            if served:
                error += f"; it serves {', '.join(served[:8])}{' …' if len(served) > 8 else ''}"
        return EndpointCheck(
            ok=error is None,
            model=self.model,
            base_url=self.base_url,
            served=served,
            latency=time.monotonic() - started,
            error=error,
        )

    async def _served(self) -> tuple[str, ...]:
        """The models that the endpoint lists; none where it has no list."""
        client = await self._connection.client()
        from httpx2 import Response
        from openai import APIError, NotFoundError

        try:
            answer = await client.get("/models", cast_to=Response, options={"max_retries": 0})
            data = _decoded(answer.content)
        except (NotFoundError, MalformedReply):
            return ()
        except APIError as error:
            raise self._failed(error, 0, began=False) from error
        listed = data.get("data") if isinstance(data, dict) else data
        entries = listed if isinstance(listed, list) else []
        return tuple(str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry)


_LEAST = {"max_concurrency": 1, "max_retries": 0, "max_tokens": 1}


def _possible(timeout: float, **counts: int | None) -> None:
    """Refuse bounds with which no call would ever be made."""
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise ConfigError("timeout is out of range", found=repr(timeout), remedy="allowed is more than 0")
    for name, value in counts.items():
        if value is None and name == "max_tokens":
            continue
        if type(value) is not int or value < _LEAST[name]:
            raise ConfigError(
                f"{name} is out of range", found=repr(value), remedy=f"allowed is {_LEAST[name]} or more"
            )


class _BrokenOff(Exception):
    """A stream ended before its reply did."""

    def __init__(self, error: APIError) -> None:
        super().__init__(str(error))
        self.error = error


def _cut_off(request: Request, what: str) -> _BrokenOff:
    from openai import APIConnectionError

    return _BrokenOff(APIConnectionError(message=what, request=request))


class _Connection:
    """The client and its limit, made at the first call; holds no reference to the handler."""

    def __init__(self, base_url: str, key: Key, timeout: float, max_retries: int, concurrency: int) -> None:
        self.base_url = base_url
        self.key = key
        self.timeout = timeout
        self.max_retries = max_retries
        self.slots = asyncio.Semaphore(concurrency)
        self._opening = asyncio.Lock()
        self._client: LeanClient | None = None

    async def client(self) -> LeanClient:
        """The one client.

        Raises:
            ModelError: the host is known to want a key and there is none.
        """
        async with self._opening:
            if self._client is None:
                # Importing the SDK and reading certificates takes a second: not on the loop that others' calls are on.
                self._client = await asyncio.to_thread(self._opened)
                garbage.loaded()
            return self._client

    @property
    def opened(self) -> LeanClient | None:
        """The client, if it was needed already."""
        return self._client

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _opened(self) -> LeanClient:
        from distill_core.models.openai_client import open_client

        if self.key.missing:
            raise ModelError(
                f"no key for {host_of(self.base_url)}",
                remedy=f"set {self.key.missing} in the environment or in .env",
                attempts=0,
            )
        return open_client(self.base_url, self.key.value, timeout=self.timeout, max_retries=self.max_retries)


def _abandon(connection: _Connection) -> None:
    """The handler was dropped without being closed."""
    forget(connection.close)
    if connection._client is not None:
        shared_loop().submit(connection.close())


def _all_or_raise(results: list[LMResponse | ModelError]) -> list[LMResponse]:
    replies: list[LMResponse] = []
    for result in results:
        if isinstance(result, ModelError):
            raise result
        replies.append(result)
    return replies


def _decoded(content: bytes) -> object:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(content)  # takes a lone surrogate, as the SDK does
        shown = content[:120].decode("utf-8", "replace")
        raise MalformedReply("not JSON", found=f"{error} in {shown!r}") from error
