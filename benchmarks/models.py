"""What a handler adds to the network: many short calls through `OpenAIHandler` and through a bare aiohttp client.

    python -m benchmarks.models

Both ask the same loopback endpoint (a process of its own, `endpoint.py`), in turns, with as many calls in flight.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp

from distill_core.models.openai import OpenAIHandler


def messages(number: int) -> list[dict[str, str]]:
    """A prompt of the size that workers get, never twice the same."""
    return [{"role": "user", "content": f"{number} " + "a line of the document\n" * 40}]


async def bare(base_url: str, calls: int, in_flight: int) -> float:
    """Seconds that aiohttp alone takes."""
    slots = asyncio.Semaphore(in_flight)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one(number: int) -> None:
            body = {"model": "worker", "messages": messages(number), "max_tokens": 64}
            async with slots, session.post(f"{base_url}/chat/completions", json=body) as answer:
                assert (await answer.json())["choices"]

        started = time.perf_counter()
        await asyncio.gather(*(one(number) for number in range(calls)))
        return time.perf_counter() - started


async def ours(base_url: str, calls: int, in_flight: int) -> float:
    """Seconds that `achat` takes from a loop of the caller's own."""
    handler = OpenAIHandler("worker", base_url, api_key="key", max_tokens=64, max_concurrency=in_flight)
    await handler.achat(messages(-1))
    started = time.perf_counter()
    replies = await asyncio.gather(*(handler.achat(messages(number)) for number in range(calls)))
    took = time.perf_counter() - started
    assert len(replies) == calls
    await handler.aclose()
    return took


async def ours_batch(base_url: str, calls: int, in_flight: int) -> float:
    """Seconds that one `chat_batch` takes from a plain thread."""
    handler = OpenAIHandler("worker", base_url, api_key="key", max_tokens=64, max_concurrency=in_flight)
    await handler.achat(messages(-1))
    started = time.perf_counter()
    replies = await asyncio.to_thread(handler.chat_batch, [messages(number) for number in range(calls)])
    took = time.perf_counter() - started
    assert len(replies) == calls
    await handler.aclose()
    return took


def main() -> None:
    """Print the median of each way and its ratio to the bare client."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ways: dict[str, Callable[[str, int, int], Awaitable[float]]] = {
        "bare aiohttp": bare,
        "OpenAIHandler.achat": ours,
        "OpenAIHandler.chat_batch": ours_batch,
    }
    command = [sys.executable, "-m", "benchmarks.endpoint", "--latency", str(options.latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as endpoint:
        try:
            assert endpoint.stdout is not None
            base_url = f"http://127.0.0.1:{int(endpoint.stdout.readline())}/v1"
            times: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(options.rounds):
                for name, way in ways.items():
                    times[name].append(asyncio.run(way(base_url, options.calls, options.in_flight)))
        finally:
            endpoint.terminate()
    base = statistics.median(times["bare aiohttp"])
    print(f"{options.calls} calls of {options.latency * 1000:g} ms, {options.in_flight} in flight")
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(
            f"{name:26} {middle:6.2f} s  {middle / base:4.2f}x  (best {min(taken):.2f}, worst {max(taken):.2f})"
        )


if __name__ == "__main__":
    main()
