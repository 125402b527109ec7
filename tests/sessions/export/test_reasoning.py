"""Without reasoning: prose goes, code and what came of it stay."""

import json

import msgspec

from sessions.export import Plan, export, sources
from sessions.export.formats import find
from sessions.export.reasoning import code_only, without_prose
from sessions.home import Home
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


def test_a_reply_of_nothing_but_prose_is_left_out_and_counted(tmp_path):
    from sessions.export import rehearse

    folder = make(tmp_path, "s", [block("FINAL(1)")])
    annotate(
        folder,
        {"step": 1, "target": {"kind": "step", "id": "1", "field": "reply"}, "correction": "Only words."},
    )
    plan = Plan(format=find("prompt-completion"), sources=tuple(sources([folder])), reasoning=False)
    assert rehearse(plan).left == {"nothing_left": 1}
