"""Which worker calls are listed, and in which order."""

from __future__ import annotations

from datetime import timedelta

from distill_core import events as ev
from distill_core.models.base import Usage
from distill_core.state import SessionState, fold
from tui.lines import plain
from tui.live import workers
from tui.live.calls import FILTERS, CallView, Filter, Order, after
from tui.live.model import LiveModel


def started(number: int) -> ev.WorkerCallStarted:
    return ev.WorkerCallStarted(
        step=1, seq=number, call_id=f"w{number}", cell_id="c1", prompt="p", model="m", params={}
    )


def returned(number: int, elapsed: float, tokens: int, *, cached: bool = False) -> ev.WorkerCallReturned:
    return ev.WorkerCallReturned(
        step=1,
        seq=100 + number,
        call_id=f"w{number}",
        response="r",
        model="m",
        usage=Usage(prompt_tokens=tokens, calls=1),
        elapsed=elapsed,
        cached=cached,
    )


FAILED = ev.WorkerCallFailed(
    step=1, seq=103, call_id="w3", error="503", model="m", usage=Usage(calls=1), elapsed=9.0
)
STATE = fold(
    [
        *(started(number) for number in (1, 2, 3, 4)),
        returned(1, 0.4, 900),
        returned(2, 2.0, 100, cached=True),
        FAILED,
    ]
)


def listed(filter: Filter, order: Order = "call", state: SessionState = STATE) -> list[str]:
    view = CallView()
    view.choose(filter=filter, order=order)
    return list(view.ids(state))


def test_each_filter_keeps_its_calls() -> None:
    assert {name: listed(name) for name in FILTERS} == {
        "all": ["w1", "w2", "w3", "w4"],
        "running": ["w4"],
        "done": ["w1", "w2"],
        "failed": ["w3"],
        "cached": ["w2"],
        "changed": [],
    }


def test_each_order_puts_first_what_is_looked_for() -> None:
    assert listed("all", "time") == ["w3", "w2", "w1", "w4"]
    assert listed("all", "tokens") == ["w1", "w2", "w3", "w4"]
    assert listed("all", "state") == ["w3", "w4", "w1", "w2"]


def test_the_choices_go_round() -> None:
    seen = [FILTERS[0]]
    for _ in FILTERS:
        seen.append(after(FILTERS, seen[-1]))
    assert (seen[:-1], seen[-1]) == (list(FILTERS), "all")


def test_a_list_that_takes_long_is_not_made_anew_at_every_look() -> None:
    times = iter([0.0, 1.0, 2.0, 30.0, 30.0])
    view = CallView(clock=lambda: next(times))
    view.choose(filter="running")
    assert list(view.ids(STATE)) == ["w4"]  # took a second
    later = fold([returned(4, 1.0, 10)], STATE)
    assert list(view.ids(later)) == ["w4"]
    assert view.is_behind(later)
    assert list(view.ids(later)) == []
    assert not view.is_behind(later)


def test_calls_beyond_the_places_of_the_worker_wait_in_the_order_in_which_they_were_made() -> None:
    model = LiveModel()
    for event in (started(1), started(2), started(3), started(4)):
        model.take(event)
    assert [call_id for call_id in ("w1", "w2", "w3", "w4") if model.waits(call_id)] == []
    model.slots = 2
    assert [call_id for call_id in ("w1", "w2", "w3", "w4") if model.waits(call_id)] == ["w3", "w4"]
    assert (model.counts.running, model.counts.waiting, model.counts.total) == (2, 2, 4)
    model.take(returned(1, 0.4, 900))
    assert [call_id for call_id in ("w1", "w2", "w3", "w4") if model.waits(call_id)] == ["w4"]


def test_a_call_without_a_reply_is_as_old_as_the_time_since_it_was_made() -> None:
    model = LiveModel()
    made = started(1)
    model.take(made)
    assert model.age("w1", made.timestamp + timedelta(seconds=7)) == 7
    model.take(returned(1, 0.4, 900))
    assert model.age("w1", made.timestamp + timedelta(seconds=9)) is None


def test_a_row_says_waits_or_how_long_it_has_run() -> None:
    call = STATE.calls["w4"]
    assert plain(workers.row(call, age=72.4)).split()[:4] == ["▸", "runs", "w4", "1m12s"]
    assert plain(workers.row(call, age=72.4, waits=True)).split()[:3] == ["◌", "waits", "w4"]
