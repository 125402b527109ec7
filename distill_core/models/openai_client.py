"""The SDK's client as it is used here: on the aiohttp transport, and lean. Importing this imports the SDK.

The SDK works out URL, headers and timeouts anew for every request, which at 64 calls in flight costs more
than the sending. They are the same for every chat completion of a client, so they are worked out once.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from typing import Any

from httpx2 import ByteStream, Limits, Request, Response, Timeout
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient

from distill_core.models.again import Again
from distill_core.models.credentials import host_of, is_loopback
from distill_core.models.openai_errors import RETRY_HEADER

CHAT_PATH = "/chat/completions"
CONNECT_SECONDS = 10.0
OWN_HEADERS = {b"content-length", b"host", RETRY_HEADER.encode()}


def open_client(base_url: str, key: str | None, *, timeout: float, max_retries: int) -> LeanClient:
    """A client for one endpoint, to be used on one event loop.

    Args:
        base_url: the endpoint.
        key: bearer token; None sends a placeholder, which servers without keys ignore.
        timeout: seconds that the server may be silent.
        max_retries: requests after the first.
    """
    host = host_of(base_url)
    limits = Timeout(timeout, connect=min(CONNECT_SECONDS, timeout), pool=None)
    client = LeanClient(
        base_url=base_url,
        api_key=key or "none",
        default_headers={
            "Authorization": f"Bearer {key or 'none'}",  # over one in OPENAI_CUSTOM_HEADERS
            "User-Agent": "distill-tui",
        },
        timeout=limits,
        max_retries=max_retries,
        http_client=DefaultAioHttpClient(
            timeout=limits,
            limits=Limits(max_connections=0),  # to aiohttp: no limit. How many are in flight is the handler's
            trust_env=not is_loopback(host),  # a proxy has no business between this machine and itself
        ),
    )
    if not host.endswith("openai.com"):
        client.organization = client.project = client.admin_api_key = None  # taken from the environment
    return client


class Chunks(AsyncStream[object]):
    """A chat completion in chunks. `done`: the server said that it has sent all; a lost connection says nothing."""

    done = False

    async def _iter_events(self) -> AsyncIterator[Any]:
        async for event in super()._iter_events():
            self.done = self.done or event.data.startswith("[DONE]")
            yield event


class LeanClient(AsyncOpenAI):
    """Builds the first chat completion as the SDK does, and the others like it.

    The methods overridden are the SDK's own and not public: were they renamed, every request would be built the
    SDK's way again.
    """

    _again: dict[Any, Again]
    _options: Any = None
    _like: Request | None = None
    _headers: tuple[tuple[bytes, bytes], ...] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._again = {}

    def again(self) -> Again | None:
        """The furthest retry under way, of any call; None where every first request has its answer. From any thread."""
        return max(tuple(self._again.values()), default=None)

    def ended(self) -> None:
        """The call of the task that asks is over, however."""
        self._again.pop(asyncio.current_task(), None)

    async def _sleep_for_retry(
        self, *, retries_taken: int, max_retries: int, options: Any, response: Response | None
    ) -> None:
        self._again[asyncio.current_task()] = Again(retries_taken + 1, max_retries)
        await super()._sleep_for_retry(
            retries_taken=retries_taken, max_retries=max_retries, options=options, response=response
        )

    async def complete(self, body: bytes, *, max_retries: int) -> Response:
        """A chat completion that is not streamed: `body` as it is sent, with at most `max_retries` more requests."""
        if self._options is None:
            return await self.post(
                CHAT_PATH, cast_to=Response, content=body, options={"max_retries": max_retries}
            )
        return await self.request(Response, self._like_the_first(body, max_retries))

    async def stream(self, body: bytes, *, max_retries: int) -> Chunks:
        """A chat completion in chunks, decoded from JSON; otherwise as `complete`."""
        if self._options is None:
            return await self.post(
                CHAT_PATH,
                cast_to=object,
                content=body,
                options={"max_retries": max_retries},
                stream=True,
                stream_cls=Chunks,
            )
        options = self._like_the_first(body, max_retries)
        return await self.request(object, options, stream=True, stream_cls=Chunks)

    def _like_the_first(self, body: bytes, max_retries: int) -> Any:
        options = copy.copy(self._options)
        options.content = body
        options.max_retries = max_retries
        options.idempotency_key = "not sent"  # or the SDK would draw one
        return options

    async def _prepare_options(self, options: Any) -> Any:
        return await super()._prepare_options(options) if self._options is None else options

    async def _send_request(self, request: Request, *, stream: bool, **kwargs: Any) -> Response:
        like = self._like
        if like is None or request.url is not like.url:
            return await super()._send_request(request, stream=stream, **kwargs)
        # Past what looks for other credentials, cookies and hooks, of which there are none.
        response = await self._client._transport_for_url(request.url).handle_async_request(request)
        if response.status_code < 400:
            self.ended()
        response.request = request
        if response.has_redirect_location:
            await response.aclose()
            return await super()._send_request(request, stream=stream, **kwargs)
        if stream:
            return response
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response

    def _build_request(self, options: Any, *, retries_taken: int = 0) -> Request:
        if options.url != CHAT_PATH or not isinstance(options.content, bytes):
            return super()._build_request(options, retries_taken=retries_taken)
        if self._like is None:
            self._options = copy.copy(options)
            self._options.idempotency_key = None
            self._like = super()._build_request(options, retries_taken=retries_taken)
            self._headers = tuple(
                (name, value) for name, value in self._like.headers.raw if name.lower() not in OWN_HEADERS
            )
        request = Request(
            "POST",
            self._like.url,
            headers=[*self._headers, (RETRY_HEADER.encode(), str(retries_taken).encode())],
            stream=ByteStream(options.content),
            extensions=self._like.extensions,
        )
        request.url = self._like.url  # the same object, by which `_send_request` knows what was built here
        request.read()
        return request
