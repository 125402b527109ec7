"""Process steps of own sessions: the functions of the REPL are the tools, spans come from the syntax tree."""

import re

import msgspec
import pytest

from distill_core.errors import ExportError
from sessions.export import Plan, rehearse, sources
from sessions.export.formats.process_steps import rows as rows_of
from sessions.export.rows import Row
from sessions.home import Home
from sessions.process_steps import Span, SpanTokenizer
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
    from sessions.export.formats import find

    plan = Plan(
        format=find("process-steps"),
        sources=tuple(sources(Home(tmp_path).folders())),
        options=options_for("process-steps"),
    )
    report = rehearse(plan)
    assert re.search(r"no_decision", repr(report))


def test_without_a_tokenizer_it_says_so(tmp_path):
    from sessions.export.formats import find

    make(tmp_path, "s", [block("FINAL(1)")])
    plan = Plan(format=find("process-steps"), sources=tuple(sources(Home(tmp_path).folders())))
    with pytest.raises(ExportError, match="process-steps needs a tokenizer"):
        rehearse(plan)
