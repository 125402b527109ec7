"""Files of foreign records: no record, whatever it holds, keeps the others from being read."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from distill_core.errors import ExportError
from sessions.process_steps import SpanTokenizer, load_registry
from sessions.process_steps.foreign import Odd, convert
from sessions.process_steps.rows import RowMaker
from tests.sessions.process_steps.test_rows import check

GOOD = json.dumps({"prompt": "p", "teacher_text": '{"name": "f", "arguments": {"a": 1}}'}).encode()


def nested(deep: int) -> str:
    return '{"a":' * deep + "1" + "}" * deep


def converted(
    folder: Path, tokenizer: Path, data: bytes, **options: Any
) -> tuple[list[Any], list[Odd], RowMaker]:
    """The rows that a file of `data` gives, the records that are none, and who counted."""
    source, out = folder / "in.jsonl", folder / "out.jsonl"
    source.write_bytes(data)
    out.unlink(missing_ok=True)
    odd: list[Odd] = []
    maker = RowMaker(SpanTokenizer(tokenizer), **options)
    convert(source, out, maker, odd.append)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()], odd, maker


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (nested(1000).encode(), "nested more than 500 deep"),
        (nested(600).encode(), "nested more than 500 deep"),
        (b"[" * 100_000, "nested more than 500 deep"),
        (b'{"teacher_text": "x", "more": ' + nested(900).encode() + b"}", "nested more than 500 deep"),
        (b'{"teacher_text": "\xff"}', "no text in UTF-8"),
        (b'{"teacher_text": "\x00"}', r"no JSON (Invalid control character at"),
        (b'{"teacher_text": ' + b"9" * 5000 + b"}", "a record without a teacher's text"),
        (b'{"teacher_text": 1e400}', "a record without a teacher's text"),
        (b"9" * 5000, "no object (float)"),
        (b"NaN", "no object (float)"),
    ],
    ids=["nested", "less", "lists", "beside", "bytes", "NUL", "digits", "huge", "number", "NaN"],
)
@pytest.mark.parametrize("place", [0, 2])
def test_a_record_that_cannot_be_read_is_told_with_its_line(
    tmp_path: Path, byte_tokenizer: Path, line: bytes, why: str, place: int
) -> None:
    lines = [GOOD, GOOD]
    lines.insert(place, line)
    rows, odd, _ = converted(tmp_path, byte_tokenizer, b"\n".join(lines))
    assert [row["metadata"]["tools"] for row in rows] == [["f"], ["f"]]
    assert [one.place for one in odd] == [f"line {place + 1}"]
    assert odd[0].why.startswith(why)


@pytest.mark.parametrize("between", [b", ", b",\n"])
def test_an_item_of_a_list_that_is_nested_too_deep_takes_no_other_with_it(
    tmp_path: Path, byte_tokenizer: Path, between: bytes
) -> None:
    deep = b'{"teacher_text": "}", "a": ' + nested(2000).encode() + b"}"
    rows, odd, _ = converted(tmp_path, byte_tokenizer, b"[" + between.join([GOOD, deep, b"7", GOOD]) + b"]")
    assert [row["metadata"]["record"] for row in rows] == [1, 4]
    assert odd == [Odd("record 2", "nested more than 500 deep"), Odd("record 3", "no object (int)")]


@pytest.mark.parametrize(
    "record",
    [
        {"teacher_text": nested(1000)},
        {"teacher_text": "x", "tool_results": [nested(1000), "9" * 5000, '{"a": 1e999}', '[{"a": NaN}]']},
        {"teacher_text": "9" * 500, "tool_results": ["8" * 500]},
        {"prompt": "\ud800", "teacher_text": "\udfff", "tool_results": ["\ud800"]},
        {"teacher_text": "x\x00y", "prompt": ["\ud800", {"a": float("nan")}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": None}]}]},
        {"messages": [{"role": {"a": []}, "content": {"b": float("inf")}}, None, 1]},
    ],
)
def test_a_record_of_odd_values_decides_nothing_and_ends_nothing(
    tmp_path: Path, byte_tokenizer: Path, record: dict[str, Any]
) -> None:
    rows, odd, _ = converted(tmp_path, byte_tokenizer, b"\n".join([GOOD, json.dumps(record).encode(), GOOD]))
    assert [row["metadata"]["record"] for row in rows] == [1, 3]
    assert odd == []


def test_lone_surrogates_are_spelled_out_wherever_they_stand(tmp_path: Path, byte_tokenizer: Path) -> None:
    record = {
        "prompt": "\ud800",
        "teacher_text": '{"name": "f\\ud800", "arguments": {"\\udfff": "XEHM4B"}}',
        "tool_results": [{"\ud801": "XEHM4B"}],
    }
    (row,), _, _ = converted(tmp_path, byte_tokenizer, json.dumps(record).encode())
    assert row["prompt"] == "\\ud800"
    assert row["metadata"]["tools"] == ["f\\ud800"]
    assert row["metadata"]["integrations"][0]["path"] == "\\ud801"


def test_a_text_that_repeats_itself_is_read_at_once(tmp_path: Path, byte_tokenizer: Path) -> None:
    call = '{"name": "f", "arguments": {"a": 1}} '
    record = {"teacher_text": call * 3000 + "the " * 30_000, "tool_results": ["the " * 20_000]}
    (row,), _, _ = converted(tmp_path, byte_tokenizer, json.dumps(record).encode(), prose=False)
    assert len(row["metadata"]["tools"]) == 3000


@pytest.mark.parametrize(
    ("name", "text"), [("t.json", "[" * 2000 + "]" * 2000), ("t.toml", "a = " + "[" * 2000 + "]" * 2000)]
)
def test_a_registry_that_is_nested_too_deep_is_one_line(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ExportError, match="cannot read the tools"):
        load_registry(tmp_path / name)


# ---------------------------------------------------------------- mutants of recorded conversations

NASTY: list[Any] = [
    *(None, True, 0, -1, 10**400, float("nan"), float("inf"), "", "\x00", "\ud800", [], {}, [None], [[]]),
    *("{" * 900, nested(600), json.loads(nested(300)), "1" * 5000, "NaN", "١٢٣ ² ½ −5", "ſ ß İ"),
    *("f(a=" + "1" * 5000 + ")", "f(a=x+0x" + "f" * 9000 + ")", "f({[]: 1, **{3: 4}})", "f(\x00)"),
    *("f(" + "1+" * 3000 + "1)", "f(\\\n1)\r\nf(2,\r3)", 'f(f"{x!r:{f(1)}}")', "<tool_call>" * 50),
    *('{"name": "f", "arguments": {"a": NaN}}', '{"name": "f\\ud800", "arguments": "{}"}'),
    *(
        {"function": "x"},
        {"name": ["f"], "arguments": "{"},
        [{"role": "assistant", "content": [{"text": None}]}],
    ),
]
DAMAGE = [b"\x00", b"\xff", b"\r", b"1e400", b"9" * 5000, b"NaN", b'{"a":' * 1200]
KEYS = (
    "role",
    "content",
    "tool_calls",
    "function",
    "arguments",
    "from",
    "value",
    "prompt",
    "completion",
    "chosen",
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every member and item in a value, as what holds it and its key."""
    found, stack = [], [value]
    while stack:
        here = stack.pop()
        items = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
        for key, inner in items:
            found.append((here, key))
            stack.append(inner)
    return found


