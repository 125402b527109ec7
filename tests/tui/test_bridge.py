"""The queue between the engine's thread and the screen's."""

from __future__ import annotations

import threading

from distill_core.events import CellOutput
from distill_core.signals import Phase, ReplyDelta
from tui.bridge import Bridge, EngineEnded, Item


def output(number: int) -> CellOutput:
    return CellOutput(step=1, cell_id="c1", stream="stdout", text=str(number))


def delta(text: str, call_id: str = "s1") -> ReplyDelta:
    return ReplyDelta(call_id=call_id, step=1, kind="text", text=text)


def drained(bridge: Bridge) -> list[Item]:
    items: list[Item] = []
    bridge.drain(items.append, 60)
    return items


def test_events_pass_in_order() -> None:
    bridge = Bridge()
    for number in range(500):
        bridge.write(output(number))
    assert [item.text for item in drained(bridge)] == [str(n) for n in range(500)]  # type: ignore[union-attr]


def test_pieces_of_one_reply_are_joined() -> None:
    bridge = Bridge()
    for text in ("one ", "two ", "three"):
        bridge.signal(delta(text))
    bridge.signal(delta("other", "s2"))
    assert [item.text for item in drained(bridge)] == ["one two three", "other"]  # type: ignore[union-attr]


def test_signals_give_way_where_it_is_full_and_events_do_not() -> None:
    bridge = Bridge(capacity=3)
    for number in range(3):
        bridge.write(output(number))
    bridge.signal(Phase(step=1, text="running"))
    late = threading.Thread(target=bridge.write, args=(output(3),))
    late.start()
    items = drained(bridge)
    late.join(10)
    items += drained(bridge)
    assert [item.text for item in items] == ["0", "1", "2", "3"]  # type: ignore[union-attr]


def test_nobody_waits_for_a_screen_that_is_gone() -> None:
    bridge = Bridge(capacity=1)
    bridge.write(output(0))
    waiting = threading.Thread(target=bridge.write, args=(output(1),))
    waiting.start()
    bridge.close()
    waiting.join(10)
    assert not waiting.is_alive()
    bridge.end(EngineEnded())
    assert drained(bridge) == []


def test_a_drain_ends_when_its_time_is_up() -> None:
    bridge = Bridge()
    for number in range(1000):
        bridge.write(output(number))
    assert bridge.drain(lambda _: None, 0) == 0
    assert len(bridge) == 1000
