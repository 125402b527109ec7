"""Earlier states: what a killed cell leaves behind, going back, and what is kept for that."""

from __future__ import annotations

import asyncio
import resource
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core.errors import ReplError
from distill_core.isolation.levels import obstacle
from distill_core.repl import REPL, AsyncREPL, ReplLimits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies of processes are made on Linux")

LIMITS = ReplLimits(cell_seconds=30.0, grace_seconds=0.3)


@pytest.fixture(params=["none", "good", "strong"])
def repl(request: pytest.FixtureRequest) -> Iterator[REPL]:
    if (reason := obstacle(request.param)) is not None:
        pytest.skip(f"level {request.param}: {reason}")
    with REPL("doc", "q", worker=str.upper, limits=LIMITS, isolation=request.param) as made:
        assert made.without_checkpoints is None
        yield made


ENDS = {
    "leaves": "import os; os._exit(3)",
    "aborts": "import os; os.abort()",
    "faults": "import ctypes; ctypes.string_at(0)",
    "overflows the C stack": "import itertools, threading\nit = iter(())\n"
    "for _ in range(100_000): it = itertools.chain(it)\n"
    "threading.stack_size(65536)\nthread = threading.Thread(target=next, args=(it,))\nthread.start(); thread.join()",
    "computes in C": "sum(range(10**12))",
    "ignores the interrupt": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
    "blocks all signals": "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\ntime.sleep(99)",
    "swallows the interrupt": "import time\nwhile True:\n    try: time.sleep(99)\n    except BaseException: pass",
    "closes its line": "import os; os.closerange(3, 4096)",
    "talks nonsense": "import os, stat\n"
    "line = [fd for fd in range(3, 64) if _sock(fd)][0]\nos.write(line, b'\\xff' * 64)",
}
SOCK = """
import os, stat
def _sock(fd):
    try: return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError: return False
"""


@pytest.mark.parametrize("end", ENDS)
def test_a_killed_cell_leaves_the_state_before_it(repl: REPL, end: str) -> None:
    repl.execute(SOCK)
    repl.execute("kept = [1, 2]\ndef double(x): return 2 * x")
    result = repl.execute(f"kept.append(3)\nprint('before')\n{ENDS[end]}", timeout=1)
    assert result.status == "killed"
    assert result.restored
    assert result.stdout.startswith("before\n")
    assert "Variables are as before it." in (result.traceback or "")
    after = repl.execute("print(kept, double(4), context, query, worker('x'))")
    assert after.stdout == "[1, 2] 8 doc q X\n"
    assert not after.restored


def test_the_first_cell_may_be_killed_too(repl: REPL) -> None:
    result = repl.execute("x = 1\nimport os; os._exit(0)")
    assert result.restored
    assert not result.restarted
    assert repl.execute("print('x' in globals(), context)").stdout == "False doc\n"


def test_cells_may_be_killed_one_after_the_other(repl: REPL) -> None:
    repl.execute("x = 1")
    for _ in range(5):
        assert repl.execute("x = 2\nimport os; os._exit(0)").restored
    assert repl.execute("x += 1; print(x)").stdout == "2\n"
    assert repl.execute("import os; os._exit(0)").restored
    assert repl.execute("print(x)").stdout == "2\n"


LIVING = """
import io, random, threading, concurrent.futures, tempfile, itertools, collections
generator = (n * n for n in itertools.count())
next(generator), next(generator)
pool = concurrent.futures.ThreadPoolExecutor(4)
list(pool.map(abs, range(50)))
file = open('notes', 'w+'); file.write('written'); file.flush()
random.seed(7); random.random()
deep = []
for _ in range(10_000): deep = [deep]
lock = threading.Lock()
class Node:
    def __init__(self): self.me = self
node = Node()
big = 'x' * 100_000_000
"""


