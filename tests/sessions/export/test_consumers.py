"""Each format is taken by those who read it: datasets, TRL, OpenAI's and LLaMA-Factory's rules, axolotl, Arrow."""

import json

import polars
import pyarrow.parquet
import pytest
from datasets import load_dataset

from sessions.export import Plan, Splits, export, sources
from sessions.export.formats import all_formats, find
from sessions.home import Home
from tests.sessions.export.making import traced
from tests.sessions.export.tokens import options_for, tokenizer

ROWS = [format.name for format in all_formats() if format.storage == "rows"]
REPORTS = ["html", "markdown"]
LOADED = [
    *((format.name, "jsonl") for format in all_formats() if format.name not in REPORTS),
    *((name, "parquet") for name in ROWS),
]


@pytest.fixture(scope="module")
def exported(home, tmp_path_factory):
    """Exports a format, once; the folder."""
    made = {}

    def folder(name, storage="jsonl"):
        if (name, storage) not in made:
            out = tmp_path_factory.mktemp("out") / f"{name}-{storage}"
            plan = Plan(
                format=find(name),
                options=options_for(name),
                sources=tuple(sources(Home(home).folders())),
                splits=Splits(shares={"test": 0.4}),
                storage=storage,
            )
            export(plan, str(out))
            made[name, storage] = out
        return made[name, storage]

    return folder


def written(folder):
    """The rows of a folder of JSON Lines, in order."""
    return [
        json.loads(line)
        for path in sorted([*(folder / "data").rglob("*.jsonl"), *(folder / "trajectories").glob("*.json")])
        for line in ([path.read_text()] if path.suffix == ".json" else path.read_text().splitlines())
    ]


@pytest.mark.parametrize(("name", "storage"), LOADED)
def test_datasets_loads_the_folder_as_it_is(exported, tmp_path, name, storage):
    folder = exported(name, storage)
    loaded = load_dataset(str(folder), cache_dir=str(tmp_path))
    rows = [row for split in sorted(loaded) for row in loaded[split]]
    first = written(exported(name))
    assert len(rows) == len(first) > 0
    assert set(loaded) <= {"train", "test"}
    by_content = {json.dumps(_bare(row), sort_keys=True) for row in rows}
    assert by_content == {json.dumps(_bare(row), sort_keys=True) for row in first}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_says_that_it_is_no_data_set(exported, name):
    card = (exported(name) / "README.md").read_text()
    assert "nothing here for `load_dataset`" in card
    assert "configs:" not in card


