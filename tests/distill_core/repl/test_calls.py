"""Calls that a cell makes to the host: workers and primitives."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from distill_core.repl import REPL, ReplLimits, WorkerError


def test_a_call_is_recorded(repl: REPL) -> None:
    result = repl.execute("print(worker('one'))\nprint(worker_batch(['two', 'three']))")
    assert result.stdout == "<one>\n['<two>', '<three>']\n"
    assert [(call.prompt, call.response, call.error) for call in result.worker_calls] == [
        ("one", "<one>", None),
        ("two", "<two>", None),
        ("three", "<three>", None),
    ]


def test_a_failed_call_is_an_ordinary_exception(repl: REPL) -> None:
    result = repl.execute(
        "try:\n    worker('FAIL')\nexcept Exception as e:\n    print(type(e) is WorkerError, e)"
    )
    assert result.stdout.startswith(
        "True [no answer, the worker call failed: RuntimeError: the worker was told"
    )
    assert result.worker_calls[0].response is None
    assert result.worker_calls[0].error == "RuntimeError: the worker was told to fail"
    trace = repl.execute("worker('FAIL')").traceback or ""
    assert "\nWorkerError: " in trace


def test_a_batch_has_as_many_results_as_prompts_in_order(repl: REPL) -> None:
    result = repl.execute(
        "r = worker_batch(p for p in ['a', 'FAIL', 'b'])\n"
        "print(len(r), r[0], r[2], isinstance(r[1], WorkerError), isinstance(r[1], str))\nprint(r[1])\nr[1]"
    )
    first, shown, echoed = result.stdout.splitlines()
    assert first == "3 <a> <b> True False"
    assert shown.startswith("[no answer")
    assert echoed.startswith("WorkerError(")


def test_a_batch_can_raise(repl: REPL) -> None:
    result = repl.execute("worker_batch(['a', 'FAIL'], errors='raise')")
    assert result.status == "error"
    assert "WorkerError" in (result.traceback or "")


def test_an_empty_batch_is_empty(repl: REPL) -> None:
    result = repl.execute("worker_batch([])")
    assert result.stdout == "[]\n"
    assert result.worker_calls == ()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("worker(5)", "TypeError: worker(prompt) takes one string, got int"),
        ("worker(['a'])", "use worker_batch(prompts)"),
        ("worker()", "TypeError: worker() missing 1 required positional argument: 'prompt'"),
        ("worker_batch('abc')", "use worker(prompt)"),
        ("worker_batch(['a', None])", "prompt 1 is NoneType"),
        ("worker_batch(5)", "TypeError"),
        ("worker_batch(['a'], errors='ignore')", "ValueError: errors is"),
    ],
)
def test_a_wrong_argument_is_explained_and_no_call_is_made(repl: REPL, code: str, error: str) -> None:
    result = repl.execute(code)
    assert error in (result.traceback or "")
    assert result.worker_calls == ()


def test_calls_from_threads_find_their_own_answers(repl: REPL) -> None:
    result = repl.execute(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(16) as pool:\n"
        "    singles = list(pool.map(worker, [f't{i}' for i in range(200)]))\n"
        "    batches = list(pool.map(worker_batch, [[f'b{i}', f'c{i}'] for i in range(50)]))\n"
        "print(singles == [f'<t{i}>' for i in range(200)], batches == [[f'<b{i}>', f'<c{i}>'] for i in range(50)])"
    )
    assert result.stdout == "True True\n"
    assert len(result.worker_calls) == 300


def test_calls_run_at_once_up_to_the_limit() -> None:
    running, most, lock = 0, 0, threading.Lock()
    three = threading.Event()

    def worker(prompt: str) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == 3:
                three.set()
        three.wait(30)
        with lock:
            running -= 1
        return prompt

    with REPL("", worker=worker, limits=ReplLimits(concurrency=3)) as repl:
        assert repl.execute("len(worker_batch(['p'] * 12))").stdout == "12\n"
    assert most == 3


def test_a_batch_function_gets_the_prompts_whole_and_may_fail_in_part() -> None:
    asked: list[list[str]] = []

    def batch(prompts: list[str]) -> list[str | Exception]:
        asked.append(prompts)
        return [WorkerError("too long") if len(p) > 3 else p.upper() for p in prompts]

    with REPL("", worker=lambda p: "single", worker_batch=batch) as repl:
        result = repl.execute("print(worker('x'), *worker_batch(['a', 'long prompt', 'b']))")
    assert result.stdout == "single A [no answer, the worker call failed: too long] B\n"
    assert asked == [["a", "long prompt", "b"]]


def test_a_batch_function_alone_serves_single_calls() -> None:
    with REPL("", worker_batch=lambda prompts: [p * 2 for p in prompts]) as repl:
        assert repl.execute("worker('ab')").stdout == "'abab'\n"


@pytest.mark.parametrize(
    ("batch", "error"),
    [
        (lambda prompts: prompts[:1], "gave 1 results for 2 prompts"),
        (lambda prompts: [1, "b"], "gave int, not text"),
        (lambda prompts: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_batch_function_that_breaks_its_word_is_reported(batch: object, error: str) -> None:
    with REPL("", worker_batch=batch) as repl:  # type: ignore[arg-type]
        result = repl.execute("r = worker_batch(['a', 'b'])\nprint(len(r), r[0])")
    assert result.stdout.startswith("2 [no answer")
    assert error in result.stdout


def test_without_a_worker_the_call_says_so() -> None:
    with REPL("") as repl:
        assert "no worker" in (repl.execute("worker('x')").traceback or "")


def test_an_asynchronous_worker_runs_on_the_loop() -> None:
    async def worker(prompt: str) -> str:
        await asyncio.sleep(0)
        return prompt[::-1]

    with REPL("", worker=worker) as repl:
        assert repl.execute("worker_batch(['abc', 'def'])").stdout == "['cba', 'fed']\n"


def test_text_with_surrogates_crosses_both_ways_spelled_out() -> None:
    asked: list[str] = []

    def worker(prompt: str) -> str:
        asked.append(prompt)
        return "back \udfff \x00"

    with REPL("", worker=worker) as repl:
        assert repl.execute(r"worker('there \ud800 \x00')").stdout == repr("back \\udfff \x00") + "\n"
    assert asked == ["there \\ud800 \x00"]


def test_large_prompts_and_answers_cross() -> None:
    limits = ReplLimits(frame_bytes=1 << 20)
    with REPL("", worker=lambda p: p * 2, limits=limits) as repl:
        result = repl.execute("r = worker_batch(['x' * 100_000] * 30)\nprint(len(r), set(map(len, r)))")
        assert result.stdout == "30 {200000}\n"
        assert "too much for one call" in (repl.execute("worker('x' * 2_000_000)").traceback or "")
        assert repl.execute("worker('y')").stdout == "'yy'\n"


def test_the_number_of_calls_is_bounded() -> None:
    with REPL("", worker=lambda p: p, limits=ReplLimits(worker_calls=5)) as repl:
        result = repl.execute(
            "worker_batch(['a'] * 4)\nprint(worker_batch(['b'] * 2)[0])\nprint(worker('c'))"
        )
        assert "a cell may make 5 worker calls" in result.stdout
        assert result.stdout.endswith("c\n")
        assert len(result.worker_calls) == 5


def test_primitives_take_and_give_json() -> None:
    async def later(text: str, times: int = 1) -> dict[str, object]:
        """Say it again."""
        return {"said": [text] * times}

    with REPL(
        "", primitives={"later": later, "plain": lambda *a: list(a), "budget": lambda: {"calls": 3}}
    ) as repl:
        assert repl.execute("later('x', times=2)").stdout == "{'said': ['x', 'x']}\n"
        assert repl.execute("plain(1, None, {'a': [2.5]})").stdout == "[1, None, {'a': [2.5]}]\n"
        assert repl.execute("budget()").stdout == "{'calls': 3}\n"
        assert repl.execute("print(later.__name__, later.__doc__)").stdout == "later Say it again.\n"
        assert "later() takes JSON values only" in (repl.execute("later({1, 2})").traceback or "")
        assert "PrimitiveError: TypeError" in (repl.execute("later()").traceback or "")


def test_primitives_work_from_threads() -> None:
    with REPL("", primitives={"square": lambda n: n * n}) as repl:
        result = repl.execute(
            "from concurrent.futures import ThreadPoolExecutor\n"
            "with ThreadPoolExecutor(8) as pool: print(sum(pool.map(square, range(100))))"
        )
    assert result.stdout == "328350\n"


def test_a_primitive_whose_result_is_no_json_is_an_error() -> None:
    with REPL("", primitives={"odd": lambda: object()}) as repl:
        assert "PrimitiveError" in (repl.execute("odd()").traceback or "")
        assert repl.execute("print('alive')").stdout == "alive\n"


def test_without_a_budget_there_is_an_empty_one(repl: REPL) -> None:
    assert repl.execute("budget()").stdout == "{}\n"


def test_waiting_for_workers_is_not_charged() -> None:
    def slow(prompt: str) -> str:
        time.sleep(0.6)
        return prompt

    with REPL("", worker=slow) as repl:
        result = repl.execute("for i in range(2): worker('x')", timeout=0.5)
    assert result.status == "ok"
    assert result.elapsed > 1.2
    assert result.active < 0.5


def test_computing_behind_a_call_is_charged() -> None:
    release = threading.Event()

    def hang(prompt: str) -> str:
        release.wait(60)
        return prompt

    with REPL("", worker=hang) as repl:
        result = repl.execute(
            "import threading\nthreading.Thread(target=worker, args=('x',), daemon=True).start()\nwhile True: pass",
            timeout=0.5,
        )
        release.set()
    assert result.status == "timeout"


def test_a_call_left_behind_by_a_cell_is_cancelled() -> None:
    cancelled = threading.Event()

    async def worker(prompt: str) -> str:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return prompt

    with REPL("", worker=worker) as repl:
        result = repl.execute(
            "import threading, time\n"
            "def ask():\n    try: worker('left')\n    except WorkerError as e: print('thread:', e)\n"
            "t = threading.Thread(target=ask); t.start(); time.sleep(0.2)"
        )
        assert result.status == "ok"
        assert cancelled.wait(30)
        assert result.worker_calls[0].error == "the cell was stopped"
        assert "thread: [no answer" in repl.execute("t.join()").stdout


def test_commas_in_a_text_are_no_values_of_a_primitive() -> None:
    with REPL("", primitives={"size": len}) as repl:
        assert repl.execute("print(size('a,[{\\\"' * 100_000))").stdout == "500000\n"
