"""Cells that must be stopped, processes that are lost, and a REPL that goes on."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from pathlib import Path

import pytest

from distill_core.repl import REPL, CellResult, ReplLimits
from distill_core.repl.aio import AsyncREPL
from distill_core.repl.capture import Written
from distill_core.repl.protocol import Buried

SHORT = ReplLimits(cell_seconds=0.5, grace_seconds=0.5)


def usable(repl: REPL) -> bool:
    """Whether the next cell runs."""
    return repl.execute("print('alive', 6 * 7)").stdout == "alive 42\n"


def test_an_endless_loop_times_out_and_loses_nothing() -> None:
    with REPL("", limits=SHORT) as repl:
        result = repl.execute("kept = 1\nprint('before')\nwhile True: pass")
        assert result.status == "timeout"
        assert result.stdout == "before\n"
        assert "line 3" in (result.traceback or "")
        assert "0.5 s of active time were used up" in (result.traceback or "")
        assert not result.restarted
        assert repl.execute("print(kept)").stdout == "1\n"


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.sleep(600)",
        "import threading\nl = threading.Lock(); l.acquire(); l.acquire()",
        "class R:\n    def __repr__(self):\n        while True: pass\nR()",
        "class R:\n    def __str__(self):\n        while True: pass\nFINAL(R())",
        "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        "import asyncio\nawait asyncio.sleep(600)",
        "import re\nre.match('(a*)*b', 'a' * 60)",
        "while True: print('spam ' * 20)",
    ],
)
def test_every_kind_of_waiting_ends(code: str) -> None:
    with REPL("", limits=SHORT) as repl:
        repl.execute("kept = 1")
        assert repl.execute(code).status == "timeout"
        assert repl.execute("print(kept)").stdout == "1\n"


def test_a_timeout_is_said_for_each_cell() -> None:
    with REPL("") as repl:
        assert repl.execute("import time; time.sleep(600)", timeout=0.2).status == "timeout"


@pytest.mark.parametrize(
    "code",
    [
        "print('before')\nimport time\nwhile True:\n    try: time.sleep(600)\n    except BaseException: pass",
        "print('before')\nimport signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\ntime.sleep(600)",
        "print('before')\nimport signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
    ],
)
def test_a_block_that_ignores_the_interrupt_is_killed(code: str) -> None:
    with REPL("doc", "q", limits=SHORT) as repl:
        repl.execute("kept = 1")
        result = repl.execute(code)
        assert result.status == "killed"
        assert result.stdout.startswith("before\n")
        assert result.restored
        assert "did not stop within 0.5 s" in (result.traceback or "")
        assert "Variables are as before it." in (result.traceback or "")
        assert repl.execute("print(context, query, kept)").stdout == "doc q 1\n"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import os; os._exit(3)", "status 3"),
        ("import os; os.abort()", "SIGABRT"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import os; os.closerange(3, 4096)", "killed"),
    ],
)
def test_a_lost_process_is_replaced(code: str, cause: str) -> None:
    with REPL("doc", "q", isolation="none") as repl:
        result = repl.execute(f"lost = 1\nprint('before')\n{code}")
        assert result.status == "killed"
        assert result.stdout.startswith("before\n")
        assert cause in (result.traceback or "")
        assert repl.execute("print(context, 'lost' in globals())").stdout == "doc False\n"


def test_an_answer_given_before_the_process_was_lost_is_not() -> None:
    with REPL("") as repl:
        result = repl.execute("try: FINAL('x')\nexcept: pass\nimport os; os._exit(0)")
        assert result.status == "killed"
        assert result.final is not None
        assert result.final.text == "x"


def test_a_process_lost_between_cells_is_told_with_the_next() -> None:
    with REPL("") as repl:
        repl.execute("import threading, os, time\nkept = 1\nthreading.Timer(0.1, os._exit, (0,)).start()")
        threading.Event().wait(0.5)
        result = repl.execute("print('kept' in globals())")
        assert result.stdout == "True\n"
        assert result.restored
        assert "was lost after the last cell. Variables are as they were at its end." in result.stderr


def test_an_interrupt_from_another_thread() -> None:
    with REPL("") as repl:
        threading.Timer(0.3, repl.interrupt).start()
        result = repl.execute("kept = 1\nprint('begun')\nwhile True: pass")
        assert result.status == "interrupted"
        assert result.stdout == "begun\n"
        assert "KeyboardInterrupt" in (result.traceback or "")
        assert repl.execute("print(kept)").stdout == "1\n"


def test_an_interrupt_without_a_cell_does_nothing(repl: REPL) -> None:
    repl.interrupt()
    assert usable(repl)


@pytest.mark.parametrize(
    "code",
    [
        "worker('x')",
        "worker_batch(['x'] * 10)",
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool: list(pool.map(worker, ['x'] * 100))",
    ],
)
def test_a_cell_that_waits_for_workers_can_be_interrupted(code: str) -> None:
    begun = threading.Event()

    async def worker(prompt: str) -> str:
        begun.set()
        await asyncio.sleep(600)
        return prompt

    with REPL("", worker=worker) as repl:

        def interrupt() -> None:
            begun.wait(30)
            repl.interrupt()

        threading.Thread(target=interrupt).start()
        result = repl.execute(f"kept = 1\n{code}")
        assert result.status == "interrupted"
        assert repl.execute("print(kept)").stdout == "1\n"


def test_a_cell_that_ends_well_when_interrupted_is_marked_all_the_same() -> None:
    with REPL("", limits=SHORT) as repl:
        result = repl.execute(
            "import time\ntry:\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    print('caught')"
        )
        assert result.status == "timeout"
        assert result.stdout == "caught\n"


def test_a_final_that_was_swallowed_counts_although_time_ran_out() -> None:
    with REPL("", limits=SHORT) as repl:
        result = repl.execute("import time\ntry: FINAL('x')\nexcept: pass\ntime.sleep(600)")
        assert result.status == "final"


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(64 << 30)",
        "s = 'ab' * (1 << 40)",
        "l = []\nwhile True: l.append('x' * 1_000_000)",
        "l = []\nwhile True: l.append([None] * 1000)",
    ],
)
def test_memory_is_bounded_and_can_be_freed(code: str) -> None:
    with REPL("", limits=ReplLimits(memory_bytes=256 << 20)) as repl:
        repl.execute("kept = 1")
        result = repl.execute(code)
        assert result.status == "error"
        assert "MemoryError" in (result.traceback or "")
        assert code.startswith("l") == ("Memory is held by l (list, " in (result.traceback or ""))
        assert repl.execute("l = x = s = None\nprint(kept)").stdout == "1\n"
        assert repl.execute("more = [[None] * 1000 for _ in range(5000)]").status == "ok"


def test_memory_is_counted_from_what_the_context_takes() -> None:
    with REPL("x" * 300_000_000, limits=ReplLimits(memory_bytes=64 << 20)) as repl:
        assert repl.execute("print(len(context), len(bytearray(20 << 20)))").status == "ok"
        assert "MemoryError" in (repl.execute("context + 'y'").traceback or "")


def test_deep_recursion_costs_the_child_only() -> None:
    with REPL("") as repl:
        result = repl.execute(
            "import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return [f(n + 1)]\nf(0)", timeout=2
        )
        assert result.status in ("error", "killed", "timeout")
        assert usable(repl)


def test_recursion_is_an_ordinary_error(repl: REPL) -> None:
    result = repl.execute("def f(): return f()\nf()")
    assert result.status == "error"
    assert "RecursionError" in (result.traceback or "")
    assert len(result.traceback or "") < 5000


def stands_still(repl: REPL) -> bool:
    """Whether the kernel comes to say that the process is stopped (proc(5), stat)."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if Path(f"/proc/{repl.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="copies are needed for that")
