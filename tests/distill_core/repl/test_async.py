"""The REPL on somebody's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from distill_core.repl import REPL, AsyncREPL


async def shout(prompt: str) -> str:
    """Answers at once."""
    return prompt.upper()


async def test_cells_and_calls() -> None:
    async with AsyncREPL("doc", "q", worker=shout) as repl:
        result = await repl.execute("print(context, query, worker('a'), worker_batch(['b', 'c']))")
        assert result.stdout == "doc q A ['B', 'C']\n"


async def test_the_worker_runs_on_the_same_loop() -> None:
    loops = []

    async def worker(prompt: str) -> str:
        loops.append(asyncio.get_running_loop())
        return prompt

    async with AsyncREPL("", worker=worker) as repl:
        await repl.execute("worker('a')")
    assert loops == [asyncio.get_running_loop()]


async def test_cells_take_turns() -> None:
    async with AsyncREPL("") as repl:
        await repl.execute("seen = []")
        await asyncio.gather(*(repl.execute(f"seen.append({n})") for n in range(10)))
        assert (await repl.execute("seen")).stdout == f"{list(range(10))}\n"


async def test_an_interrupt_from_the_loop() -> None:
    async with AsyncREPL("") as repl:
        cell = asyncio.create_task(repl.execute("while True: pass"))
        await asyncio.sleep(0.3)
        repl.interrupt()
        assert (await cell).status == "interrupted"


async def test_cancelling_stops_the_cell_and_keeps_the_repl() -> None:
    async with AsyncREPL("") as repl:
        cell = asyncio.create_task(repl.execute("kept = 1\nwhile True: pass"))
        await asyncio.sleep(0.3)
        cell.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cell
        assert (await repl.execute("kept")).stdout == "1\n"


async def test_a_call_that_came_just_before_the_interrupt_is_refused_as_well() -> None:
    async def worker(prompt: str) -> str:
        # The second call arrives while the loop stands still, and the interrupt before anything is done for it.
        time.sleep(0.5)  # noqa: ASYNC251 - standing still is the point
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(repl.interrupt))
        await asyncio.sleep(600)
        return prompt

    async with AsyncREPL("", worker=worker) as repl:
        result = await repl.execute(
            "import threading, time\n"
            "second = threading.Thread(target=lambda: (time.sleep(0.1), worker('second')))\n"
            "kept = 1\n"
            "second.start()\n"
            "try:\n    worker('first')\nfinally:\n    second.join()"
        )
        assert result.status == "interrupted"
        assert (await repl.execute("print(kept)")).stdout == "1\n"


async def test_a_thousand_calls_overlap() -> None:
    async def slow(prompt: str) -> str:
        await asyncio.sleep(0.05)
        return prompt

    async with AsyncREPL("", worker=slow) as repl:
        result = await repl.execute(
            "r = worker_batch([str(i) for i in range(1000)])\nprint(r == [str(i) for i in range(1000)])"
        )
        assert result.stdout == "True\n"
        assert result.elapsed < 25  # one after the other they would take 50


async def test_output_is_seen_on_the_loop_before_the_call_that_follows_it() -> None:
    order: list[str] = []

    async def worker(prompt: str) -> str:
        order.append(f"call {prompt}")
        return prompt

    async with AsyncREPL("", worker=worker) as repl:
        await repl.execute(
            "for i in range(5):\n    print('text', i, end='')\n    worker(str(i))",
            on_output=lambda stream, text: order.append(text),
        )
    assert "".join(order) == "".join(f"text {i}call {i}" for i in range(5))


async def test_a_fault_of_the_host_does_not_leave_a_cell_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncREPL("", worker=shout) as repl:

        async def broken(*args: object) -> dict[str, object]:
            raise LookupError("a fault of the host")

        assert repl._timeline._calls is not None
        monkeypatch.setattr(repl._timeline._calls, "ask", broken)
        with pytest.raises(LookupError):
            await repl.execute("worker('x')")
        monkeypatch.undo()
        assert (await repl.execute("worker('x')")).stdout == "'X'\n"


async def test_the_blocking_repl_works_inside_a_running_loop() -> None:
    with REPL("doc", worker=shout) as repl:
        assert repl.execute("worker(context)").stdout == "'DOC'\n"


async def test_closing_while_it_starts() -> None:
    repl = AsyncREPL("x" * 5_000_000)
    start = asyncio.create_task(repl.__aenter__())
    await asyncio.sleep(0.01)
    await repl.close()
    with contextlib.suppress(Exception):
        await start
    assert not [task for task in asyncio.all_tasks() if "_watch" in repr(task)]
