"""What checkpoints cost: taking one, going back, a fork, and a cell with all that, beside a bare fork. Prints only.

Run: python benchmarks/checkpoints.py [LEVEL ...] [--cells N]

With --cells, N cells are run in one REPL, one in a hundred of them killed, and the memory and descriptors of host and
processes are told on the way: they must stay what they are.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from distill_core.isolation.levels import obstacle
from distill_core.repl import AsyncREPL, ReplLimits

STATES = {
    "small": "x = 1",
    "a string of 100 MB": "x = 'x' * 100_000_000",
    "a string of 1 GB": "x = 'x' * 1_000_000_000",
    "10 million small objects": "x = [str(n) for n in range(10_000_000)]",
}
TOUCH = "for item in x: pass"
LIMITS = ReplLimits(memory_bytes=8 << 30, checkpoint_bytes=None, cell_seconds=None, checkpoints=4)
ROUNDS = 10


async def timed(work: Callable[[], Awaitable[object]], times: int = ROUNDS) -> str:
    """Median and least milliseconds of `work`."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - begun) * 1e3)
    return f"{statistics.median(taken):8.2f} (least {min(taken):.2f})"


def bare_forks(code: str) -> None:
    """A fork of this process with the same in its memory."""
    names: dict[str, object] = {}
    exec(code, names)
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        pid = os.fork()
        if not pid:
            os._exit(0)
        taken.append((time.perf_counter() - begun) * 1e3)
        os.waitpid(pid, 0)
    print(f"  bare: fork                    {statistics.median(taken):8.2f} (least {min(taken):.2f})")


async def measure(level: str, code: str) -> None:
    """One state at one level."""
    async with AsyncREPL("text", isolation=level, limits=LIMITS) as repl:
        await repl.execute(code)
        await repl.checkpoint()

        async def cell() -> None:
            await repl.execute("y = 1")
            await repl.checkpoint()

        async def fork() -> None:
            await (await repl.fork()).close()

        async def crash() -> None:
            await repl.execute("import os; os._exit(0)")

        print(f"  {level}: cell and checkpoint      {await timed(cell)}")
        print(f"  {level}: fork, and close it       {await timed(fork)}")
        print(f"  {level}: crash, and back          {await timed(crash)}")
        await repl.checkpoint()
        index = repl.checkpoints[-1].index
        print(f"  {level}: rollback                 {await timed(lambda: repl.rollback(index))}")
        if code.startswith("x = ["):
            begun = time.perf_counter()
            await repl.execute(TOUCH)
            print(f"  {level}: touch all of them        {(time.perf_counter() - begun) * 1e3:8.2f}")
    plain = ReplLimits(checkpoints=0)
    async with AsyncREPL("text", isolation=level, limits=plain) as repl:
        print(f"  {level}: cell without checkpoints {await timed(lambda: repl.execute('y = 1'))}", flush=True)


def held(pid: int) -> str:
    """Memory and descriptors of a process."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    memory = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS"))
    return f"{memory} MiB, {len(list(Path(f'/proc/{pid}/fd').iterdir()))} descriptors"


async def endure(level: str, cells: int) -> None:
    """Many cells in one REPL."""
    async with AsyncREPL("text", isolation=level) as repl:
        begun = time.perf_counter()
        for number in range(1, cells + 1):
            await repl.execute("x = [0] * 1000" if number % 100 else "import os; os._exit(0)")
            if number % max(1, cells // 10) == 0:
                await repl.checkpoint()
                pid = repl.pid
                assert pid is not None
                print(
                    f"  {level}: {number:6} cells: host {held(os.getpid())}; process {held(pid)}", flush=True
                )
        print(f"  {level}: {(time.perf_counter() - begun) / cells * 1e3:.2f} ms a cell")


async def main() -> None:
    """What is asked for."""
    arguments = sys.argv[1:]
    cells = int(arguments.pop(arguments.index("--cells") + 1)) if "--cells" in arguments else 0
    levels = [argument for argument in arguments if argument != "--cells"] or ["none", "good", "strong"]
    usable = [level for level in levels if obstacle(level) is None]
    if cells:
        for level in usable:
            await endure(level, cells)
        return
    for name, code in STATES.items():
        print(name)
        bare_forks(code)
        for level in usable:
            await measure(level, code)


if __name__ == "__main__":
    asyncio.run(main())
