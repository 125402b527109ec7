"""Bounds hold before a call is sent."""

import asyncio

import pytest

from distill_core.budget import Ledger, Prices, estimate
from distill_core.errors import BudgetExceeded
from distill_core.events import Limits
from distill_core.models.base import Usage
from tests.fakes.clock import Clock


async def test_a_call_over_the_count_is_refused_before_it_is_sent():
    ledger = Ledger(Limits(worker_calls=2))
    await ledger.reserve("worker", 10, None)
    await ledger.reserve("worker", 10, None)
    with pytest.raises(BudgetExceeded, match="2 of 2 worker calls"):
        await ledger.reserve("worker", 10, None)


async def test_supervisor_calls_do_not_count_as_worker_calls():
    ledger = Ledger(Limits(worker_calls=0))
    await ledger.reserve("supervisor", 10, None)
    with pytest.raises(BudgetExceeded):
        await ledger.reserve("worker", 10, None)


async def test_what_is_in_flight_counts_at_its_estimate():
    need = estimate(300, 100).total_tokens
    ledger = Ledger(Limits(tokens=need))
    await ledger.reserve("worker", 300, 100)
    with pytest.raises(BudgetExceeded) as refusal:
        await ledger.reserve("worker", 300, 100, waits=False)
    assert refusal.value.limit == "tokens"


async def test_a_call_waits_for_one_in_flight_that_may_turn_out_cheaper():
    need = estimate(300, 100).total_tokens
    ledger = Ledger(Limits(tokens=need + 5))
    first = await ledger.reserve("worker", 300, 100)
    second = asyncio.create_task(ledger.reserve("worker", 300, 100))
    await asyncio.sleep(0)
    assert not second.done()
    await ledger.settle(first, Usage(prompt_tokens=4, completion_tokens=1, calls=1))
    await asyncio.wait_for(second, 1)
    assert ledger.spent.tokens == 5


async def test_a_failed_first_call_teaches_nothing_so_the_next_goes_alone_too():
    ledger = Ledger(Limits(tokens=1000))
    first = await ledger.reserve("worker", 30, None)
    await ledger.settle(first, Usage(calls=1))
    await ledger.reserve("worker", 30, None)
    with pytest.raises(BudgetExceeded, match="the first call is not back yet"):
        await ledger.reserve("worker", 30, None, waits=False)


async def test_a_waiting_call_is_refused_when_the_one_in_flight_took_too_much():
    need = estimate(300, 100).total_tokens
    ledger = Ledger(Limits(tokens=need + 5))
    first = await ledger.reserve("worker", 300, 100)
    second = asyncio.create_task(ledger.reserve("worker", 300, 100))
    await asyncio.sleep(0)
    await ledger.settle(first, Usage(prompt_tokens=6, calls=1))
    with pytest.raises(BudgetExceeded):
        await asyncio.wait_for(second, 1)


async def test_retries_and_failed_calls_count():
    ledger = Ledger(Limits(worker_calls=3))
    held = await ledger.reserve("worker", 10, None)
    await ledger.settle(held, Usage(calls=3), attempts=3)
    with pytest.raises(BudgetExceeded, match="3 of 3"):
        await ledger.reserve("worker", 10, None)


async def test_money_is_counted_per_role_with_cached_tokens_at_their_price():
    ledger = Ledger(Limits(money=1.0), {"worker": Prices(prompt=1.0, completion=2.0, cached=0.5)})
    held = await ledger.reserve("worker", 30, 10)
    await ledger.settle(
        held, Usage(prompt_tokens=300_000, cached_tokens=100_000, completion_tokens=100_000, calls=1)
    )
    assert ledger.spent.cost == pytest.approx(0.2 + 0.05 + 0.2)
    free = await ledger.reserve("supervisor", 30, 10)
    await ledger.settle(free, Usage(prompt_tokens=10**9, calls=1))
    assert ledger.spent.cost == pytest.approx(0.45)
    with pytest.raises(BudgetExceeded, match=r"\$0.45"):
        await ledger.reserve("worker", 3_000_000, 10)


async def test_wall_time_ends_new_calls():
    clock = Clock()
    ledger = Ledger(Limits(seconds=5), clock=clock)
    await ledger.reserve("worker", 10, None)
    clock.now = 5.0
    assert ledger.seconds_left() == 0
    with pytest.raises(BudgetExceeded, match="5 s of wall time"):
        await ledger.reserve("worker", 10, None)


async def test_what_is_left_is_told_and_never_negative():
    ledger = Ledger(Limits(worker_calls=5, tokens=None, money=None, seconds=None))
    held = await ledger.reserve("worker", 10, None)
    assert ledger.remaining() == {"worker_calls": 4, "tokens": None, "money": None, "seconds": None}
    await ledger.settle(held, Usage(calls=9), attempts=9)
    assert ledger.remaining()["worker_calls"] == 0


def test_the_estimate_is_above_what_english_takes():
    words = "The quick brown fox jumps over the lazy dog. " * 100
    assert estimate(len(words), None).prompt_tokens > len(words.split()) * 1.3


async def test_estimates_learn_so_that_a_second_call_is_held_at_what_the_first_took():
    ledger = Ledger(Limits(tokens=1000))
    first = await ledger.reserve("worker", 30, None)
    second = asyncio.create_task(ledger.reserve("worker", 30, None))
    await asyncio.sleep(0)
    assert not second.done()
    await ledger.settle(first, Usage(prompt_tokens=300, completion_tokens=150, calls=1))
    assert (await asyncio.wait_for(second, 1)).usage.total_tokens == 450
    with pytest.raises(BudgetExceeded):
        await ledger.reserve("worker", 30, None, waits=False)


async def test_a_call_that_takes_no_tokens_is_refused_by_wall_time_alone():
    clock = Clock()
    ledger = Ledger(Limits(seconds=5, tokens=10), clock=clock)
    held = await ledger.reserve("supervisor", 1_000_000, None, metered=False)
    await ledger.settle(held, Usage(calls=1))
    assert ledger.remaining()["tokens"] == 10
    clock.now += 6
    with pytest.raises(BudgetExceeded, match="wall time"):
        await ledger.reserve("supervisor", 10, None, metered=False)