def test_what_cannot_be_pickled_survives(repl: REPL) -> None:
    assert repl.execute(LIVING).status == "ok"
    expected = repl.execute("print(random.random())").stdout
    repl.rollback(1)
    repl.execute("import os; os._exit(0)")
    result = repl.execute(
        "print(random.random())\n"
        "print(next(generator), sum(pool.map(abs, range(100))), node.me is node, len(big), lock.acquire())\n"
        "file.seek(0); print(file.read())"
    )
    assert result.stdout == f"{expected}4 4950 True 100000000 True\nwritten\n", result.traceback


def test_numpy_arrays_survive(repl: REPL) -> None:
    pytest.importorskip("numpy")
    repl.execute("import numpy as np\na = np.arange(1_000_000)\na.sum()")
    repl.execute("a[:] = 0\nimport os; os._exit(0)")
    assert repl.execute(
        "print(int(a.sum()), float((np.ones((300, 300)) @ np.ones((300, 300))).sum()))"
    ).stdout == ("499999500000 27000000.0\n")


def test_an_event_loop_goes_on(repl: REPL) -> None:
    repl.execute(
        "import asyncio\nawait asyncio.sleep(0)\nloop = asyncio.get_running_loop()\nqueue = asyncio.Queue()"
    )
    with repl.fork() as other:
        code = "await queue.put(1)\nprint(await asyncio.to_thread(lambda: 7), await queue.get())"
        assert other.execute(code).stdout == "7 1\n"
        assert repl.execute(code).stdout == "7 1\n"
        assert other.execute(code).stdout == "7 1\n"


def test_threads_of_a_living_repl_live_on(repl: REPL) -> None:
    repl.execute(
        "import threading\nasked, answered = threading.Event(), threading.Event()\n"
        "threading.Thread(target=lambda: asked.wait() and answered.set(), daemon=True).start()"
    )
    assert repl.execute("asked.set(); print(answered.wait(5))").stdout == "True\n"


def test_rolling_back_to_every_state_there_is(repl: REPL) -> None:
    for number in range(1, 6):
        repl.execute(f"x = {number}")
    assert [kept.index for kept in repl.checkpoints][-1] in (4, 5)
    repl.checkpoint()
    assert [kept.index for kept in repl.checkpoints] == [0, 1, 2, 3, 4, 5]
    for number in (5, 3, 2, 1):
        repl.rollback(number)
        assert repl.execute("print(x)").stdout == f"{number}\n"
    repl.rollback(0)
    assert repl.execute("print('x' in globals(), context)").stdout == "False doc\n"


def test_later_states_are_gone_after_going_back(repl: REPL) -> None:
    for number in range(1, 4):
        repl.execute(f"x = {number}")
    repl.rollback(1)
    with pytest.raises(ReplError, match="no checkpoint after 3 cells"):
        repl.rollback(3)
    repl.execute("x = 'other'")
    repl.execute("x = 'more'")
    repl.rollback(2)
    assert repl.execute("print(x)").stdout == "other\n"


def test_a_killed_cell_counts_and_leaves_the_state_before_it(repl: REPL) -> None:
    repl.execute("x = 1")
    repl.execute("x = 2; import os; os._exit(0)")
    repl.execute("x = 3")
    repl.rollback(2)
    assert repl.execute("print(x)").stdout == "1\n"


def test_the_oldest_is_given_up_first_and_the_root_never() -> None:
    with REPL("", limits=ReplLimits(checkpoints=3)) as repl:
        for number in range(1, 8):
            repl.execute(f"x = {number}")
        repl.checkpoint()
        assert [kept.index for kept in repl.checkpoints] == [0, 5, 6, 7]
        with pytest.raises(ReplError, match="kept are those after 0, 5, 6, 7"):
            repl.checkpoint(4)
        repl.rollback(0)
        assert repl.execute("print('x' in globals())").stdout == "False\n"


def test_without_checkpoints_a_killed_cell_leaves_the_root() -> None:
    with REPL("doc", limits=ReplLimits(checkpoints=0)) as repl:
        repl.execute("x = 1")
        result = repl.execute("import os; os._exit(0)")
        assert result.restarted
        assert "variables are lost" in (result.traceback or "")
        assert repl.execute("print('x' in globals(), context)").stdout == "False doc\n"
        with pytest.raises(ReplError, match="not kept"):
            repl.checkpoint()
        repl.execute("y = 2")
        with repl.fork() as other:
            assert other.execute("print(y)").stdout == "2\n"


