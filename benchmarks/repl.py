"""What the REPL costs: start, a trivial cell, worker calls, and 100 MB of context. Prints; asserts nothing.

Run: python benchmarks/repl.py
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from distill_core.repl import REPL, AsyncREPL, ReplLimits

MEGA = 1_000_000
PROC = Path("/proc")


async def answer(prompt: str) -> str:
    """A worker that is free, so that only the REPL's own cost is left."""
    return prompt


async def answer_all(prompts: list[str]) -> list[str]:
    """The same for a batch."""
    return prompts


async def timed(work: Callable[[], Awaitable[object]], times: int) -> float:
    """Median milliseconds of `work`."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e3


def memory(pid: int, fields: tuple[str, ...]) -> dict[str, float]:
    """Megabytes from /proc/PID/status and smaps_rollup."""
    found = {}
    for name in ("status", "smaps_rollup"):
        for line in (PROC / str(pid) / name).read_text().splitlines():
            key, _, value = line.partition(":")
            if key in fields:
                found[key] = int(value.split()[0]) * 1024 / MEGA
    return found


async def start() -> None:
    """From nothing to the first cell done, and back."""

    async def once() -> None:
        async with AsyncREPL("text", "query", worker=answer) as repl:
            await repl.execute("pass")

    print(f"start, first cell, close    {await timed(once, 15):8.1f} ms")


async def cells_and_calls() -> None:
    """A trivial cell, single worker calls, and prompts in batches."""
    limits = ReplLimits(worker_calls=None, checkpoints=0)
    async with AsyncREPL("text", worker=answer, worker_batch=answer_all, limits=limits) as repl:
        print(f"trivial cell                {await timed(lambda: repl.execute('x = 1'), 500):8.3f} ms")
        print(f"cell that prints            {await timed(lambda: repl.execute('print(1)'), 500):8.3f} ms")
        result = await repl.execute("for i in range(5000): worker('ping')")
        print(f"worker calls, one by one    {5000 / result.elapsed:8.0f} a second")
        result = await repl.execute("for i in range(50): worker_batch(['ping'] * 1000)")
        print(f"prompts, worker_batch       {50_000 / result.elapsed:8.0f} a second")
        result = await repl.execute("for i in range(100_000): print('line', i)")
        print(f"print loop of 100,000       {result.elapsed * 1e3:8.1f} ms")
    async with AsyncREPL("text", worker=answer, limits=limits) as repl:
        result = await repl.execute("for i in range(20): worker_batch(['ping'] * 1000)")
        print(f"prompts, worker for each    {20_000 / result.elapsed:8.0f} a second")


def blocking() -> None:
    """The same for the blocking REPL and a plain function."""
    with REPL("text", worker=lambda prompt: prompt) as repl:
        taken = []
        for _ in range(500):
            started = time.perf_counter()
            repl.execute("x = 1")
            taken.append(time.perf_counter() - started)
        print(f"trivial cell, blocking      {statistics.median(taken) * 1e3:8.3f} ms")
        result = repl.execute("for i in range(5000): worker('ping')")
        print(f"worker calls, blocking      {5000 / result.elapsed:8.0f} a second")


async def large(name: str, text: str) -> None:
    """Time and memory of a large context."""
    fields = ("VmRSS", "VmHWM", "Pss")
    size = len(text.encode("utf-8", "surrogatepass")) / MEGA
    before = memory(os.getpid(), fields)
    started = time.perf_counter()
    async with AsyncREPL(text) as repl:
        ready = time.perf_counter() - started
        pid = repl.pid
        assert pid is not None
        child, host = memory(pid, fields), memory(os.getpid(), fields)
        right = (await repl.execute("(len(context), context[-9:])")).stdout.strip()
    print(f"{name}, {size:.0f} MB of UTF-8, {len(text)} characters: ready in {ready * 1e3:.0f} ms, {right}")
    print("  child   " + "  ".join(f"{key} {value:.0f} MB" for key, value in child.items()))
    print(
        "  host    " + "  ".join(f"{key} {value - before[key]:+.0f} MB" for key, value in host.items()),
        flush=True,
    )


async def main() -> None:
    """All of it."""
    await start()
    await cells_and_calls()
    await asyncio.to_thread(blocking)
    if PROC.is_dir():
        await large("ASCII", "abcdefghi " * 10_000_000)
        await large("Latin-1", "ábcdefghi " * 5_000_000)
        await large("one wide character last", "abcdefghi " * 10_000_000 + "→")


if __name__ == "__main__":
    asyncio.run(main())
