"""A scripted OpenAI-compatible endpoint for benchmarks: every reply takes a known time, so what is more is overhead.

The model's name says what to do: `turns-SYSTEM-N` plays a supervisor that takes N turns in SYSTEM's dialect and then
answers; anything else is a worker that replies after `--latency` seconds. Prints its port and serves until killed.
"""

from __future__ import annotations

import argparse
import asyncio
import json

from aiohttp import web

TURN_SECONDS = 0.02
SCRIPTS = {
    "distill": ("I look.\n\n```repl\nprint({n})\n```", "```repl\nFINAL({n})\n```"),
    "rlms": (
        "I look.\n\n```repl\nprint({n})\n```",
        '```repl\nanswer["content"] = "{n}"\nanswer["ready"] = True\n```',
    ),
    "smolagents": ("I look.\n<code>\nprint({n})\n</code>", "<code>\nfinal_answer({n})\n</code>"),
}
BATCHES = {
    "distill": "```repl\nr = worker_batch([f'piece {{i}}' for i in range({n})])\nFINAL(len(r))\n```",
    "rlms": "```repl\nr = llm_query_batched([f'piece {{i}}' for i in range({n})])\n"
    'answer["content"] = str(len(r))\nanswer["ready"] = True\n```',
}


def reply_to(body: dict) -> tuple[str, bool]:
    """The text for a request, and whether it is a supervisor's."""
    kind, _, rest = body["model"].partition("-")
    if kind not in ("turns", "batch"):
        return "a short reply", False
    system, _, number = rest.partition("-")
    if kind == "batch":
        return BATCHES[system].format(n=number), True
    done = sum(m["role"] == "assistant" for m in body["messages"])
    going, last = SCRIPTS[system]
    return (going if done < int(number) - 1 else last).format(n=done), True


def application(latency: float) -> web.Application:
    async def chat(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        text, supervisor = reply_to(body)
        await asyncio.sleep(TURN_SECONDS if supervisor else latency)
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        common = {"id": "x", "created": 0, "model": body["model"]}
        if not body.get("stream"):
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return web.json_response(
                {**common, "object": "chat.completion", "choices": [choice], "usage": usage}
            )
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        common["object"] = "chat.completion.chunk"
        choices = (
            [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}],
            [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        )
        for choice in choices:
            await response.write(b"data: " + json.dumps({**common, "choices": choice}).encode() + b"\n\n")
        last = json.dumps({**common, "choices": [], "usage": usage}).encode()
        await response.write(b"data: " + last + b"\n\ndata: [DONE]\n\n")
        return response

    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/v1/chat/completions", chat)
    return app


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.05)
    options = parser.parse_args()
    runner = web.AppRunner(application(options.latency))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
