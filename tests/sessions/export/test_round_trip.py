"""What was exported as `sft` or `atif` becomes sessions again, and these export as the same."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from distill_core.errors import LogError, StoreError
from sessions import Store
from sessions.export import Plan, export, sources
from sessions.export.formats import atif, find, sft
from sessions.export.rows import FIXED, RULES, Options, Row
from sessions.export.tracing import trace_of
from sessions.exported import conversation, trajectory
from sessions.home import Home
from sessions.importing import take
from sessions.verify import verify
from tests.sessions.export.inventing import sessions
from tests.sessions.export.making import annotate, block, make

ALL = Options(keep=frozenset(RULES) - set(FIXED))


def exported(home: Path, out: Path, name: str, **options) -> Path:
    plan = Plan(
        format=find(name), sources=tuple(sources(Home(home).folders())), options=ALL, tool="t 1", **options
    )
    export(plan, str(out))
    return out


def rows_in(folder: Path) -> list[dict]:
    """All that was exported, less what tells of the log's own numbers."""
    rows = [json.loads(line) for path in sorted(folder.glob("data/*/*.jsonl")) for line in path.open()]
    for row in rows:
        row["provenance"].pop("events")
        row["provenance"].pop("annotators")
    return rows or [json.loads(path.read_text()) for path in sorted(folder.glob("trajectories/*.json"))]


@pytest.mark.parametrize("name", ["sft", "atif"])
def test_export_import_export_is_the_same(home, tmp_path, name):
    first = exported(home, tmp_path / "first", name)
    again = Home(tmp_path / "home")
    brought = list(take(again, first))
    assert {one.outcome for one in brought} == {"new"}
    assert rows_in(exported(again.path, tmp_path / "second", name)) == rows_in(first)


def test_parquet_comes_back_too(home, tmp_path):
    pytest.importorskip("pyarrow")
    first = exported(home, tmp_path / "first", "sft")
    again = Home(tmp_path / "home")
    list(take(again, exported(home, tmp_path / "parquet", "sft", storage="parquet")))
    assert rows_in(exported(again.path, tmp_path / "second", "sft")) == rows_in(first)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sessions())
def test_any_session_comes_back_from_its_trajectory(events):
    told = json.loads(json.dumps(atif.trajectory(trace_of(events), Options())))
    again = trace_of(trajectory.story(told).events)
    assert atif.trajectory(again, Options()) == told


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sessions())
def test_any_session_comes_back_from_its_conversation(events):
    for row in sft.rows(trace_of(events), ALL):
        if isinstance(row, Row):
            told = msgspec.json.decode(msgspec.json.encode(row.columns))
            (again,) = sft.rows(trace_of(conversation.story(told).events), ALL)
            assert again.columns == told


# ---------------------------------------------------------------- sessions that were imported


@pytest.mark.parametrize("name", ["sft", "atif"])
def test_what_is_imported_is_whole_says_so_and_is_there_once(home, tmp_path, name):
    first = exported(home, tmp_path / "first", name)
    again = Home(tmp_path / "home")
    for one in take(again, first):
        verdict = verify(again.folder(one.session_id))
        # The document is no part of either form; everything else is in order.
        assert {problem.where for problem in verdict.problems} <= {"document"}
        assert verdict.state.started.config["imported"] == name
    assert {one.outcome for one in take(again, first)} == {"there"}
    with Store(again.path) as store:
        assert len(store.list()) == len(list(again.folders()))


def test_turns_decisions_and_calls_are_there_again(home, tmp_path):
    again = Home(tmp_path / "home")
    list(take(again, exported(home, tmp_path / "out", "atif")))
    state = verify(again.folder("s2-decided")).state
    assert [d.action for step in state.steps for d in step.decisions] == [
        *("edit", "reject", "approve", "approve", "approve", "send_back", "approve")
    ]
    assert state.calls["w1"].response == "It says: one"
    assert state.cells["c3"].text().startswith("[")
    assert state.finished.answer.text == "clause 7"
    assert [a.rating for a in state.annotations() if a.target.kind == "session"] == [4]


def test_a_home_that_holds_the_session_itself_takes_nothing(home, tmp_path):
    make(tmp_path, "s", [block("FINAL('x')")])
    first = exported(tmp_path, tmp_path / "out", "sft")
    annotate(tmp_path / "sessions" / "s", {"target": {"kind": "session"}, "rating": 2})
    (brought,) = take(Home(tmp_path), first)
    assert brought.outcome == "there"
    assert "itself is here" in brought.notes[0]
    assert [p.name for p in Home(tmp_path).folders()] == ["s"]


