"""Without reasoning: prose goes, code and what came of it stay."""

import json

import msgspec
import pytest

from sessions.export import Plan, export, rehearse, sources
from sessions.export.formats import find
from sessions.export.reasoning import code_only, without_prose
from sessions.export.redact import KINDS
from sessions.home import Home
from sessions.importing import take
from tests.sessions.export.making import annotate, block, make, traced


def test_only_the_blocks_of_a_reply_are_left():
    reply = "I think.\n\n```repl\nprint(1)\n```\nThen:\n```repl\n# look\nprint(2)\n```\nDone."
    told, _ = code_only(reply, None, "distill")
    assert told == "```repl\nprint(1)\n```\n```repl\n# look\nprint(2)\n```\n"


def test_spans_in_code_stay_where_the_code_goes():
    reply = "I think.\n\n```repl\nprint(1)\n```\n"
    told, alignment = code_only(reply, None, "distill")
    start = reply.index("print")
    place = alignment.span(start, start + 5)
    assert told[place[0] : place[1]] == "print"
    assert alignment.span(0, 8) is None


def test_no_prose_of_the_supervisor_leaves_in_prompts_or_completions(home, tmp_path):
    for name in ("sft", "prompt-completion", "openai", "preference", "axolotl", "episodes", "sharegpt"):
        plan = Plan(format=find(name), sources=tuple(sources(Home(home).folders())), reasoning=False)
        export(plan, str(tmp_path / name))
        text = "".join(p.read_text() for p in (tmp_path / name / "data").rglob("*.jsonl"))
        for prose in ("I look.", "Found it.", "A typo.", "Rather not.", "Surely."):
            assert prose not in text, (name, prose)
        assert "FINAL('clause 7')" in text


def test_results_stay(home):
    bare = without_prose(traced(home / "sessions" / "s1-plain"))
    kept = traced(home / "sessions" / "s1-plain")
    assert [t.cells for t in bare.turns] == [t.cells for t in kept.turns]
    assert bare.calls == kept.calls
    told = [m for m in bare.turns[1].prompt if m["role"] == "user"]
    assert told == [m for m in kept.turns[1].prompt if m["role"] == "user"]


def test_hidden_reasoning_goes_too(tmp_path):
    folder = make(tmp_path, "s", [block("FINAL(1)")])
    trace = traced(folder)
    turn = msgspec.structs.replace(trace.turns[0], reasoning="secret thoughts")
    bare = without_prose(msgspec.structs.replace(trace, turns=(turn,)))
    assert "secret thoughts" not in json.dumps(msgspec.to_builtins(bare))


def prompts(home, folder, name, **options):
    plan = Plan(format=find(name), sources=tuple(sources([folder])), reasoning=False, **options)
    export(plan, str(home / "out" / name))
    return [
        json.loads(line) for path in (home / "out" / name / "data").rglob("*.jsonl") for line in path.open()
    ]


def asked(row):
    return row.get("prompt") or row.get("conversations") or row["messages"]


@pytest.mark.parametrize("redact", [(), KINDS])
@pytest.mark.parametrize(
    "name", ["prompt-completion", "kto", "sharegpt-kto", "openai", "axolotl", "episodes", "preference"]
)
def test_a_reply_without_code_goes_with_what_the_program_answered(tmp_path, name, redact):
    replies = ["Plan.", "More plan.", block("print(1)", "Now."), "Hm.", block("FINAL('x')", "Now.")]
    folder = make(tmp_path, "s", replies)
    annotate(
        folder,
        {
            "step": 5,
            "target": {"kind": "step", "id": "5", "field": "reply"},
            "correction": block("FINAL('y')"),
        },
        {"target": {"kind": "session"}, "rating": 4},
    )
    for row in prompts(tmp_path, folder, name, redact=redact):
        assert "Your reply has words but no code" not in json.dumps(row)
        said = asked(row)
        who = [
            message.get("role", message.get("from")) for message in said if message.get("role") != "system"
        ]
        assert who[::2] in (["user"] * len(who[::2]), ["human"] * len(who[::2]))
        assert set(who[1::2]) <= {"assistant", "gpt"}
        assert all(message.get("content") or message.get("value") for message in said)
    # A trajectory tells of all that was.
    assert json.dumps(prompts(tmp_path, folder, "otel")).count("Your reply has words but no code") > 0


def test_rows_together_are_those_one_by_one(tmp_path):
    folder = make(tmp_path, "s", ["Plan.", block("print(1)"), "Hm.", block("FINAL('x')")])
    one_by_one = prompts(tmp_path / "a", folder, "prompt-completion", sample=1.0)
    assert prompts(tmp_path / "b", folder, "prompt-completion") == one_by_one
    assert [len(row["prompt"]) for row in one_by_one] == [2, 4]


def test_after_a_reply_that_a_person_answered_nothing_is_learned(tmp_path):
    said = [
        {"role": "user", "content": "What is in it?"},
        {"role": "assistant", "content": "A contract."},
        {"role": "user", "content": "And how long is it?"},
        {"role": "assistant", "content": block("print(len(context))")},
    ]
    (tmp_path / "row.jsonl").write_text(json.dumps({"messages": said}))
    home = Home(tmp_path / "home")
    list(take(home, tmp_path / "row.jsonl"))
    for name in ("prompt-completion", "kto"):
        plan = Plan(format=find(name), sources=tuple(sources(home.folders())), reasoning=False)
        assert rehearse(plan).left == {"nothing_left": 2}
        assert rehearse(msgspec.structs.replace(plan, reasoning=True)).left.get("nothing_left") is None


def test_a_reply_of_nothing_but_prose_is_left_out_and_counted(tmp_path):
    folder = make(tmp_path, "s", [block("FINAL(1)")])
    annotate(
        folder,
        {"step": 1, "target": {"kind": "step", "id": "1", "field": "reply"}, "correction": "Only words."},
    )
    plan = Plan(format=find("prompt-completion"), sources=tuple(sources([folder])), reasoning=False)
    assert rehearse(plan).left == {"nothing_left": 1}
