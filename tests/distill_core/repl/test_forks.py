"""A second REPL out of a state of the first: neither leaves a mark on the other."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Iterator

import pytest

from distill_core.errors import ReplError
from distill_core.isolation.levels import obstacle
from distill_core.repl import REPL, AsyncREPL, ReplLimits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies of processes are made on Linux")


@pytest.fixture(params=["none", "good", "strong"])
def repl(request: pytest.FixtureRequest) -> Iterator[REPL]:
    if (reason := obstacle(request.param)) is not None:
        pytest.skip(f"level {request.param}: {reason}")
    with REPL(
        "doc", "q", worker=str.upper, primitives={"double": lambda n: 2 * n}, isolation=request.param
    ) as made:
        yield made


def test_neither_sees_what_the_other_does(repl: REPL) -> None:
    repl.execute("x = [1]")
    with repl.fork() as other:
        other.execute("x.append(2); y = 1")
        repl.execute("x.append(3)")
        assert other.execute("print(x, y)").stdout == "[1, 2] 1\n"
        assert repl.execute("print(x, 'y' in globals())").stdout == "[1, 3] False\n"
        assert [variable.name for variable in repl.variables()] == ["context", "x"]


def test_a_fork_has_calls_of_its_own(repl: REPL) -> None:
    with repl.fork(worker=lambda p: f"stub {p}", primitives={"triple": lambda n: 3 * n}) as other:
        result = other.execute("print(worker('a'), worker_batch(['b']), triple(2), 'double' in globals())")
        assert result.stdout == "stub a ['stub b'] 6 False\n"
        assert [call.prompt for call in result.worker_calls] == ["a", "b"]
    assert repl.execute("print(worker('a'), double(2), 'triple' in globals())").stdout == "A 4 False\n"


def test_a_fork_without_functions_of_its_own_calls_those_of_the_first(repl: REPL) -> None:
    with repl.fork() as other:
        assert other.execute("print(worker('a'), double(2))").stdout == "A 4\n"


def test_a_fork_has_limits_of_its_own(repl: REPL) -> None:
    limits = ReplLimits(cell_seconds=0.3, worker_calls=2, output_chars=100, final_chars=10)
    with repl.fork(limits=limits) as other:
        assert other.execute("while True: pass").status == "timeout"
        assert "may make 2 worker calls" in (other.execute("for _ in range(3): worker('x')").traceback or "")
        assert other.execute("print('x' * 200)").dropped == 101
        assert "an answer may have 10 characters" in (other.execute("FINAL('x' * 20)").traceback or "")
    assert repl.execute("print('x' * 200); FINAL('x' * 20)").status == "final"


def test_a_fork_of_an_earlier_state(repl: REPL) -> None:
    for number in range(1, 4):
        repl.execute(f"x = {number}")
    with repl.fork(1) as first, repl.fork(3) as third, repl.fork(0) as zeroth:
        assert first.execute("print(x)").stdout == "1\n"
        assert third.execute("print(x)").stdout == "3\n"
        assert zeroth.execute("print('x' in globals())").stdout == "False\n"


def test_a_fork_is_a_whole_repl(repl: REPL) -> None:
    repl.execute("x = 1")
    with repl.fork() as other:
        other.execute("x = 2")
        assert other.execute("x = 3\nimport os; os._exit(0)").restored
        assert other.execute("print(x)").stdout == "2\n"
        other.rollback(1)
        assert other.execute("print(x)").stdout == "1\n"
        with other.fork() as third:
            assert third.execute("x += 10; print(x)").stdout == "11\n"
        assert other.execute("print(x)").stdout == "1\n"
    assert repl.execute("print(x)").stdout == "1\n"


def test_a_fork_outlives_a_crash_of_the_first(repl: REPL) -> None:
    repl.execute("x = 1")
    with repl.fork() as other:
        other.execute("x = 2")
        assert repl.execute("import os; os._exit(0)").restored
        assert other.execute("print(x)").stdout == "2\n"


def test_the_first_is_closed_first(repl: REPL) -> None:
    other = repl.fork()
    other.execute("x = 1")
    repl.close()
    with pytest.raises(ReplError, match="forked from is gone"):
        other.execute("print(x)")
    other.close()
    other.close()


def test_forks_are_closed_in_any_order(repl: REPL) -> None:
    first, second = repl.fork(), repl.fork()
    third = first.fork()
    first.close()
    assert third.execute("print(context)").stdout == "doc\n"
    assert second.execute("print(context)").stdout == "doc\n"
    second.close()
    third.close()
    assert repl.execute("print(context)").stdout == "doc\n"


def test_a_fork_while_a_cell_runs_is_of_the_state_before_it(repl: REPL) -> None:
    repl.execute("x = 1")
    begun = threading.Event()
    code = "x = 2\nprint('begun')\nimport time\ntime.sleep(600)"
    running = threading.Thread(target=lambda: repl.execute(code, on_output=lambda *_: begun.set()))
    running.start()
    assert begun.wait(30)
    with repl.fork() as other:
        assert other.execute("print(x)").stdout == "1\n"
    repl.interrupt()
    running.join()
    assert repl.execute("print(x)").stdout == "2\n"


def test_a_fork_answers_the_question_of_the_first(repl: REPL) -> None:
    with repl.fork() as other:
        assert other.execute("print(query); FINAL(1)").stdout == "q\n"


async def test_forks_run_at_the_same_time() -> None:
    async def worker(prompt: str) -> str:
        await asyncio.sleep(0.05)
        return prompt

    async with AsyncREPL("doc", worker=worker) as repl:
        await repl.execute("x = 1")
        forks = await asyncio.gather(*(repl.fork() for _ in range(4)))
        code = "x += {}\nprint(worker(str(x)))"
        results = await asyncio.gather(*(fork.execute(code.format(n)) for n, fork in enumerate(forks)))
        assert [result.stdout for result in results] == [f"{1 + n}\n" for n in range(4)]
        await asyncio.gather(*(fork.close() for fork in forks))


async def test_a_fork_that_never_ran_a_cell_ends_when_it_is_closed() -> None:
    async with AsyncREPL("") as repl:
        await repl.execute("x = 1")
        await repl.checkpoint()
        ground = repl._timeline._ground
        assert ground is not None
        before = len(ground.family.nodes)
        await (await repl.fork()).close()
        assert len(ground.family.nodes) == before


async def test_a_fork_that_nobody_waits_for_any_more_is_ended() -> None:
    async with AsyncREPL("") as repl:
        await repl.execute("x = 1")
        await repl.checkpoint()
        ground = repl._timeline._ground
        assert ground is not None
        before = len(ground.family.nodes)
        for passes in range(40):  # so that each place at which it waits is met
            fork = asyncio.create_task(repl.fork())
            for _ in range(passes):
                await asyncio.sleep(0)
            await asyncio.sleep(0.0001 * passes)
            fork.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await (await fork).close()
        async with asyncio.timeout(10):
            while len(ground.family.nodes) > before:
                await asyncio.sleep(0.01)
        assert (await repl.execute("print(x)")).stdout == "1\n"
