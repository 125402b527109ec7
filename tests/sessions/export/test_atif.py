"""A session as an ATIF trajectory: taken by Harbor's own models, and nothing is lost that it can hold."""

import json

import pytest

from sessions.export import Plan, export, sources
from sessions.export.formats import find
from sessions.home import Home
from tests.sessions.export.making import block, make, traced


@pytest.fixture(scope="module")
def trajectories(home, tmp_path_factory):
    """The exported trajectories by session."""
    out = tmp_path_factory.mktemp("atif") / "out"
    plan = Plan(
        format=find("atif"), sources=tuple(sources(Home(home).folders())), licence="CC0-1.0", tool="t 1"
    )
    export(plan, str(out))
    return {path.stem: json.loads(path.read_text()) for path in (out / "trajectories").iterdir()}


def test_harbor_takes_every_trajectory_and_gives_it_back_as_it_was(trajectories):
    harbor = pytest.importorskip("harbor.models.trajectories", reason="harbor needs Python 3.12")
    assert len(trajectories) == 7
    for told in trajectories.values():
        assert harbor.Trajectory.model_validate(told).to_json_dict() == told


def test_steps_are_the_conversation(home, trajectories):
    for name, told in trajectories.items():
        turns = traced(home / "sessions" / name).conversation()
        sent = [{"role": _role(s), "content": s["message"]} for s in told["steps"]]
        assert sent[:-1] == list(turns[-1].prompt)
        assert sent[-1]["content"] == turns[-1].text
        assert [s["step_id"] for s in told["steps"]] == list(range(1, len(told["steps"]) + 1))


def _role(step):
    return {"agent": "assistant"}.get(step["source"], step["source"])


def test_cells_are_tool_calls_and_worker_calls_sub_trajectories(home, trajectories):
    told = trajectories["s2-decided"]
    trace = traced(home / "sessions" / "s2-decided")
    step = next(s for s in told["steps"] if s.get("extra", {}).get("step") == 3)
    assert step["tool_calls"][0]["arguments"] == {
        "code": "replies = worker_batch(['one', 'two'])\nprint(replies)"
    }
    (result,) = step["observation"]["results"]
    assert result["source_call_id"] == step["tool_calls"][0]["tool_call_id"]
    assert result["content"] == trace.turns[2].cells[0].output
    subs = {sub["trajectory_id"]: sub for sub in told["subagent_trajectories"]}
    assert [ref["trajectory_id"] for ref in result["subagent_trajectory_ref"]] == list(subs) == ["w1", "w2"]
    prompt, reply = subs["w1"]["steps"]
    assert (prompt["message"], reply["message"]) == ("one", "One is right.")
    assert reply["extra"]["original"] == "It says: one"


def test_what_people_did_stands_in_extra(trajectories):
    steps = {
        s["extra"]["step"]: s["extra"] for s in trajectories["s2-decided"]["steps"] if s["source"] == "agent"
    }
    assert (steps[1]["outcome"], steps[1]["decision"]["by"]) == ("edited", "ada")
    assert "print(contxt)" in steps[1]["original"]
    assert steps[2]["guidance"] == "No imports."
    assert steps[5]["sent_back"]
    assert steps[4]["mark"] == -1
    assert trajectories["s2-decided"]["extra"]["judgements"][0]["rating"] == 4
    (candidate,) = next(s for s in trajectories["s3-candidates"]["steps"] if s["source"] == "agent")["extra"][
        "candidates"
    ]
    assert "First." in candidate["text"]


def test_copied_steps_are_copied_context(trajectories):
    for step in trajectories["s6-fork"]["steps"]:
        assert step.get("is_copied_context", False) == (step["source"] == "agent")
    assert not any("is_copied_context" in step for step in trajectories["s2-decided"]["steps"])


def test_it_says_where_it_comes_from(trajectories):
    extra = trajectories["s1-plain"]["extra"]
    assert (extra["licence"], extra["exported_by"]) == ("CC0-1.0", "t 1")
    assert len(extra["document"]["sha256"]) == 64


def test_no_session_id_leads_out_of_the_folder(tmp_path):
    from sessions.export.rows import file_name

    folder = make(tmp_path, "s", [block("FINAL(1)")])
    import msgspec

    for name in ("../../etc/passwd", "/abs", "..", "a/b", "é\n", ".hidden", "x" * 400):
        path = file_name("reports", msgspec.structs.replace(traced(folder), session_id=name), "md")
        assert path.startswith("reports/")
        assert "/" not in path.removeprefix("reports/")
        assert not path.removeprefix("reports/").startswith(".")
        assert len(path) < 200
