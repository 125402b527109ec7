"""How fast worker calls come back, and how long those that are made will take."""

from __future__ import annotations

from datetime import datetime, timedelta

from distill_core import events as ev
from distill_core.models.base import Usage
from tests.fakes.scripted import START
from tui.live import words, workers
from tui.live.model import LiveModel


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def model_with(calls: int, ends: list[float], cell_id: str = "c1", cached: int = 0) -> LiveModel:
    """A cell has made `calls` calls at once; of them came back at `ends`, and `cached` without being sent."""
    model = LiveModel()
    proposed = ev.CellProposed(
        step=1, seq=1, timestamp=START, cell_id=cell_id, call_id="s1", index=0, code="", origin="supervisor"
    )
    called = ev.SupervisorCalled(
        step=1,
        seq=1,
        timestamp=START,
        call_id="s1",
        model="m",
        extends=None,
        message_ids=(),
        params={},
        candidate=0,
    )
    model.take(called)
    model.take(proposed)
    for n in range(calls):
        started = ev.WorkerCallStarted(
            step=1, seq=2, timestamp=START, call_id=f"w{n}", cell_id=cell_id, prompt="?", model="m", params={},
            batch_id="b1", index=n, purpose="answer",
        )  # fmt: skip
        model.take(started)
    for n, end in enumerate([*[0.01] * cached, *ends]):
        returned = ev.WorkerCallReturned(
            step=1, seq=3, timestamp=at(end), call_id=f"w{n}", response="x", model="m", usage=Usage(),
            elapsed=end, cached=n < cached,
        )  # fmt: skip
        model.take(returned)
    return model


def line(model: LiveModel, seconds: float) -> str:
    return "".join(text for row in workers.summary(model, 200, at(seconds)) for text, _ in row)


def test_calls_that_come_back_together_after_minutes_are_not_fast() -> None:
    model = model_with(5, [240.0, 240.001, 240.002])
    assert model.rate is not None
    assert words.rate(model.rate) == "0.7/min"
    assert "0.7/min · about 2m40s left" in line(model, 240)


def test_the_time_left_goes_down_while_nothing_comes() -> None:
    model = model_with(5, [240.0, 240.0, 240.0])
    assert [model.left(at(240 + waited)) for waited in (0, 60, 159)] == [160, 100, 1]
    assert "left" not in line(model, 500), "they are late, which no number tells"


def test_too_little_says_nothing() -> None:
    for model in (
        model_with(5, [3.0, 4.0]),
        model_with(5, [0.1, 0.1, 0.1]),
        model_with(50, [9.0], cached=40),
    ):
        assert "left" not in line(model, 10)
        assert "/s" not in line(model, 10)


def test_a_fast_worker_is_told_by_the_second() -> None:
    model = model_with(100, [n * 0.1 for n in range(1, 51)])
    assert "10.0/s · about 5.0s left" in line(model, 5)
