"""Process steps of own sessions: the functions of the REPL are the tools, spans come from the syntax tree."""

import json
import re

import msgspec
import pytest

from distill_core.errors import ExportError
from sessions.export import Plan, export, rehearse, sources
from sessions.export.formats import find
from sessions.export.formats.process_steps import rows as rows_of
from sessions.export.rows import Row
from sessions.home import Home
from sessions.importing import take
from sessions.process_steps import Span, SpanTokenizer
from sessions.process_steps.foreign import convert
from sessions.process_steps.rows import RowMaker
from tests.sessions.export.making import block, make, traced
from tests.sessions.export.tokens import options_for, tokenizer_file


def made(trace, **changes):
    """The rows of a trace, each with the texts that its ids decode to."""
    tokenizer = SpanTokenizer(tokenizer_file())
    found = [v for v in rows_of(trace, options_for("process-steps")) if isinstance(v, Row)]
    for row in found:
        text, spans = row.columns["teacher_text"], row.columns["metadata"]["spans"]
        for ids, name in (
            ("tool_name_ids", "tool_name"),
            ("gold_json_text_ids", "arguments"),
            ("tool_result_fields", "integration"),
        ):
            wanted = "".join(Span(*span).of(text) for span in spans[name])
            assert tokenizer.decode(row.columns.get(ids, [])) == wanted
    return [
        (
            row.columns["metadata"]["tools"],
            [Span(*s).of(row.columns["teacher_text"]) for s in row.columns["metadata"]["spans"]["arguments"]],
        )
        for row in found
    ]


def test_calls_in_code_are_the_steps(tmp_path):
    folder = make(
        tmp_path,
        "s",
        [
            block(
                "r = worker_batch([context[:9], 'é'], errors='return')\nprint('code 7WPL39', r)",
                "I ask – worker('not this').",
            ),
            block("FINAL('7WPL39')", "It printed 7WPL39."),
        ],
    )
    assert made(traced(folder)) == [
        (["worker_batch"], ["[context[:9], 'é']", "'return'"]),
        (["FINAL"], ["'7WPL39'"]),
    ]


def test_without_prose_code_and_used_results_are_left(tmp_path):
    first, second = (
        block("print('code 7WPL39')", "I look."),
        block("x = 1\nFINAL('7WPL39')", "It printed 7WPL39."),
    )
    folder = make(tmp_path, "s", [first, second])
    options = msgspec.structs.replace(options_for("process-steps"), prose=False)
    (row,) = [v for v in rows_of(traced(folder), options) if isinstance(v, Row)]
    text = row.columns["teacher_text"]
    assert text == "7WPL39\n```repl\nx = 1\nFINAL('7WPL39')\n```"
    used = [Span(*span).of(text) for span in row.columns["metadata"]["spans"]["integration"]]
    assert used == ["7WPL39", "7WPL39"]
    said = [m["content"] for m in row.columns["prompt"] if m["role"] == "assistant"]
    assert said == ["```repl\nprint('code 7WPL39')\n```\n"]


def test_what_was_printed_and_is_used_is_told_with_its_confidence(tmp_path):
    folder = make(
        tmp_path, "s", [block("print('code 7WPL39')"), block("FINAL('7WPL39')", "It printed 7WPL39.")]
    )
    (row,) = [v for v in rows_of(traced(folder), options_for("process-steps")) if isinstance(v, Row)]
    text, metadata = row.columns["teacher_text"], row.columns["metadata"]
    assert [Span(*s).of(text) for s in metadata["spans"]["integration"]] == ["7WPL39", "7WPL39"]
    assert all(i["confidence"] > 0.9 for i in metadata["integrations"])


def test_a_turn_without_a_decision_is_left_out_by_name(tmp_path):
    make(tmp_path, "s", [block("x = 1"), block("FINAL(1)")])
    plan = Plan(
        format=find("process-steps"),
        sources=tuple(sources(Home(tmp_path).folders())),
        options=options_for("process-steps"),
    )
    report = rehearse(plan)
    assert re.search(r"no_decision", repr(report))


def test_without_a_tokenizer_it_says_so(tmp_path):
    make(tmp_path, "s", [block("FINAL(1)")])
    plan = Plan(format=find("process-steps"), sources=tuple(sources(Home(tmp_path).folders())))
    with pytest.raises(ExportError, match="process-steps needs a tokenizer"):
        rehearse(plan)


def taught(folder, name, **options):
    """What `distill-tui process-steps` makes of an export in the format `name`: each row, and all that was counted."""
    plan = Plan(
        format=find(name),
        sources=tuple(sources(Home(folder).folders())),
        options=msgspec.structs.replace(options_for(name), **options),
    )
    export(plan, str(folder / name))
    (source,) = (folder / name).glob("data/*/*.jsonl")
    maker = RowMaker(SpanTokenizer(tokenizer_file()), tool_names={"worker", "FINAL", "weather"})
    convert(source, folder / f"{name}.out", maker)
    rows = [json.loads(line) for line in (folder / f"{name}.out").read_text().splitlines()]
    told = [
        (
            [message["role"] for message in row["prompt"]],
            row["metadata"]["tools"],
            [Span(*s).of(row["teacher_text"]) for s in row["metadata"]["spans"]["arguments"]],
        )
        for row in rows
    ]
    return sorted(told), maker.counts


NAMES = ["prompt-completion", "sft", "openai"]
LEAVES = ["system", "user"]


@pytest.mark.parametrize("name", NAMES)
def test_own_exports_are_read_as_foreign_files(tmp_path, name):
    make(tmp_path, "s", [block("print(worker('code 7WPL39?'))"), block("FINAL('7WPL39')", "It is 7WPL39.")])
    rows, counts = taught(tmp_path, name)
    assert rows == [
        (LEAVES, ["worker"], ["'code 7WPL39?'"]),
        ([*LEAVES, "assistant", "user"], ["FINAL"], ["'7WPL39'"]),
    ]
    assert counts["rows"] == counts["texts"] == 2


@pytest.mark.parametrize("name", NAMES)
def test_own_exports_of_conversations_with_tools_are_read_as_foreign_files(tmp_path, name):
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    messages = [
        {"role": "user", "content": "Oslo?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "17.25 degrees", "tool_call_id": "c"},
        {"role": "assistant", "content": "It has 17.25 degrees."},
    ]
    (tmp_path / "rows.jsonl").write_text(json.dumps({"messages": messages, "tools": []}))
    assert [one.outcome for one in take(Home(tmp_path), tmp_path / "rows.jsonl")] == ["new"]
    rows, _ = taught(tmp_path, name, keep=frozenset({"no_judgement"}))
    assert rows == [
        (["user"], ["weather"], ['{"city": "Oslo"}']),
        (["user", "assistant", "tool"], [], []),
    ]


def test_turns_without_weight_in_an_own_export_are_not_taught(tmp_path):
    make(tmp_path, "s", [block("worker('x')\n1/0"), block("FINAL(1)")])
    rows, counts = taught(tmp_path, "openai")
    assert [tools for _, tools, _ in rows] == [["FINAL"]]
    assert counts["messages that are not trained left out"] == 1