def mutant(record: Any, source: random.Random) -> bytes:
    """A record with odd values in up to three places, as a line that may be damaged too."""
    for _ in range(source.randrange(4)):
        holder, key = source.choice(places(record) or [({}, "")])
        bad = copy.deepcopy(source.choice(NASTY))
        if isinstance(bad, str) and isinstance(holder.get(key) if isinstance(holder, dict) else None, str):
            at = source.randrange(len(holder[key]) + 1)
            holder[key] = holder[key][:at] + bad + holder[key][at:]
        elif isinstance(holder, dict) and source.random() < 0.5:
            holder[source.choice(KEYS)] = bad
        elif key != "":
            holder[key] = bad
    line = json.dumps(record, ensure_ascii=source.random() < 0.7).encode("utf-8", "surrogatepass")
    if source.random() < 0.2:
        at = source.randrange(len(line) + 1)
        line = line[:at] + source.choice(DAMAGE) + line[at + source.randrange(4) :]
    return line


@pytest.mark.parametrize("seed", range(4))
def test_no_mutant_of_a_recorded_conversation_ends_a_run(
    shared: Path, tmp_path: Path, byte_tokenizer: Path, seed: int
) -> None:
    traces = sorted((shared / "data" / "traces").glob("*.jsonl"))
    lines = [line for path in traces for line in path.read_text(encoding="utf-8").splitlines()]
    recorded = [line for line in lines if len(line) < 5000]
    assert len(recorded) > 50
    source = random.Random(seed)
    mutants = [mutant(json.loads(source.choice(recorded)), source) for _ in range(400)]
    rows, odd, maker = converted(
        tmp_path,
        byte_tokenizer,
        b"\n".join([GOOD, *mutants, GOOD]),
        tool_names={"f", "search_direct_flight"} if seed % 2 else None,
        prose=seed < 2,
        least=0.0,
    )
    assert [row["prompt"] for row in (rows[0], rows[-1])] == ["p", "p"]
    assert odd
    assert maker.counts["rows"] == len(rows) > 20
    tokenizer = SpanTokenizer(byte_tokenizer)
    for row in rows:
        check(row, tokenizer)