# ---------------------------------------------------------------- files of others

FOREIGN = {
    "schema_version": "ATIF-v1.6",
    "session_id": "run-1",
    "agent": {"name": "terminus", "version": "2", "model_name": "m"},
    "steps": [
        {"step_id": 1, "source": "user", "message": "List the files."},
        {
            "step_id": 2,
            "source": "agent",
            "message": "I look.",
            "tool_calls": [{"tool_call_id": "t1", "function_name": "bash", "arguments": {"command": "ls"}}],
            "observation": {"results": [{"source_call_id": "t1", "content": "a.txt"}]},
            "extra": {"step": "not a number of ours"},
        },
        {"step_id": 3, "source": "agent", "message": "There is a.txt."},
    ],
}


def test_a_trajectory_of_another_agent_is_a_conversation_with_tools(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(FOREIGN))
    (brought,) = take(Home(tmp_path / "home"), path)
    state = verify(Home(tmp_path / "home").folder(brought.session_id)).state
    assert state.started.query == "List the files."
    assert state.cells["t1"].code == "bash(command='ls')"
    asked, called, given = state.prompt("s2")
    assert called["tool_calls"][0]["function"] == {"name": "bash", "arguments": '{"command": "ls"}'}
    assert (asked["role"], given) == (
        "user",
        {"role": "tool", "content": "a.txt", "tool_call_id": "t1"},
    )
    assert state.replies["s2"].text == "There is a.txt."


def test_a_file_of_conversations_is_a_session_a_line(tmp_path):
    asked = {"role": "user", "content": [{"type": "text", "text": "Question: why?"}, {"type": "image"}]}
    rows = [
        {"messages": [asked, {"role": "assistant", "content": "Because.", "tool_calls": None}]},
        {"messages": [asked, {"role": "assistant", "content": "```repl\nFINAL(7)\n```"}, asked]},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second = take(Home(tmp_path / "home"), path)
    assert "only the text is kept" in first.notes[0]
    assert "1 messages after the last reply" in second.notes[1]
    state = verify(Home(tmp_path / "home").folder(second.session_id)).state
    assert (state.started.query, state.finished.answer.value) == ("why?", 7)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.jsonl", '{"messages": [{"role": "user", "content": "only asked"}]}', "no reply"),
        ("x.jsonl", '{"messages": [{"content": "who?"}]}', "without a role"),
        ("x.jsonl", '{"messages": [{"role": "assistant", "content": "a"}], "tools": "{"}', "no JSON"),
        ("x.jsonl", '{"prompt": "a"}\n', "neither a conversation"),
        ("x.jsonl", '{"messages": [{"role": "assistant", "content": "a"}]}\n{"mess', "line 2"),
        ("x.json", json.dumps({"schema_version": "ATIF-v2.0"}), "another version"),
        ("x.json", json.dumps({"schema_version": "ATIF-v1.8", "agent": 7}), "not a trajectory"),
        ("x.json", json.dumps(FOREIGN | {"steps": FOREIGN["steps"][:1]}), "no step of an agent"),
        ("x.json", json.dumps(FOREIGN | {"agent": {"name": "distill-tui"}}), "not as it was exported"),
        ("x.parquet", "no parquet", "cannot read"),
    ],
)
def test_a_bad_file_is_one_line_and_leaves_nothing(tmp_path, name, text, said):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(StoreError, match=said) as told:
        list(take(Home(tmp_path / "home"), path))
    assert "\n" not in str(told.value)
    assert list(Home(tmp_path / "home").folders()) == []


def test_an_export_in_another_form_is_refused(home, tmp_path):
    out = exported(home, tmp_path / "out", "prompt-completion")
    with pytest.raises(StoreError, match="an export as prompt-completion"):
        list(take(Home(tmp_path / "home"), out))


def test_a_home_that_cannot_be_written_is_told(tmp_path):
    make(tmp_path / "home", "s", [block("FINAL(1)")])
    out = exported(tmp_path / "home", tmp_path / "out", "sft")
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match="cannot import"):
        list(take(Home(tmp_path / "file"), out))