def _bare(value):
    """Without what has no value, which loaders add, and the digits of a fraction that they drop."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: _bare(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_bare(inner) for inner in value]
    return value


@pytest.mark.parametrize("name", ROWS)
def test_polars_and_pyarrow_read_the_parquet(exported, name):
    folder = exported(name, "parquet")
    paths = sorted((folder / "data").rglob("*.parquet"))
    assert not list(folder.rglob("*.jsonl")) or (folder / "provenance").exists()
    count = len(written(exported(name)))
    assert sum(pyarrow.parquet.read_metadata(path).num_rows for path in paths) == count
    assert sum(polars.read_parquet(path).height for path in paths) == count


TRL = ["sft", "prompt-completion", "preference", "kto", "worker", "worker-preference"]


@pytest.mark.parametrize("name", TRL)
def test_trl_takes_the_rows(exported, name):
    trl = pytest.importorskip("trl.data_utils", reason='needs trl: pip install --no-deps "trl==1.16.*"')
    for row in written(exported(name)):
        assert trl.is_conversational(row)
        taught = {
            k: v for k, v in row.items() if k in find(name).columns and k not in ("corrected", "evidence")
        }
        taught.pop("preferred_because", None)
        told = trl.apply_chat_template(taught, tokenizer())
        for column, text in told.items():
            if column in ("completion", "chosen", "rejected"):
                assert text == row[column][0]["content"] + "<|end|>"


@pytest.mark.parametrize("name", ["sft", "worker"])
def test_the_loss_is_on_exactly_what_the_model_wrote(exported, name):
    for row in written(exported(name)):
        told = tokenizer().apply_chat_template(
            row["messages"], return_assistant_tokens_mask=True, return_dict=True, tokenize=True
        )
        trained = [i for i, m in zip(told["input_ids"], told["assistant_masks"], strict=True) if m]
        wrote = [m["content"] + "<|end|>" for m in row["messages"] if m["role"] == "assistant"]
        assert tokenizer().decode(trained) == "".join(wrote)
        assert len(wrote) == sum(m["role"] == "assistant" for m in row["messages"]) > 0


def openai_messages(messages, *, weights):
    """The documented rules of a chat fine-tuning conversation."""
    assert messages
    for message in messages:
        allowed = {"role", "content", "name", "tool_calls", "tool_call_id"} | (
            {"weight"} if weights else set()
        )
        assert set(message) <= allowed
        assert message["role"] in ("system", "developer", "user", "assistant", "tool")
        assert isinstance(message["content"], str)
        assert "weight" not in message or (message["role"] == "assistant" and message["weight"] in (0, 1))
        for call in message.get("tool_calls", ()):
            assert call["type"] == "function"
            json.loads(call["function"]["arguments"])


def test_openai_takes_the_rows_and_learns_no_bad_turn(home, exported):
    rows = written(exported("openai"))
    for row in rows:
        assert set(row) <= {"messages", "tools", "parallel_tool_calls"}
        openai_messages(row["messages"], weights=True)
        assert row["messages"][-1]["role"] == "assistant"
        assert any(m.get("weight") == 1 for m in row["messages"])
        assert all("weight" in m for m in row["messages"] if m["role"] == "assistant")
    said = {m["content"]: m["weight"] for row in rows for m in row["messages"] if m["role"] == "assistant"}
    for turn in traced(home / "sessions" / "s2-decided").turns:
        bad = turn.outcome == "rejected" or turn.sent_back or turn.erred
        assert said[turn.text] == (0 if bad else 1)


def test_openai_takes_the_pairs(exported):
    for row in written(exported("openai-preference")):
        assert set(row) == {"input", "preferred_output", "non_preferred_output"}
        openai_messages(row["input"]["messages"], weights=False)
        assert row["input"]["messages"][-1]["role"] == "user"
        for side in ("preferred_output", "non_preferred_output"):
            openai_messages(row[side], weights=False)
            assert [m["role"] for m in row[side]] == ["assistant"]


@pytest.mark.parametrize("name", ["openai", "openai-preference"])
def test_where_the_row_has_no_room_the_provenance_lies_beside_line_by_line(exported, name):
    folder = exported(name)
    for path in (folder / "data").rglob("*.jsonl"):
        beside = folder / "provenance" / path.relative_to(folder / "data")
        origins = [json.loads(line) for line in beside.read_text().splitlines()]
        assert len(origins) == len(path.read_text().splitlines())
        assert all(origin["session"] and origin["events"] for origin in origins)


@pytest.mark.parametrize("name", ["sharegpt", "sharegpt-preference", "sharegpt-kto"])
def test_llama_factory_finds_columns_and_alternating_turns(exported, name):
    folder = exported(name)
    entries = json.loads((folder / "dataset_info.json").read_text())
    assert entries
    for entry in entries.values():
        assert entry["formatting"] == "sharegpt"
        rows = [
            json.loads(line)
            for path in sorted((folder / entry["file_name"]).glob("*.jsonl"))
            for line in path.read_text().splitlines()
        ]
        assert rows
        columns, tags, ranking = entry["columns"], entry["tags"], entry.get("ranking", False)
        odd = (tags["user_tag"], tags["observation_tag"])
        even = (tags["assistant_tag"], tags["function_tag"])
        for row in rows:
            said = row[columns["messages"]]
            for place, message in enumerate(said):
                assert message[tags["role_tag"]] in (even if place % 2 else odd)
                assert isinstance(message[tags["content_tag"]], str)
            assert len(said) % 2 == (1 if ranking else 0)
            assert isinstance(row[columns["system"]], str)
            if ranking:
                assert row[columns["chosen"]]["from"] in even
                assert row[columns["rejected"]]["from"] in even
            if "kto_tag" in columns:
                assert isinstance(row[columns["kto_tag"]], bool)


def axolotl_trains(content, train, detail):
    """The characters that axolotl trains, by its rule: a token (here a character) within a detail that says so."""
    if not train:
        return ""
    if not detail:
        return content
    return "".join(
        character
        for place, character in enumerate(content)
        if any(d["begin_offset"] <= place <= d["end_offset"] and d["train"] for d in detail)
    )


def test_axolotl_trains_good_turns_but_for_pieces_marked_bad(home, exported):
    trained = {}
    for row in written(exported("axolotl")):
        for message in row["messages"]:
            assert isinstance(message["train"], bool)
            told = axolotl_trains(message["content"], message["train"], message.get("train_detail"))
            assert not told or message["role"] == "assistant"
            trained[message["content"]] = told
    turns = traced(home / "sessions" / "s2-decided").turns
    assert trained[turns[0].text] == turns[0].text
    assert trained[turns[1].text] == trained[turns[3].text] == trained[turns[4].text] == ""
    assert trained[turns[5].text] == turns[5].text.removeprefix("Surely.")


def test_stepwise_has_a_label_a_completion(exported):
    (row,) = written(exported("stepwise"))
    assert len(row["completions"]) == len(row["labels"])
    assert row["labels"] == [True, False]
    assert isinstance(row["prompt"], str)


def test_episodes_have_what_environments_ask_for(exported):
    for row in written(exported("episodes")):
        assert row["prompt"][-1]["role"] == "user"
        assert row["completion"][0]["role"] == row["completion"][-1]["role"] == "assistant"
        assert isinstance(row["reward"], float)
        assert json.loads(row["info"])["question"]
    rated = next(r for r in written(exported("episodes")) if r["provenance"]["session"] == "s2-decided")
    assert rated["reward"] == rated["metrics"]["rating"] == 0.75
    assert rated["answer"] == "clause 7"
    for row in written(exported("episodes-verl")):
        assert set(row) >= {"data_source", "prompt", "ability", "reward_model", "extra_info"}
        assert row["reward_model"]["style"] == "rule"
        assert row["reward_model"]["ground_truth"]


def test_the_examples_have_rows_for_every_training(tmp_path):
    from benchmarks import train_check

    sets = {name: train_check.exported(tmp_path, name) for name in ("prompt-completion", "sft", "preference")}
    assert all(len(rows) > 4 for rows in sets.values())
    made = train_check.trained_tokenizer(train_check.texts(sets.values()))
    for row in sets["sft"]:
        told = made.apply_chat_template(
            row["messages"], return_assistant_tokens_mask=True, return_dict=True, tokenize=True
        )
        trained = [i for i, m in zip(told["input_ids"], told["assistant_masks"], strict=True) if m]
        wrote = [m["content"] + "<|end|>" for m in row["messages"] if m["role"] == "assistant"]
        assert made.decode(trained) == "".join(wrote)
