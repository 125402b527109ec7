"""Rows with tools come out of loaders as they went in, and TRL's templates tell a call as the object that it was."""

import json
import re
from pathlib import Path

import pytest
from datasets import load_dataset

from sessions.export import Plan, export, sources
from sessions.export.chat import MESSAGE
from sessions.export.formats import all_formats, find
from sessions.export.rows import FIXED, RULES, Options
from sessions.home import Home
from sessions.importing import take
from tests.sessions.export.making import annotate, block, make
from tests.sessions.export.tokens import options_for, tokenizer

TOOLS = [
    {"type": "function", "function": {"name": name, "description": "d", "parameters": {"type": "object"}}}
    for name in ("weather", "add", "now")
]
GIVEN = [
    ("weather", {"city": "Oslo", "at": {"hours": [9, None], "zone": ""}}, "", "3 degrees"),
    ("add", {"b": 2.5, "a": 1}, "Let me add.", "3.5"),
    ("now", {}, "", "noon"),
]
"""Tools called with other arguments each: what was given, what was said beside it, and what came back."""


def conversation(name, given, words, result, *, objects):
    """One conversation about a tool, with names where OpenAI's messages have them."""
    told = given if objects else json.dumps(given)
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": told}}
    return [
        {"role": "user", "content": f"{name}?", "name": "ada"},
        {"role": "assistant", "content": words, "tool_calls": [call]},
        {"role": "tool", "content": result, "tool_call_id": "c1", "name": name},
        {"role": "assistant", "content": f"It is {result}."},
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with a conversation a tool, each corrected in its last reply, and a session without any."""
    folder = tmp_path_factory.mktemp("loaded")
    rows = [{"messages": conversation(*given, objects=False), "tools": TOOLS} for given in GIVEN]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    home = Home(folder / "home")
    for brought in list(take(home, folder / "rows.jsonl")):
        annotate(
            home.folder(brought.session_id),
            {"step": 2, "target": {"kind": "step", "id": "2", "field": "reply"}, "correction": "Better."},
            {"target": {"kind": "answer"}, "correction": "gold"},
        )
    make(home.path, "plain", [block("FINAL('x')")])
    return home


def exported(home, out, name, storage="jsonl"):
    options = Options(keep=frozenset(RULES) - set(FIXED), tokenizer=options_for(name).tokenizer)
    plan = Plan(format=find(name), sources=tuple(sources(home.folders())), options=options, storage=storage)
    export(plan, str(out))
    return out


def written(folder):
    return [json.loads(line) for path in sorted(folder.rglob("*.jsonl")) for line in path.open()]


def loaded(folder, cache):
    return list(load_dataset(str(folder), cache_dir=str(cache))["train"])


def bare(value):
    """Without what has no value, which loaders add where a shape is declared."""
    if isinstance(value, dict):
        return {name: bare(inner) for name, inner in value.items() if inner is not None}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def messages(shape):
    """Whether a format's shape holds messages."""
    if isinstance(shape, list):
        return messages(shape[0])
    return isinstance(shape, dict) and (
        set(shape) >= {"role", "content"} or any(map(messages, shape.values()))
    )


HOLDING = [
    made
    for made in all_formats()
    if made.storage == "rows" and "turns" in made.reads and messages(dict(made.columns))
]


def test_formats_of_messages_are_among_them():
    assert {made.name for made in HOLDING} >= {
        "sft",
        "prompt-completion",
        "preference",
        "kto",
        "openai",
        "axolotl",
    }
    assert [made.name for made in HOLDING if made.objects] == [
        "kto",
        "preference",
        "prompt-completion",
        "sft",
    ]


@pytest.mark.parametrize("storage", ["jsonl", "parquet"])
@pytest.mark.parametrize("made", HOLDING, ids=lambda made: made.name)
def test_rows_are_loaded_as_they_were_written(home, tmp_path, made, storage):
    first = written(exported(home, tmp_path / "jsonl", made.name) / "data")
    folder = (
        exported(home, tmp_path / "out", made.name, storage) if storage == "parquet" else tmp_path / "jsonl"
    )
    again = loaded(folder, tmp_path / "cache")
    assert len(again) == len(first) >= len(GIVEN)
    assert list(map(bare, again)) == list(map(bare, first))
    told = json.dumps(again)
    assert all(name in told for name in ("weather", "c1", "ada"))
    assert made.objects == ("Arguments of tool calls are objects" in (folder / "README.md").read_text())
    if made.objects:
        columns = [name for name, shape in made.columns.items() if shape == [MESSAGE]]
        assert columns
        for one, other in zip(again, first, strict=True):
            assert {name: one[name] for name in columns} == {name: other[name] for name in columns}


@pytest.mark.parametrize("name", ["sft", "prompt-completion", "preference", "kto"])
def test_without_tools_messages_are_what_they_were(tmp_path, name):
    make(tmp_path, "s", [block("FINAL('x')")])
    annotate(
        tmp_path / "sessions" / "s",
        {
            "step": 1,
            "target": {"kind": "step", "id": "1", "field": "reply"},
            "correction": block("FINAL('y')"),
        },
    )
    folder = exported(Home(tmp_path), tmp_path / "out", name)
    card = (folder / "README.md").read_text()
    assert "json" not in card.partition("dataset_info")[2].partition("---")[0]
    assert "Arguments of tool calls" not in card
    (row, *_) = loaded(folder, tmp_path / "cache")
    asked = row["messages" if name == "sft" else "prompt"]
    assert all(set(message) == {"role", "content"} for message in asked)


def test_a_name_of_a_person_needs_no_tools(tmp_path):
    said = [{"role": "user", "content": "q", "name": "ada"}, {"role": "assistant", "content": "a"}]
    (tmp_path / "row.jsonl").write_text(json.dumps({"messages": said}))
    home = Home(tmp_path / "home")
    list(take(home, tmp_path / "row.jsonl"))
    for name in ("sft", "prompt-completion"):
        (row,) = loaded(exported(home, tmp_path / name, name), tmp_path / "cache")
        assert (row.get("messages") or row["prompt"] + row["completion"]) == said


@pytest.mark.parametrize("storage", ["jsonl", "parquet"])
def test_what_comes_back_is_exported_as_the_same(home, tmp_path, storage):
    again = Home(tmp_path / "home")
    list(take(again, exported(home, tmp_path / "out", "sft", storage)))
    first = [row["messages"] for row in written(exported(home, tmp_path / "first", "sft") / "data")]
    second = [row["messages"] for row in written(exported(again, tmp_path / "second", "sft") / "data")]
    assert json.dumps(second) == json.dumps(first)  # the order of arguments too


@pytest.fixture(scope="module")
def templates():
    """TRL's templates that take tools, by name."""
    utils = pytest.importorskip(
        "trl.chat_template_utils", reason='needs trl: pip install --no-deps "trl==1.16.*"'
    )
    found = {}
    for path in sorted((Path(utils.__file__).parent / "chat_templates").glob("*.jinja")):
        made = _with_template(path.read_text())
        if utils.supports_tool_calling(made):
            found[path.stem] = made
    # The first cannot take an object; TRL trains with the second in its place.
    assert "deepseekv3_training" in found
    found.pop("deepseekv3")
    assert len(found) > 30
    return found


def _with_template(template):
    import copy

    made = copy.copy(tokenizer())
    made.chat_template = template
    return made


def rendered(made, said):
    text = made.apply_chat_template(said, tools=TOOLS, tokenize=False)
    return re.sub(r"\d\d:\d\d(:\d\d)?", "", text)


@pytest.mark.parametrize("storage", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", ["sft", "prompt-completion", "preference", "kto"])
def test_every_template_of_trl_tells_calls_as_the_objects_that_they_were(
    home, templates, tmp_path, name, storage
):
    rows = [
        row
        for row in loaded(exported(home, tmp_path / "out", name, storage), tmp_path / "cache")
        if row["tools"]
    ]
    wanted = {given[0]: conversation(*given, objects=True) for given in GIVEN}
    seen = set()
    for row in rows:
        assert json.loads(row["tools"]) == TOOLS
        said = row.get("messages") or [*row["prompt"], *(row.get("completion") or row["rejected"])]
        if len(said) < 4:
            continue
        of = said[0]["content"].rstrip("?")
        seen.add(of)
        reference = [*wanted[of][:3], said[3]]
        for template, made in templates.items():
            assert rendered(made, said) == rendered(made, reference), template
    assert seen == set(wanted)
