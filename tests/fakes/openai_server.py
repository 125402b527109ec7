"""A scripted OpenAI-compatible server on loopback: what a real endpoint may do, on demand.

In a test it runs on a thread with a loop of its own (`with serve(...) as server:`), so that the code under
test may use any loop or none. As a child process: `python -m tests.fakes.openai_server --port N`, key in
$FAKE_API_KEY.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

import msgspec
from aiohttp import web

from distill_core.models.child_server import free_port

Failure = Literal["reset", "malformed", "empty", "no_choices", "hang", "cut", "closed", "garbled"]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One scripted answer to a chat completion.

    Args:
        text: the reply; `pieces` says how it is cut when streamed (words where it is not given).
        status: other than 200, an error with `message`.
        failure: "reset" drops the connection, "malformed" sends half a JSON, "empty" nothing, "no_choices"
            none of them, "hang" never answers, "cut" drops a stream midway,
            "closed" ends it there as if it were whole, "garbled" sends half a piece there.
        latency: seconds before the first byte; `gap` between streamed pieces.
        tokens: (token, logprob, alternatives) given where log probabilities are asked for.
        usage: what is reported; None reports nothing.
        tool_calls: name and arguments of each, sent in the place of the text.
    """

    text: str = "ok"
    pieces: tuple[str, ...] | None = None
    status: int = 200
    message: str = "scripted failure"
    param: str | None = None
    code: str | None = None
    headers: dict[str, str] = {}
    failure: Failure | None = None
    latency: float = 0.0
    gap: float = 0.0
    reasoning: str | None = None
    reasoning_field: str = "reasoning_content"
    finish_reason: str = "stop"
    tokens: tuple[tuple[str, float, tuple[tuple[str, float], ...]], ...] | None = None
    usage: dict[str, Any] | None = msgspec.field(
        default_factory=lambda: {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    )
    model: str | None = None
    tool_calls: tuple[tuple[str, str], ...] = ()


class Recorded(msgspec.Struct, frozen=True):
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


Script = Sequence[Reply] | Callable[[dict[str, Any]], Reply]

REJECTIONS = {
    "max_tokens": (
        "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        "unsupported_parameter",
    ),
    "temperature": (
        "Unsupported value: 'temperature' does not support 0.2 with this model. "
        "Only the default (1) value is supported.",
        "unsupported_value",
    ),
    "stream_options": ("Extra inputs are not permitted: stream_options", None),
}


class FakeServer:
    """The server's script and what it saw.

    Args:
        script: replies in the order of the calls (then `default`), or a function of the request's body.
        key: bearer token that every request must carry; None lets all in.
        rejects: parameters answered with the 400 that OpenAI's (or another strict server's) models give.
        latency: seconds that every reply takes at least.
    """

    def __init__(
        self,
        script: Script = (),
        *,
        key: str | None = "secret-key",
        rejects: Sequence[str] = (),
        latency: float = 0.0,
        default: Reply | None = None,
        served: Sequence[str] = ("fake-model",),
    ) -> None:
        self.script = script if callable(script) else list(script)
        self.key = key
        self.rejects = tuple(rejects)
        self.latency = latency
        self.default = default or Reply()
        self.served = tuple(served)
        self.requests: list[Recorded] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of the chat completions asked for."""
        return [request.body for request in self.requests if request.path.endswith("/chat/completions")]

    def application(self) -> web.Application:
        application = web.Application(client_max_size=1 << 30)
        application.router.add_get("/health", self._health)
        application.router.add_get("/v1/models", self._models)
        application.router.add_post("/v1/chat/completions", self._chat)
        return application

    def _next(self, body: dict[str, Any]) -> Reply:
        if callable(self.script):
            return self.script(body)
        return self.script.pop(0) if self.script else self.default

    def _refusal(self, request: web.Request, body: Mapping[str, Any]) -> web.Response | None:
        if self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}":
            shown = request.headers.get("Authorization", "nothing")
            return _error(401, f"Incorrect API key provided: {shown}", code="invalid_api_key")
        for name in self.rejects:
            if body.get(name) is not None:
                message, code = REJECTIONS[name]
                return _error(400, message, param=name, code=code)
        return None

    async def _health(self, request: web.Request) -> web.Response:
        return self._refusal(request, {}) or web.json_response({"pid": os.getpid()})

    async def _models(self, request: web.Request) -> web.Response:
        self.requests.append(Recorded(request.path, dict(request.headers), {}))
        listed = [{"id": name, "object": "model", "created": 0, "owned_by": "fake"} for name in self.served]
        return self._refusal(request, {}) or web.json_response({"object": "list", "data": listed})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(Recorded(request.path, dict(request.headers), body))
        refusal = self._refusal(request, body)
        if refusal is not None:
            return refusal
        reply = self._next(body)
        async with self._counted():
            await asyncio.sleep(max(self.latency, reply.latency))
            if reply.status != 200:
                return _error(
                    reply.status, reply.message, param=reply.param, code=reply.code, headers=reply.headers
                )
            if reply.failure not in (None, "cut", "closed", "garbled"):
                return await _fail(request, reply.failure)
            return await (_stream if body.get("stream") else _whole)(request, body, reply)

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1


def _error(
    status: int,
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)


async def _fail(request: web.Request, failure: Failure) -> web.Response:
    if failure == "hang":
        await asyncio.sleep(3600)
    if failure == "reset":
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
    if failure == "no_choices":
        return web.json_response({"id": "x", "object": "chat.completion", "model": "m", "choices": []})
    text = "" if failure == "empty" else '{"id": "x", "choi'
    return web.Response(text=text, content_type="application/json")


def _logprobs(body: dict[str, Any], reply: Reply) -> dict[str, Any] | None:
    if not body.get("logprobs") or reply.tokens is None:
        return None
    wanted = body.get("top_logprobs") or 0
    return {
        "content": [
            {
                "token": token,
                "logprob": logprob,
                "bytes": None,
                "top_logprobs": [
                    {"token": other, "logprob": value, "bytes": None} for other, value in top[:wanted]
                ],
            }
            for token, logprob, top in reply.tokens
        ]
    }


def _envelope(body: dict[str, Any], reply: Reply, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": reply.model or body["model"]}


async def _whole(request: web.Request, body: dict[str, Any], reply: Reply) -> web.Response:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.reasoning is not None:
        message[reply.reasoning_field] = reply.reasoning
    if reply.tool_calls:
        message |= {"content": None, "tool_calls": _called(reply)}
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": reply.finish_reason,
        "logprobs": _logprobs(body, reply),
    }
    answer = {**_envelope(body, reply, "chat.completion"), "choices": [choice]}
    if reply.usage is not None:
        answer["usage"] = reply.usage
    return web.json_response(answer, headers=reply.headers)


async def _stream(request: web.Request, body: dict[str, Any], reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **reply.headers})
    await response.prepare(request)
    envelope = _envelope(body, reply, "chat.completion.chunk")

    async def send(delta: dict[str, Any], **extra: Any) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": None, **extra}
        await response.write(_event({**envelope, "choices": [choice]}))
        await asyncio.sleep(reply.gap)

    await send({"role": "assistant", "content": ""})
    if reply.reasoning is not None:
        for piece in _pieces(reply.reasoning):
            await send({reply.reasoning_field: piece})
    for call in _called(reply):
        function = call["function"]
        await send({"tool_calls": [{**call, "function": {"name": function["name"], "arguments": ""}}]})
        for piece in _pieces(function["arguments"]):
            await send({"tool_calls": [{"index": call["index"], "function": {"arguments": piece}}]})
    pieces = reply.pieces if reply.pieces is not None else tuple(_pieces(reply.text))
    if reply.tool_calls:
        pieces = ()
    for number, piece in enumerate(pieces):
        if reply.failure == "cut" and number == len(pieces) // 2:
            assert request.transport is not None
            request.transport.abort()
            return response
        if reply.failure in ("closed", "garbled") and number == len(pieces) // 2:
            if reply.failure == "garbled":
                await response.write(b"data: {not json\n\n")
            await response.write_eof()
            return response
        await send({"content": piece})
    await send({}, finish_reason=reply.finish_reason, logprobs=_logprobs(body, reply))
    if reply.usage is not None and (body.get("stream_options") or {}).get("include_usage"):
        await response.write(_event({**envelope, "choices": [], "usage": reply.usage}))
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _called(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "index": i,
            "id": f"call_{i}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        for i, (name, arguments) in enumerate(reply.tool_calls)
    ]


def _pieces(text: str) -> Iterator[str]:
    for number, word in enumerate(text.split(" ")):
        yield word if number == 0 else " " + word


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


async def _run(server: FakeServer, started: Callable[[], None], stop: asyncio.Event) -> None:
    runner = web.AppRunner(server.application(), shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", server.port, backlog=1024)
    await site.start()
    if server.port == 0:
        server.port = runner.addresses[0][1]
    started()
    try:
        await stop.wait()
    finally:
        await runner.cleanup()


@contextmanager
def serve(script: Script = (), **options: Any) -> Iterator[FakeServer]:
    """A running server; `options` are those of `FakeServer`."""
    server = FakeServer(script, **options)
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(
        target=loop.run_until_complete, args=(_run(server, ready.set, stop),), name="fake-openai"
    )
    thread.start()
    try:
        assert ready.wait(10), "the fake server did not start"
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="a scripted OpenAI-compatible server on loopback")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--text", default="ok")
    parser.add_argument("--model", default="fake-model")
    options = parser.parse_args()
    server = FakeServer(
        key=os.environ.get("FAKE_API_KEY"),
        latency=options.latency,
        default=Reply(text=options.text),
        served=(options.model,),
    )
    server.port = options.port or free_port()

    async def forever() -> None:
        await _run(server, lambda: print(f"listening on {server.base_url}", flush=True), asyncio.Event())

    asyncio.run(forever())


if __name__ == "__main__":
    main()
