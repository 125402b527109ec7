"""Rows of targets: what their ids decode to, from generated texts, recorded conversations and the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core.errors import ExportError
from sessions.process_steps import Span, SpanTokenizer, load_registry
from sessions.process_steps.conversations import Turn, turns_of
from sessions.process_steps.foreign import convert
from sessions.process_steps.rows import RowMaker
from tests.sessions.process_steps.test_calls import ARGUMENTS, NAMES, PROSE

FIELDS = {
    "tool_name_ids": ("tool_name_mask", "tool_name"),
    "gold_json_text_ids": ("mask_valid_json_tokens", "arguments"),
    "tool_result_fields": ("integration_mask", "integration"),
}


def check(row: dict[str, Any], tokenizer: SpanTokenizer) -> None:
    """Every list of ids decodes to the text of its spans, and has a mask of its length."""
    text = row["teacher_text"]
    for ids, (mask, name) in FIELDS.items():
        spans = [Span(*span) for span in row["metadata"]["spans"][name]]
        assert (ids in row) == (mask in row) == bool(spans)
        if spans:
            assert tokenizer.decode(row[ids]) == "".join(span.of(text) for span in spans)
            assert len(row[mask]) == len(row[ids])
            assert set(row[mask]) <= {0, 1}


def test_a_row_has_what_a_trainer_reads(byte_tokenizer: Path) -> None:
    tokenizer = SpanTokenizer(byte_tokenizer)
    maker = RowMaker(tokenizer)
    text = 'I will use {"name": "read_file", "arguments": {"path": "config.json"}}'
    row = maker.row(Turn(prompt="Read the file config.json", text=text), {"source": "x"})
    assert row is not None
    assert tokenizer.decode(row["tool_name_ids"]) == "read_file"
    assert tokenizer.decode(row["gold_json_text_ids"]) == '{"path": "config.json"}'
    assert set(row["mask_valid_json_tokens"]) == {1}
    assert "tool_result_fields" not in row
    assert row["metadata"]["source"] == "x"


@settings(max_examples=250, deadline=None)
@given(
    st.lists(
        st.tuples(PROSE, NAMES, st.dictionaries(st.text(max_size=8), ARGUMENTS, max_size=3)),
        min_size=1,
        max_size=4,
    ),
    st.lists(ARGUMENTS, max_size=2),
    st.booleans(),
)
def test_ids_decode_to_their_spans(
    byte_tokenizer: Path, written: list[tuple[str, str, dict[str, Any]]], results: list[Any], prose: bool
) -> None:
    tokenizer = SpanTokenizer(byte_tokenizer)
    text = "".join(
        f"{said}<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"
        for said, name, arguments in written
    )
    row = RowMaker(tokenizer, prose=prose, least=0.0).row(
        Turn(prompt="", text=text, results=tuple(results)), {}
    )
    assert row is not None
    check(row, tokenizer)
    if not prose:
        assert "tool_call" not in row["teacher_text"] or any("tool_call" in n for _, n, _ in written)


def recorded(shared: Path) -> Iterator[Turn]:
    traces = shared / "data" / "traces"
    for name in ("glaive_toolcall_en", "tau_bench_airline_gpt4o"):
        for line in (traces / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            yield from turns_of(json.loads(line))


@pytest.mark.parametrize("prose", [True, False])
def test_recorded_conversations_give_rows_that_decode(
    shared: Path, byte_tokenizer: Path, prose: bool
) -> None:
    tokenizer = SpanTokenizer(byte_tokenizer)
    maker = RowMaker(tokenizer, prose=prose)
    rows = [row for turn in recorded(shared) if (row := maker.row(turn, {})) is not None]
    for row in rows:
        check(row, tokenizer)
    assert sum("tool_name_ids" in row for row in rows) > 70
    assert sum("tool_result_fields" in row for row in rows) > 50
    assert maker.counts["rows"] == len(rows)
    assert maker.counts["texts"] == maker.counts["rows"] + maker.counts["texts without a decision left out"]


def test_without_prose_only_decisions_are_left(byte_tokenizer: Path) -> None:
    text = 'Secret thoughts. {"name": "f", "arguments": {"a": 1}} More thoughts on XEHM4B here.'
    row = RowMaker(SpanTokenizer(byte_tokenizer), prose=False).row(
        Turn(prompt="", text=text, results=({"id": "XEHM4B"},)), {}
    )
    assert row is not None
    assert row["teacher_text"] == '{"name": "f", "arguments": {"a": 1}}\nXEHM4B'


def test_a_tokenizer_that_forgets_is_counted_and_never_trusted(word_tokenizer: Path) -> None:
    maker = RowMaker(SpanTokenizer(word_tokenizer))
    assert maker.row(Turn(prompt="", text='{"name": "Read_File", "arguments": {}}'), {}) is None
    assert maker.counts["texts that the tokenizer does not give back left out"] == 1


def test_a_lone_surrogate_is_spelled_out(byte_tokenizer: Path) -> None:
    row = RowMaker(SpanTokenizer(byte_tokenizer)).row(
        Turn(prompt="", text='\ud800{"name": "f", "arguments": {}}'), {}
    )
    assert row is not None
    assert row["teacher_text"] == '\\ud800{"name": "f", "arguments": {}}'


def test_positions_lie_around_their_spans(byte_tokenizer: Path) -> None:
    tokenizer = SpanTokenizer(byte_tokenizer)
    text = 'Now {"name": "read_file", "arguments": {"path": "x"}}'
    row = RowMaker(tokenizer).row(Turn(prompt="", text=text), {})
    assert row is not None
    ((first, last),) = row["metadata"]["positions"]["tool_name"]
    from tokenizers import Tokenizer

    ids = Tokenizer.from_file(str(byte_tokenizer)).encode(text, add_special_tokens=False).ids
    assert "read_file" in tokenizer.decode(ids[first:last])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '["f", "g"]'),
        ("b.json", '[{"type": "function", "function": {"name": "f"}}, {"name": "g"}]'),
        ("c.json", '{"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "f"}, {"name": "g"}]}}'),
        ("d.toml", 'tools = ["f", "g"]'),
        ("e.toml", "[tools.f]\nabout = 1\n[tools.g]\nabout = 2\n"),
        ("f.toml", '[[tools]]\nname = "f"\n[[tools]]\nname = "g"\n'),
    ],
)
def test_a_registry_is_read_in_every_shape(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert load_registry(tmp_path / name) == {"f", "g"}


@pytest.mark.parametrize(("text", "said"), [("{", "cannot read the tools"), ("{}", "lists no tool")])
def test_a_bad_registry_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(ExportError, match=said):
        load_registry(tmp_path / "t.json")


@pytest.mark.parametrize("text", ["", "{}", '{"version": 1}'])
def test_a_bad_tokenizer_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(ExportError, match="is no tokenizer"):
        SpanTokenizer(tmp_path)
    with pytest.raises(ExportError, match="cannot read the tokenizer"):
        SpanTokenizer(tmp_path / "none")


def test_a_file_that_breaks_off_leaves_nothing_behind(tmp_path: Path, byte_tokenizer: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"teacher_text": "x"}\n{"oops": 1}\n')
    maker = RowMaker(SpanTokenizer(byte_tokenizer))
    with pytest.raises(ExportError, match=r"in\.jsonl, line 2: a record without a teacher's text"):
        convert(tmp_path / "in.jsonl", tmp_path / "out.jsonl", maker)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, r"cannot read \S+in: No such file or directory \(name a file of records\)"),
        (b"\xff\xfe\x00\x81", r"cannot read \S+in: no text in UTF-8 \(name a file of JSON lines\)"),
        (b"", r"in holds no record with a teacher's text \(give a record a line, "),
        (b"\n\n[]\n", r"in holds no record"),
        (b'{"foo": 1}\n', r"in holds no record"),
    ],
)
def test_a_file_without_a_record_is_one_clear_line(
    tmp_path: Path, byte_tokenizer: Path, data: bytes | None, words: str
) -> None:
    if data is not None:
        (tmp_path / "in").write_bytes(data)
    maker = RowMaker(SpanTokenizer(byte_tokenizer))
    with pytest.raises(ExportError, match=words) as raised:
        convert(tmp_path / "in", tmp_path / "out.jsonl", maker, lambda _: None)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.glob("*out*"))


def test_the_command_writes_rows_and_says_what_it_left_out(tmp_path: Path, byte_tokenizer: Path) -> None:
    records = [
        {"prompt": "p", "teacher_text": '{"name": "f", "arguments": {}} and <tool_call></tool_call>'},
        {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]},
        {
            "messages": [
                {"role": "user", "content": "?"},
                {"role": "assistant", "tool_calls": [{"function": {"name": "g", "arguments": '{"a": 1}'}}]},
            ]
        },
    ]
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    first, *rest = map(json.dumps, records)
    odd = ['{"foo": 1}', "not JSON", "7", '"words"', ""]
    source.write_text("\n".join([first, *odd, *rest]))
    (tmp_path / "tools.json").write_text('["f", "g"]')
    argv = [sys.executable, "-c", "from tui.cli import main; main()", "process-steps", source, "--out", out]
    argv += ["--tokenizer", byte_tokenizer, "--tools", tmp_path / "tools.json"]
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["metadata"]["tools"] for row in rows] == [["f"], ["g"]]
    assert rows[1]["prompt"] == [{"role": "user", "content": "?"}]
    for said in (
        "2  rows",
        "1  invalid calls left out",
        "1  texts without a decision left out",
        "4  records that are none left out",
        " line 2: a record without a teacher's text (keys foo)",
        " line 3: no JSON (",
        " line 4: no object (int)",
        " and 1 more",
    ):
        assert said in done.stderr
    assert [row["metadata"]["record"] for row in rows] == [1, 8]
    again = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
    assert again.returncode == 1
    assert "exists already" in again.stderr
