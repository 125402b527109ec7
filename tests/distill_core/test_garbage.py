"""What sessions set aside from the garbage collector, and that they hand it back."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from distill_core import garbage


class Ring:
    """Garbage that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _nothing_frozen() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_exists_is_set_aside_while_a_session_runs_and_freed_after_it() -> None:
    ring = Ring()
    gone = weakref.ref(ring)
    with garbage.set_aside():
        assert gc.get_freeze_count() > 0
        del ring
        gc.collect()
        assert gone() is not None
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert gone() is None


def test_the_last_of_several_sessions_hands_back() -> None:
    with ExitStack() as first:
        first.enter_context(garbage.set_aside())
        with garbage.set_aside():
            first.close()
            assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_what_a_session_loads_is_set_aside_too() -> None:
    with garbage.set_aside():
        before = gc.get_freeze_count()
        kept = [Ring() for _ in range(1000)]
        garbage.loaded()
        assert gc.get_freeze_count() >= before + len(kept)


def test_nothing_is_set_aside_for_what_is_loaded_outside_a_session() -> None:
    garbage.loaded()
    assert gc.get_freeze_count() == 0


def test_objects_that_the_caller_has_frozen_stay_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    with garbage.set_aside():
        garbage.loaded()
        assert gc.get_freeze_count() <= frozen
    assert gc.get_freeze_count() > 0
