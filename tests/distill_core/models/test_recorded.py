"""What was recorded is given again, and only to who asks for it."""

from __future__ import annotations

import asyncio

import pytest

from distill_core.errors import DivergenceError
from distill_core.models.base import Delta, LMResponse, Message, Usage
from distill_core.models.recorded import Prompt, RecordedHandler


def user(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def said(text: str) -> LMResponse:
    return LMResponse(text=text, usage=Usage(prompt_tokens=1, calls=1), model="m", reasoning="hm")


def test_replies_come_in_the_order_recorded() -> None:
    handler = RecordedHandler([(user("a"), said("1")), ("b", said("2")), (None, said("3"))])
    assert [handler.chat(user(text)).text for text in "abz"] == ["1", "2", "3"]
    assert (handler.model, handler.left, handler.total_usage.calls) == ("m", 0, 3)


def test_the_place_where_a_prompt_diverges_is_shown_and_nothing_is_used_up() -> None:
    handler = RecordedHandler([(user("count the red boats"), said("1"))])
    with pytest.raises(DivergenceError) as caught:
        handler.chat(user("count the blue boats"))
    line = str(caught.value)
    assert "call 1 is not the one that was recorded: message 1 (user), from character 10" in line
    assert "recorded 'count the red boats'" in line
    assert "asked 'count the blue boats'" in line
    assert handler.chat(user("count the red boats")).text == "1"


def test_a_long_prompt_is_shown_only_around_the_difference() -> None:
    handler = RecordedHandler([("x" * 10_000 + "old" + "y" * 10_000, said("1"))])
    with pytest.raises(DivergenceError) as caught:
        handler.chat(user("x" * 10_000 + "new" + "y" * 10_000))
    assert "from character 10000" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_one_more_message_or_another_speaker_is_a_divergence() -> None:
    recorded = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    with pytest.raises(DivergenceError, match="2 messages were recorded, 1 asked"):
        RecordedHandler([(recorded, said("1"))]).chat(recorded[:1])
    with pytest.raises(DivergenceError, match="the recorded one is from system"):
        RecordedHandler([(recorded[:1], said("1"))]).chat([{"role": "user", "content": "s"}])


def test_a_recording_that_is_over_says_so() -> None:
    handler = RecordedHandler([("a", said("1"))])
    handler.chat(user("a"))
    with pytest.raises(DivergenceError, match="the recording ends after 1 call: one more was asked: 'b'"):
        handler.chat(user("b"))


async def test_by_prompt_calls_may_come_in_any_order_and_equal_ones_keep_theirs() -> None:
    recorded: list[tuple[Prompt, LMResponse]] = [("a", said("1")), (user("b"), said("2")), ("a", said("3"))]
    handler = RecordedHandler(recorded, order="prompt")
    replies = await asyncio.gather(*(handler.achat(user(text)) for text in "baa"))
    assert [reply.text for reply in replies] == ["2", "1", "3"]
    with pytest.raises(DivergenceError, match="no reply is left for this prompt"):
        handler.chat(user("a"))


def test_by_prompt_each_reply_needs_a_prompt() -> None:
    with pytest.raises(ValueError, match="reply 1 has no prompt"):
        RecordedHandler([(None, said("1"))], order="prompt")


async def test_a_reply_is_told_to_who_listens() -> None:
    told: list[Delta] = []
    await RecordedHandler([("a", said("1"))]).achat(user("a"), on_delta=told.append)
    assert told == [Delta("reasoning", "hm"), Delta("text", "1")]


def test_a_batch_is_answered_in_its_order() -> None:
    handler = RecordedHandler([("a", said("1")), ("b", said("2"))])
    assert [reply.text for reply in handler.chat_batch([user("a"), user("b")])] == ["1", "2"]