def test_what_a_cell_left_running_stands_still_while_nobody_asks() -> None:
    with REPL("") as repl:
        repl.execute(
            "import threading\ncount = 0\ndef go():\n    global count\n    while True: count += 1\n"
            "threading.Thread(target=go, daemon=True).start()"
        )
        assert stands_still(repl)
        assert "count" in {variable.name for variable in repl.variables()}
        assert stands_still(repl), "asked something, it answers and stands still again"
        assert repl.execute("before = count\nwhile count == before: pass\nprint('on')").stdout == "on\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="copies are needed for that")
async def test_a_cell_that_begins_while_a_still_process_answers_goes_on() -> None:
    async with AsyncREPL("") as repl:
        await repl.execute("kept = 1")
        await repl.variables()  # the state after the cell is kept by then
        runner = repl._timeline._runner
        assert runner is not None
        runner.freeze()
        asked = asyncio.create_task(runner.ask({"op": "bury"}, Buried, 20))
        await asyncio.sleep(0)
        assert not runner.frozen
        cell = runner.start(2, "print(kept)", "", 20.0, Written(100, None), repl.limits)
        await asked
        assert not runner.frozen
        await cell.ended()
        runner.cell = None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the number of the call is Linux's")
def test_a_process_whose_first_thread_has_ended_is_lost() -> None:
    with REPL("") as repl:
        repl.execute("kept = 1")
        result = repl.execute(
            "import ctypes, os, threading, time\n"
            "threading.Thread(target=time.sleep, args=(600,)).start()\n"
            "ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)"
        )
        assert result.status == "killed"
        assert "its main thread has ended" in (result.traceback or "")
        assert repl.execute("print(kept)").stdout == "1\n"


def test_closing_ends_a_running_cell() -> None:
    results: list[CellResult] = []
    repl = REPL("")
    with repl:
        begun = threading.Event()
        thread = threading.Thread(
            target=lambda: results.append(
                repl.execute("print(1)\nwhile True: pass", on_output=lambda *_: begun.set())
            )
        )
        thread.start()
        assert begun.wait(30)
    thread.join(30)
    assert results[0].status == "killed"
    assert not results[0].restarted
