"""What each level of isolation costs: start, a trivial cell, worker calls, 100 MB of context. Prints; asserts nothing.

Run: python benchmarks/isolation.py [LEVEL ...]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

from distill_core.isolation.levels import obstacle
from distill_core.repl import AsyncREPL, ReplLimits

ROUNDS = 25


async def answer(prompt: str) -> str:
    """A worker that is free, so that only the REPL's own cost is left."""
    return prompt


async def answer_all(prompts: list[str]) -> list[str]:
    """The same for a batch."""
    return prompts


async def started(level: str, text: str) -> tuple[float, float]:
    """Milliseconds to the end of the first cell, and of a second one."""
    begun = time.perf_counter()
    async with AsyncREPL(text, worker=answer, isolation=level) as repl:
        await repl.execute("x = 1")
        first = time.perf_counter()
        await repl.execute("x = 1")
        return (first - begun) * 1e3, (time.perf_counter() - first) * 1e3


async def measure(level: str) -> None:
    """One level."""
    starts = [await started(level, "text") for _ in range(ROUNDS)]
    first = [start for start, _ in starts]
    print(f"{level}: start to first cell done  {statistics.median(first):7.1f} ms (least {min(first):.1f})")
    # With checkpoints a cell waits for the state after the one before: benchmarks/checkpoints.py tells of that.
    limits = ReplLimits(worker_calls=None, checkpoints=0)
    async with AsyncREPL("t", worker=answer, worker_batch=answer_all, isolation=level, limits=limits) as repl:
        taken = []
        for _ in range(500):
            begun = time.perf_counter()
            await repl.execute("x = 1")
            taken.append(time.perf_counter() - begun)
        print(f"{level}: trivial cell              {statistics.median(taken) * 1e3:7.3f} ms")
        result = await repl.execute("for i in range(5000): worker('ping')")
        print(f"{level}: worker calls              {5000 / result.elapsed:7.0f} a second")
        result = await repl.execute("for i in range(50): worker_batch(['ping'] * 1000)")
        print(f"{level}: prompts in batches        {50_000 / result.elapsed:7.0f} a second")
    large = [await started(level, "abcdefghi " * 10_000_000) for _ in range(3)]
    print(f"{level}: start with 100 MB         {min(start for start, _ in large):7.0f} ms", flush=True)


async def main() -> None:
    """The levels named, or all."""
    for level in sys.argv[1:] or ("none", "good", "strong"):
        if (reason := obstacle(level)) is not None:
            print(f"{level}: left out, {reason}")
        else:
            await measure(level)


if __name__ == "__main__":
    asyncio.run(main())
