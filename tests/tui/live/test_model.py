"""What the live screen knows of a reply that is still being written."""

from __future__ import annotations

from typing import Literal

from distill_core import events as ev
from distill_core.signals import ReplyDelta
from tui.live.model import LiveModel

CALLED = ev.SupervisorCalled(
    step=1, seq=1, call_id="s1", model="m", extends=None, message_ids=(), params={}, candidate=0
)


def piece(kind: Literal["text", "reasoning", "again"], text: str = "") -> ReplyDelta:
    return ReplyDelta(call_id="s1", step=1, kind=kind, text=text)


def test_a_reply_that_begins_anew_leaves_nothing_of_what_broke_off() -> None:
    model = LiveModel()
    model.take(CALLED)
    for delta in (piece("reasoning", "hm"), piece("text", "I lo"), piece("again"), piece("text", "I look")):
        model.take(delta)
    assert (model.drafts["s1"].reasoning, model.drafts["s1"].text) == ("", "I look")