def test_memory_that_states_hold_is_bounded() -> None:
    limits = ReplLimits(checkpoint_bytes=250 << 20)
    with REPL("", limits=limits) as repl:
        for _ in range(6):
            repl.execute("x = bytearray(b'a') * 100_000_000")
            repl.checkpoint()
            threading.Event().wait(0.3)
        held = [kept.index for kept in repl.checkpoints]
        assert held[0] == 0
        assert held[-1] == 6
        assert 3 <= len(held) <= 5
        assert repl.checkpoints[-1].bytes > 30_000_000
        repl.execute("x = 0; import os; os._exit(0)")
        assert repl.execute("print(len(x))").stdout == "100000000\n"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_memory_is_bounded_whatever_a_process_calls_itself() -> None:
    with REPL("", limits=ReplLimits(checkpoint_bytes=250 << 20)) as repl:
        repl.execute("import ctypes; ctypes.CDLL(None).prctl(15, b'\\xff\\xfe) R 1', 0, 0, 0)")
        repl.execute("x = bytearray(100_000_000)")
        for number in range(6):
            repl.execute(f"for at in range(0, len(x), 4096): x[at] = {number}")
            repl.checkpoint()
            threading.Event().wait(0.3)
        assert len(repl.checkpoints) <= 5
        assert repl.execute("import signal; signal.raise_signal(0)").status == "ok"


def test_memory_that_states_take_by_themselves_is_bounded_too() -> None:
    limits = ReplLimits(checkpoint_bytes=250 << 20)
    code = """
        import os
        taken = []
        os.register_at_fork(after_in_child=lambda: taken.append(bytearray(b'a') * 100_000_000))
        """
    with REPL("", limits=limits) as repl:
        repl.execute(textwrap.dedent(code))
        for _ in range(6):
            repl.execute("x = 1")
            repl.checkpoint()
            threading.Event().wait(0.3)
        assert len(repl.checkpoints) <= 5
        assert repl.execute("print(len(taken))").stdout == "0\n"


def test_a_state_of_now_can_be_asked_for_before_any_cell(repl: REPL) -> None:
    assert repl.checkpoint().index == 0
    assert repl.checkpoint(0).index == 0


async def test_a_checkpoint_is_taken_while_nobody_waits() -> None:
    async with AsyncREPL("") as repl:
        await repl.execute("x = 1")
        async with asyncio.timeout(30):
            while len(repl.checkpoints) < 2:
                await asyncio.sleep(0.01)
        assert repl.checkpoints[-1].index == 1


def test_going_back_ends_what_later_cells_had_begun(repl: REPL) -> None:
    repl.execute("x = 1")
    pid = repl.pid
    repl.execute("import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()")
    repl.rollback(1)
    assert repl.pid != pid
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()


def test_a_traceback_shows_lines_of_cells_before_the_one_gone_back_to(repl: REPL) -> None:
    repl.execute("def fail():\n    raise ValueError('here')")
    repl.execute("import os; os._exit(0)")
    assert "raise ValueError('here')" in (repl.execute("fail()").traceback or "")


def test_an_interrupt_reaches_a_restored_process(repl: REPL) -> None:
    repl.execute("import os; os._exit(0)")
    assert repl.execute("while True: pass", timeout=0.3).status == "timeout"
    assert repl.execute("print('alive')").stdout == "alive\n"


def test_a_host_without_free_descriptors_takes_no_checkpoint_and_goes_on(repl: REPL) -> None:
    repl.execute("x = 1")
    repl.checkpoint()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        assert repl.execute("x = 2").status == "ok"
        assert repl.execute("x = 3").status == "ok"
        repl.variables()  # which waits until the state is kept, or is not
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert "as they were after cell 1." in (repl.execute("import os; os._exit(0)").traceback or "")
    assert repl.execute("print(x)").stdout == "1\n"
