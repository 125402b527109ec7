"""Tools that replies called beside their words stay with them, in every format that can hold them."""

import json

import pytest

from sessions.export import Plan, export, sources
from sessions.export.formats import find
from sessions.export.pipeline import sifted
from sessions.export.rows import Options
from sessions.export.several import Kept
from sessions.home import Home
from sessions.importing import take
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
KEPT = frozenset({"no_judgement"})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with two conversations that call tools."""
    folder = tmp_path_factory.mktemp("tools")
    lines = [json.dumps({"messages": messages, "tools": TOOLS}) for messages in (BOTH, ONE)]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    home = Home(folder / "home")
    assert [one.outcome for one in take(home, folder / "rows.jsonl")] == ["new", "new"]
    return home


def plan(home, name, **options):
    wanted = options_for(name)
    wanted = Options(keep=KEPT, tokenizer=wanted.tokenizer)
    return Plan(format=find(name), sources=tuple(sources(home.folders())), options=wanted, **options)


def rows(home, name):
    found = [v.row.columns for _, v in sifted(plan(home, name)) if isinstance(v, Kept)]
    return sorted(found, key=lambda row: -len(json.dumps(row)))


def test_a_conversation_comes_back_as_it_was(home):
    both, one = rows(home, "sft")
    assert (both["messages"], one["messages"]) == (BOTH, ONE)
    assert json.loads(both["tools"]) == TOOLS


def test_a_reply_without_words_that_calls_a_tool_is_one(home):
    found = rows(home, "prompt-completion")
    assert len(found) == 4
    assert [ONE[1]] in [row["completion"] for row in found]
    assert all(json.loads(row["tools"]) == TOOLS for row in found)
    assert [ONE[1]] in [row["completion"] for row in rows(home, "kto")]


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
        ([{"function": {"name": "f"}}], [("", "f", "{}")]),
        ([{"name": "f", "arguments": {"a": 1}}, "g", {"function": {}}], [("", "f", '{"a": 1}')]),
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
    assert [row["messages"] for row in rows(again, "sft")] == [BOTH, ONE]
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
    assert told.count('\\\\"Rome\\\\"') + told.count('\\"Rome\\"') >= 1
    assert "c2" in told
