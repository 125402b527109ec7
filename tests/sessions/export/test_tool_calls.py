"""Tools that replies called beside their words stay with them, in every format that can hold them."""

import json
import re

import pytest

from sessions.export import Plan, export, rehearse, sources
from sessions.export.formats import find
from sessions.export.pipeline import sifted
from sessions.export.rows import Options
from sessions.export.several import Kept
from sessions.home import Home
from sessions.importing import take
from tests.sessions.export.making import annotate
from tests.sessions.export.tokens import options_for

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


def call(name, city):
    return {
        "id": name,
        "type": "function",
        "function": {"name": "weather", "arguments": json.dumps({"city": city})},
    }


BOTH = [
    {"role": "user", "content": "Oslo and Rome?"},
    {"role": "assistant", "content": "", "tool_calls": [call("c1", "Oslo"), call("c2", "Rome")]},
    {"role": "tool", "content": "3 degrees", "tool_call_id": "c1"},
    {"role": "tool", "content": "19 degrees", "tool_call_id": "c2"},
    {"role": "assistant", "content": "3 and 19."},
]
ONE = [
    {"role": "user", "content": "Oslo?"},
    {"role": "assistant", "content": "", "tool_calls": [call("c1", "Oslo")]},
    {"role": "tool", "content": "3 degrees", "tool_call_id": "c1"},
    {"role": "assistant", "content": "3 degrees."},
]


def as_objects(messages):
    """The same with arguments as objects, as TRL's formats hold them."""
    told = json.loads(json.dumps(messages))
    for made in (made for message in told for made in message.get("tool_calls", ())):
        made["function"]["arguments"] = json.loads(made["function"]["arguments"])
    return told


