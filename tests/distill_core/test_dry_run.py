"""The dry run: what code would ask of the worker, found out on a REPL that nobody sees afterwards."""

import asyncio
from concurrent.futures import CancelledError

import pytest

from distill_core.budget import Ledger, Prices
from distill_core.dry_run import DryRunner
from distill_core.events import Limits
from distill_core.forecast import Forecast, Foresight
from distill_core.models.base import Usage
from distill_core.repl import AsyncREPL

DOCUMENT = "alpha beta gamma " * 100


async def fork(**options):
    """A REPL of its own: what a dry run needs of a fork."""
    repl = AsyncREPL(DOCUMENT, "what?", **options)
    return await repl.__aenter__()


def runner(**options) -> DryRunner:
    ledger = options.pop("ledger", None) or Ledger(Limits(), {"worker": Prices(prompt=1.0, completion=2.0)})
    return DryRunner(options.pop("fork", fork), ledger, max_tokens=100, **options)


async def test_calls_that_depend_on_the_document_are_counted():
    code = (
        "replies = worker_batch([context[i:i + 100] for i in range(0, len(context), 100)])\nworker('and one')"
    )
    forecast = await runner().look("s1", [code])
    assert (forecast.call_id, forecast.complete, forecast.worker_calls) == ("s1", True, 18)
    assert 17 * 100 / 4 < forecast.prompt_tokens < 17 * 100
    expected = (forecast.prompt_tokens * 1.0 + 18 * 100 * 2.0) / 1e6
    assert forecast.cost == pytest.approx(expected)


async def test_cells_run_one_after_the_other_up_to_an_answer():
    forecast = await runner().look("s1", ["n = 3", "worker_batch(['p'] * n)\nFINAL(1)", "worker('never')"])
    assert (forecast.complete, forecast.worker_calls) == (True, 3)


async def test_code_that_parses_json_replies_gets_further():
    code = "import json\nfor i in range(4):\n    json.loads(worker(f'{i}: reply in JSON'))"
    forecast = await runner().look("s1", [code])
    assert (forecast.complete, forecast.worker_calls) == (True, 4)


async def test_code_that_fails_on_what_the_stub_says_counts_up_to_there_and_says_so():
    forecast = await runner().look("s1", ["worker_batch(['a', 'b'])\nint(worker('c'))\nworker('d')"])
    assert (forecast.complete, forecast.worker_calls) == (False, 3)
    assert "fails without real replies: ValueError" in forecast.why


async def test_functions_of_the_host_are_not_called():
    forecast = await runner(primitives=["send_mail", "worker_yes", "budget"]).look(
        "s1", ["budget()\nworker_yes(['a', 'b'])\nsend_mail('x')"]
    )
    assert forecast.worker_calls == 2
    assert "send_mail is not called in a dry run" in forecast.why


async def test_a_dry_run_without_end_is_cut(monkeypatch):
    monkeypatch.setattr("distill_core.dry_run.CELL_SECONDS", 0.3)
    forecast = await runner().look("s1", ["worker('a')\nwhile True: pass"])
    assert (forecast.complete, forecast.worker_calls) == (False, 1)
    assert "more than" in forecast.why


async def test_without_isolation_nothing_is_tried():
    forecast = await runner(fork=None).look("s1", ["print(1)"])
    assert not forecast.ran
    assert "isolation" in forecast.why


async def test_what_calls_were_seen_to_take_goes_into_the_forecast():
    ledger = Ledger(Limits(), {"worker": Prices(prompt=1.0)})
    held = await ledger.reserve("worker", 300, 100)
    await ledger.settle(held, Usage(prompt_tokens=held.guess.prompt_tokens * 2, calls=1))
    seen = await runner(ledger=ledger).look("s1", ["worker('x' * 300)"])
    assert seen.prompt_tokens == held.guess.prompt_tokens * 2


async def test_a_foresight_looks_once_and_only_when_asked():
    looked, told = [], []

    async def look():
        looked.append(1)
        return Forecast(call_id="s1", worker_calls=2)

    foresight = Foresight(look, told.append)
    await asyncio.sleep(0)
    assert looked == []
    assert [(await foresight.forecast()).worker_calls for _ in range(3)] == [2, 2, 2]
    assert (len(looked), len(told)) == (1, 1)
    assert foresight.result.result(0).worker_calls == 2


async def test_a_dropped_foresight_stops_looking():
    stopped = asyncio.Event()

    async def look():
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return Forecast(call_id="s1")

    foresight = Foresight(look)
    foresight.begin()
    await asyncio.sleep(0)
    foresight.drop()
    await asyncio.wait_for(stopped.wait(), 10)
    with pytest.raises(CancelledError):
        foresight.result.result(1)
