"""The shapes of records: whose text is learned in each, and what stood before it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from distill_core.errors import ExportError
from sessions.process_steps import find_calls
from sessions.process_steps.conversations import Turn, turns_of

ASKED = {"role": "user", "content": "Oslo?"}
CALLED = {
    "role": "assistant",
    "content": "I look.",
    "tool_calls": [{"id": "c", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}],
}
TOLD = {"role": "tool", "content": '{"degrees": 17.25}', "tool_call_id": "c"}
SAID = {"role": "assistant", "content": "It has 17.25."}
BAD = {"role": "assistant", "content": "No idea."}


def taught(record: dict[str, Any]) -> list[tuple[list[str], str]]:
    """The roles before each text that is learned, and the text in short: its tools, or its words."""
    return [
        ([m["role"] for m in turn.prompt if isinstance(m, dict)], short(turn))
        for turn in turns_of(record)
        if not turn.left
    ]


def short(turn: Turn) -> str:
    return " ".join(call.name for call in find_calls(turn.text).calls) or turn.text


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": [ASKED, CALLED, TOLD], "completion": [SAID]},
        {"prompt": [ASKED, CALLED, TOLD], "completion": SAID},
        {"prompt": [ASKED, CALLED, TOLD], "completion": SAID["content"]},
        {"prompt": [ASKED, CALLED, TOLD], "completion": [SAID], "label": True},
        {"prompt": [ASKED, CALLED, TOLD], "chosen": [SAID], "rejected": [BAD]},
        {"chosen": [ASKED, CALLED, TOLD, SAID], "rejected": [ASKED, CALLED, TOLD, BAD]},
        {"prompt": [ASKED, CALLED, TOLD], "chosen": [ASKED, CALLED, TOLD, SAID], "rejected": [ASKED, BAD]},
        {
            "input": {"messages": [ASKED, CALLED, TOLD]},
            "preferred_output": [SAID],
            "non_preferred_output": [BAD],
        },
        {"conversations": [ASKED, CALLED, TOLD], "chosen": SAID, "rejected": BAD},
        {"conversations": [ASKED, CALLED, TOLD, SAID], "kto_tag": True},
        {"prompt": None, "messages": [ASKED, {**CALLED, "weight": 0}, TOLD, {**SAID, "weight": 1}]},
        {"messages": [ASKED, {**CALLED, "train": False}, TOLD, {**SAID, "train": True}]},
    ],
    ids=[
        *("prompt-completion", "one message", "text", "kto"),
        *(
            "preference",
            "implicit prompt",
            "prompt told twice",
            "openai preference",
            "sharegpt preference",
            "sharegpt kto",
        ),
        *("weights", "train"),
    ],
)
def test_the_answer_is_learned_and_the_rest_is_its_prompt(record: dict[str, Any]) -> None:
    assert taught(record) == [(["user", "assistant", "tool"], "It has 17.25.")]
    turn = [turn for turn in turns_of(record) if not turn.left][-1]
    assert turn.results == ('{"degrees": 17.25}',)
    assert turn.known == "Oslo?"


def test_a_completion_of_several_messages_is_a_turn_for_each_reply() -> None:
    record = {"prompt": "Oslo?", "completion": [CALLED, TOLD, SAID]}
    assert taught(record) == [(["user"], "weather"), (["user", "assistant", "tool"], "It has 17.25.")]
    assert [turn.index for turn in turns_of(record)] == [0, 2]


def test_plain_texts_stay_plain() -> None:
    (turn,) = turns_of({"prompt": "Oslo?", "completion": "It has 17.25.", "tool_results": [{"d": 17.25}]})
    assert turn == Turn(prompt="Oslo?", text="It has 17.25.", results=({"d": 17.25},), known="Oslo?")
    (turn,) = turns_of({"prompt": "Oslo?", "chosen": "It has 17.25.", "rejected": "No idea."})
    assert turn.text == "It has 17.25."
    (turn,) = turns_of({"prompt": None, "completion": [SAID]})
    assert (turn.prompt, turn.text) == ([], "It has 17.25.")


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"prompt": [ASKED], "completion": [BAD], "label": False}, "texts with a label that is false"),
        ({"conversations": [ASKED, BAD], "kto_tag": False}, "texts with a label that is false"),
        ({"messages": [ASKED, {**BAD, "weight": 0.0}]}, "messages that are not trained"),
    ],
)
def test_what_is_marked_as_bad_says_so(record: dict[str, Any], why: str) -> None:
    assert [turn.left for turn in turns_of(record)] == [why]


def test_what_was_rejected_is_nobodys_text() -> None:
    with pytest.raises(ExportError, match="a record without a teacher's text"):
        list(turns_of({"prompt": [ASKED], "rejected": [BAD]}))


def test_a_record_of_many_keys_is_told_in_one_short_line() -> None:
    with pytest.raises(ExportError) as raised:
        list(turns_of({f"{n}" * 1000: n for n in range(1000)}))
    assert len(str(raised.value)) < 600
    assert "and 992 more" in str(raised.value)


@pytest.mark.parametrize(
    "calls",
    [
        ["weather"],
        [None],
        [{"function": None}],
        [{"function": "weather"}],
        [{"function": {"name": "weather"}}],
        "x",
    ],
)
def test_a_call_beside_the_words_that_is_none_is_no_call(calls: Any) -> None:
    (turn,) = turns_of({"messages": [{"role": "assistant", "content": ["Words ", 1], "tool_calls": calls}]})
    found = find_calls(turn.text)
    assert turn.text.startswith("Words ")
    assert found.calls == ()
    assert len(found.invalid) == turn.text.count("<tool_call>")


def test_arguments_with_values_that_json_has_not_are_no_call() -> None:
    record = json.loads('{"name": "f", "arguments": {"a": NaN}}')
    (turn,) = turns_of({"messages": [{"role": "assistant", "tool_calls": [{"function": record}]}]})
    found = find_calls(turn.text)
    assert (found.calls, len(found.invalid)) == ((), 1)


@pytest.mark.parametrize("given", ["", " ", None])
def test_a_call_without_arguments_has_none(given: Any) -> None:
    (turn,) = turns_of(
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"function": {"name": "now", "arguments": given}}]}
            ]
        }
    )
    assert [(call.name, call.arguments) for call in find_calls(turn.text).calls] == [("now", {})]