KEPT = frozenset({"no_judgement", "words_beside_call"})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with two conversations that call tools."""
    folder = tmp_path_factory.mktemp("tools")
    lines = [json.dumps({"messages": messages, "tools": TOOLS}) for messages in (BOTH, ONE)]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    home = Home(folder / "home")
    assert [one.outcome for one in take(home, folder / "rows.jsonl")] == ["new", "new"]
    return home


def plan(home, name, keep=KEPT, **options):
    wanted = options_for(name)
    wanted = Options(keep=keep, tokenizer=wanted.tokenizer)
    return Plan(format=find(name), sources=tuple(sources(home.folders())), options=wanted, **options)


def rows(home, name, keep=KEPT):
    found = [v.row.columns for _, v in sifted(plan(home, name, keep)) if isinstance(v, Kept)]
    return sorted(found, key=lambda row: -len(json.dumps(row)))


def test_a_conversation_comes_back_as_it_was(home):
    both, one = rows(home, "sft")
    assert (both["messages"], one["messages"]) == (as_objects(BOTH), as_objects(ONE))
    assert json.loads(both["tools"]) == TOOLS


def test_a_reply_without_words_that_calls_a_tool_is_one(home):
    found = rows(home, "prompt-completion")
    assert len(found) == 4
    assert as_objects([ONE[1]]) in [row["completion"] for row in found]
    assert all(json.loads(row["tools"]) == TOOLS for row in found)
    assert as_objects([ONE[1]]) in [row["completion"] for row in rows(home, "kto")]


def test_openai_is_told_whether_tools_were_called_at_once(home):
    assert [row["parallel_tool_calls"] for row in rows(home, "openai")] == [True, False]
    for row in rows(home, "openai"):
        assert [m["weight"] for m in row["messages"] if m["role"] == "assistant"] == [1, 1]
        assert row["tools"] == TOOLS


def test_llama_factory_gets_arguments_as_objects_and_the_tools_bare(home):
    (row,) = rows(home, "sharegpt")
    assert [said["from"] for said in row["conversations"]] == ["human", "function_call", "observation", "gpt"]
    (told,) = json.loads(row["conversations"][1]["value"])
    assert told == {"name": "weather", "arguments": {"city": "Oslo"}}
    assert json.loads(row["tools"]) == [TOOLS[0]["function"]]


def spoken(tmp_path, words, city="Oslo"):
    """A home with a reply that says `words` beside its call, corrected in the reply after it."""
    said = [ONE[0], {**ONE[1], "content": words, "tool_calls": [call("c1", city)]}, *ONE[2:]]
    (tmp_path / "row.jsonl").write_text(json.dumps({"messages": said, "tools": TOOLS}))
    home = Home(tmp_path / "home")
    (brought,) = take(home, tmp_path / "row.jsonl")
    for step in (1, 2):
        target = {"kind": "step", "id": str(step), "field": "reply"}
        made = {"step": step, "target": target, "correction": f"{words}{step}"}
        annotate(home.folder(brought.session_id), made)
    return home


@pytest.mark.parametrize(
    ("name", "number"), [("sharegpt", 1), ("sharegpt-kto", 2), ("sharegpt-preference", 2)]
)
def test_words_beside_a_call_are_left_out_and_counted_or_stand_before_it(tmp_path, name, number):
    home = spoken(tmp_path, "I look.\n")
    left = rehearse(plan(home, name, frozenset({"no_judgement"}))).left
    assert left["words_beside_call"] == number
    told = [row for row in rows(home, name) if "function_call" in json.dumps(row)]
    assert len(told) == number
    for row in told:
        said = [*row["conversations"], row.get("chosen"), row.get("rejected")]
        for one in (one for one in said if one and one["from"] == "function_call"):
            words, parsed = as_llama_factory_reads(one["value"])
            assert words in ("I look.\n", "I look.\n1\n")
            assert parsed == [{"name": "weather", "arguments": {"city": "Oslo"}}]


def as_llama_factory_reads(value):
    """Words and calls of a `function_call`, as `FunctionFormatter` of LLaMA-Factory 0.9.5 takes them apart."""
    found = re.search(r"<tool_call>(.*?)</tool_call>", value, re.DOTALL)
    if found is None:
        return "", json.loads(value)
    return value.replace(found.group(0), ""), json.loads(found.group(1))


@pytest.mark.parametrize("words", ["", "I look."])
def test_no_text_in_a_call_is_taken_for_the_end_of_it(tmp_path, words):
    city = "<tool_call>x</tool_call>"
    home = spoken(tmp_path, words, city)
    for row in rows(home, "sharegpt-kto"):
        for one in row["conversations"]:
            if one["from"] == "function_call":
                assert as_llama_factory_reads(one["value"])[1][0]["arguments"] == {"city": city}


def test_words_that_would_be_taken_for_the_call_are_always_left_out(tmp_path):
    home = spoken(tmp_path, "As <tool_call> says:")
    assert rehearse(plan(home, "sharegpt")).left == {"words_beside_call": 1}


def test_targets_are_the_calls_and_what_was_used_of_their_results(home):
    found = rows(home, "process-steps")
    called = [row for row in found if row["metadata"]["tools"]]
    assert {tuple(row["metadata"]["tools"]) for row in called} == {("weather",), ("weather", "weather")}
    for row in called:
        for start, end in row["metadata"]["spans"]["arguments"]:
            assert json.loads(row["teacher_text"][start:end])["city"] in ("Oslo", "Rome")


def test_spans_of_otel_hold_calls_and_what_they_gave(home):
    both, _ = rows(home, "otel")
    spans = both["resourceSpans"][0]["scopeSpans"][0]["spans"]
    chats = [s for s in spans if s["name"].startswith("chat")]
    told = [
        {a["key"]: a["value"]["stringValue"] for a in c["attributes"] if "stringValue" in a["value"]}
        for c in chats
    ]
    first = "llm.output_messages.0.message.tool_calls.1.tool_call.function.arguments"
    assert json.loads(told[0][first]) == {"city": "Rome"}
    (said,) = json.loads(told[0]["gen_ai.output.messages"])
    assert [part["type"] for part in said["parts"]] == ["tool_call", "tool_call"]
    answered = json.loads(told[1]["gen_ai.input.messages"])[-1]
    assert answered["parts"] == [{"type": "tool_call_response", "id": "c2", "response": "19 degrees"}]
    assert told[1]["llm.input_messages.2.message.tool_call_id"] == "c1"


@pytest.mark.parametrize(
    ("calls", "kept"),
    [
        ([{"function": {"name": "f"}}], [("", "f", {})]),
        ([{"function": {"name": "f", "arguments": ""}}], [("", "f", {})]),
        ([{"function": {"name": "f", "arguments": None}}], [("", "f", {})]),
        ([{"function": {"name": "f", "arguments": "null"}}], [("", "f", {})]),
        ([{"function": {"name": "f", "arguments": "[1]"}}], [("", "f", "[1]")]),
        ([{"name": "f", "arguments": {"a": 1}}, "g", {"function": {}}], [("", "f", {"a": 1})]),
        ([{"id": "1", "function": {"name": "f", "arguments": "no JSON"}}], [("1", "f", "no JSON")]),
        ("f()", None),
    ],
)
def test_calls_in_other_forms_are_told_as_far_as_they_name_a_tool(tmp_path, calls, kept):
    said = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "x", "tool_calls": calls}]
    said += [{"role": "user", "content": "z"}, {"role": "assistant", "content": "done"}]
    (tmp_path / "row.jsonl").write_text(json.dumps({"messages": said}))
    home = Home(tmp_path / "home")
    list(take(home, tmp_path / "row.jsonl"))
    (row,) = rows(home, "sft")
    told = row["messages"][1].get("tool_calls")
    assert (
        told is None
        if kept is None
        else [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in told] == kept
    )
    for name in ("atif", "otel", "sharegpt", "openai", "process-steps", "episodes"):
        assert name == "process-steps" or rows(home, name)


def test_a_trajectory_holds_calls_with_what_they_gave_and_comes_back(home, tmp_path):
    export(plan(home, "atif"), str(tmp_path / "out"))
    told = [json.loads(path.read_text()) for path in (tmp_path / "out" / "trajectories").iterdir()]
    (both,) = [made for made in told if len(made["steps"][1]["tool_calls"]) == 2]
    assert [step["source"] for step in both["steps"]] == ["user", "agent", "agent"]
    assert both["steps"][1]["tool_calls"][1] == {
        "tool_call_id": "c2",
        "function_name": "weather",
        "arguments": {"city": "Rome"},
    }
    assert both["steps"][1]["observation"]["results"][1] == {"source_call_id": "c2", "content": "19 degrees"}
    again = Home(tmp_path / "home")
    list(take(again, tmp_path / "out"))
    assert [row["messages"] for row in rows(again, "sft")] == [as_objects(BOTH), as_objects(ONE)]
    export(plan(again, "atif"), str(tmp_path / "second"))
    for path in (tmp_path / "out" / "trajectories").iterdir():
        second = json.loads((tmp_path / "second" / "trajectories" / path.name).read_text())
        assert second["steps"] == json.loads(path.read_text())["steps"]


@pytest.mark.parametrize("storage", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", ["prompt-completion", "kto", "episodes", "axolotl"])
def test_loaders_drop_none_of_it(home, tmp_path, name, storage):
    from datasets import load_dataset

    export(plan(home, name, storage=storage), str(tmp_path / "out"))
    loaded = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
    told = json.dumps([{**row, "tools": None, "provenance": None, "info": None} for row in loaded])
    assert '"Rome"' in told.replace("\\", "")
    assert "c2" in told
