"""One run of one system against the benchmarks' endpoint; prints seconds as JSON. Started by `engine.py`.

    python benchmarks/systems.py SYSTEM turns|batch NUMBER URL

Seconds are those of the run itself, imports and set-up left out (for distill: one call by each handler before the
clock starts, which loads the SDK and opens the client; and for `batch` the cell that makes the calls). SYSTEM is
distill, rlms, smolagents or bare (the same requests by an aiohttp client and nothing else).
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

QUESTION = "What is it?"
DOCUMENT = "A document of some length. " * 400


class Cells:
    """A sink that adds up the time of cells."""

    elapsed = 0.0

    def write(self, event: Any) -> None:
        if type(event).__name__ == "CellFinished":
            self.elapsed += event.elapsed


def distill(kind: str, number: int, url: str) -> float:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from distill_core import OpenAIHandler, run
    from distill_core.events import Limits

    supervisor = OpenAIHandler(f"{kind}-distill-{number}", base_url=url, api_key="x")
    worker = OpenAIHandler("worker", base_url=url, api_key="x", max_tokens=64)
    for handler in (supervisor, worker):
        handler.chat([{"role": "user", "content": "hello"}])
    kept = Cells()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        result = run(
            QUESTION,
            DOCUMENT,
            supervisor,
            worker,
            max_iterations=number + 1,
            log_dir=Path(folder) / "s",
            limits=Limits(worker_calls=None),
            sinks=[kept],
        )
        elapsed = time.perf_counter() - started
    expected = number if kind == "batch" else number - 1
    assert result.value == expected, result
    return kept.elapsed if kind == "batch" else elapsed


def rlms(kind: str, number: int, url: str) -> float:
    from rlm import RLM
    from rlm.logger import RLMLogger

    def kwargs(model: str) -> dict[str, str]:
        return {"model_name": model, "base_url": url, "api_key": "x"}

    with tempfile.TemporaryDirectory() as folder:
        system = RLM(
            backend="openai",
            backend_kwargs=kwargs(f"{kind}-rlms-{number}"),
            other_backends=["openai"],
            other_backend_kwargs=[kwargs("worker")],
            max_iterations=number + 1,
            max_concurrent_subcalls=64,
            logger=RLMLogger(log_dir=folder),
        )
        started = time.perf_counter()
        result = system.completion(DOCUMENT, root_prompt=QUESTION)
        elapsed = time.perf_counter() - started
    assert result.response == str(number if kind == "batch" else number - 1), result.response
    return elapsed


def smolagents(kind: str, number: int, url: str) -> float:
    from smolagents import CodeAgent, LogLevel, OpenAIModel

    model = OpenAIModel(f"{kind}-smolagents-{number}", api_base=url, api_key="x")
    agent = CodeAgent(tools=[], model=model, max_steps=number + 1, verbosity_level=LogLevel.OFF)
    started = time.perf_counter()
    result = agent.run(QUESTION, additional_args={"context": DOCUMENT})
    elapsed = time.perf_counter() - started
    assert result == number - 1, result
    return elapsed


def bare(kind: str, number: int, url: str) -> float:
    import aiohttp

    model = "turns-distill-1" if kind == "turns" else "worker"
    at_once = 1 if kind == "turns" else 64

    async def calls() -> float:
        slots = asyncio.Semaphore(at_once)
        connector = aiohttp.TCPConnector(limit=at_once)
        async with aiohttp.ClientSession(connector=connector) as client:

            async def one(index: int) -> None:
                body = {"model": model, "messages": [{"role": "user", "content": f"piece {index}"}]}
                async with slots, client.post(f"{url}/chat/completions", json=body) as response:
                    await response.json()

            started = time.perf_counter()
            await asyncio.gather(*(one(i) for i in range(number)))
            return time.perf_counter() - started

    return asyncio.run(calls())


if __name__ == "__main__":
    name, kind, number, url = sys.argv[1:]
    systems = {"distill": distill, "rlms": rlms, "smolagents": smolagents, "bare": bare}
    print(json.dumps(systems[name](kind, int(number), url)))
