"""Many REPLs at once, and many cells in one: each keeps to itself, and nothing is left of any."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from distill_core.repl import AsyncREPL, ReplLimits
from distill_core.repl.node import Node

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")


def descriptors(pid: int | str = "self") -> int:
    """How many a process holds open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def at_work(repl: AsyncREPL, number: int) -> list[str]:
    """Cells that remember, crash, and remember still."""
    await repl.execute(f"x = {number}")
    await repl.execute("import os; os._exit(0)")
    async with await repl.fork() as other:
        await other.execute("x = 'other'")
    return [(await repl.execute("print(x, context)")).stdout for _ in range(3)]


async def test_ten_at_once_keep_to_themselves() -> None:
    async with AsyncREPL("first") as first:  # what a first one opens for good is no leak
        await first.execute("x = 1")
    before = descriptors()
    async with AsyncExitStack() as open_ones:
        made = [AsyncREPL(f"document {number}") for number in range(10)]
        await asyncio.gather(*map(open_ones.enter_async_context, made))
        found = await asyncio.gather(*(at_work(repl, number) for number, repl in enumerate(made)))
    assert found == [[f"{number} document {number}\n"] * 3 for number in range(10)]
    assert descriptors() <= before


async def test_cell_after_cell_takes_no_more_descriptors() -> None:
    async with AsyncREPL("text") as repl:
        held = []
        for number in range(200):
            await repl.execute("x = 1" if number % 20 else "import os; os._exit(0)")
            if number in (99, 199):
                await repl.checkpoint()
                await asyncio.sleep(0.5)  # what a process that has just ended held is given back soon after
                assert repl.pid is not None
                held.append((descriptors(), descriptors(repl.pid)))
    (host, process), (host_later, process_later) = held
    assert host_later <= host
    assert process_later <= process


def nodes() -> int:
    """How many processes this side still knows of."""
    gc.collect()
    return sum(isinstance(found, Node) for found in gc.get_objects())


async def test_crash_after_crash_keeps_nothing_of_the_processes_that_were() -> None:
    before = nodes()  # other tests' count too, until their loops are collected
    async with AsyncREPL("text", limits=ReplLimits(checkpoints=2)) as repl:
        for _ in range(15):
            await repl.execute("x = 1")
            await repl.execute("import os; os._exit(0)")
        await repl.checkpoint()
        assert nodes() - before <= 6
