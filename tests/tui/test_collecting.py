"""When garbage is looked for on a screen."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tui.collecting import DUE, PIECES, Collecting


class Clock:
    """The time that passes, and what this thread computes of it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.computed = 0.0

    def __call__(self) -> tuple[float, float]:
        return self.now, self.computed

    def pass_(self, seconds: float, computed: float) -> None:
        self.now += seconds
        self.computed += computed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.fixture
def due(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Enough has been allocated; gives the rounds that are made."""
    rounds: list[str] = []
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, DUE))
    monkeypatch.setattr(gc, "collect", lambda: rounds.append("full"))
    return rounds


def test_nothing_is_looked_through_in_full_while_something_happens(clock: Clock, due: list[str]) -> None:
    collecting = Collecting(clock)
    clock.pass_(2, computed=1)
    assert not collecting.look()
    clock.pass_(2, computed=0.01)
    assert collecting.look()
    assert due == ["full"]


def test_nothing_is_looked_through_where_hardly_anything_is_new(
    clock: Clock, due: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, DUE - 1))
    collecting = Collecting(clock)
    clock.pass_(2, computed=0)
    assert not collecting.look()
    assert due == []


def test_a_round_that_took_long_is_not_made_again_soon(
    clock: Clock, due: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gc, "collect", lambda: clock.pass_(0.5, computed=0.5))
    collecting = Collecting(clock)
    clock.pass_(2, computed=0)
    assert collecting.look()
    clock.pass_(20, computed=0)
    assert not collecting.look()
    clock.pass_(6, computed=0)
    assert collecting.look()


def test_the_thresholds_are_those_of_before_when_the_screen_is_gone() -> None:
    gc.set_threshold(700, 10, 10)
    collecting = Collecting()
    collecting.begin()
    assert gc.get_threshold() == PIECES
    collecting.end()
    assert gc.get_threshold() == (700, 10, 10)
