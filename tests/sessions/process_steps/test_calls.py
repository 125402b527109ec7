"""Tool calls in text: which there are, and where exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.process_steps import extract_json_argument_spans, extract_tool_name_span, find_calls
from sessions.process_steps.code import code_calls

CALL = '{"name": "read_file", "arguments": {"path": "a } b.json", "n": {"deep": [1, {"x": "{"}]}}}'


def shown(text: str, names: set[str] | None = None) -> list[tuple[str, str, list[str]]]:
    return [
        (c.name, c.name_span.of(text), [span.of(text) for span in c.argument_spans])
        for c in find_calls(text, names).calls
    ]


READ = ("read_file", "read_file", ['{"path": "a } b.json", "n": {"deep": [1, {"x": "{"}]}}'])


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"I will use {CALL} to look {{first}}.",
        f"```json\n{CALL}\n```",
        f"<tool_call>\n{CALL}\n</tool_call>",
        f"<tool_call>{CALL}",
        f"[{CALL}]",
        f'{{"tool_calls": [{{"id": "1", "type": "function", "function": {CALL}}}]}}',
        f'{{"thought": "not {{valid", "then": {CALL}}}',
    ],
    ids=["bare", "in prose", "fenced", "tag", "open tag", "list", "tool_calls", "nested"],
)
def test_a_call_is_found_where_it_stands(text: str) -> None:
    assert shown(text) == [READ]
    name = extract_tool_name_span(text)
    assert name is not None
    assert name.of(text) == "read_file"
    assert [span.of(text) for span in extract_json_argument_spans(text)] == READ[2]


def test_several_calls_are_found_in_their_order() -> None:
    text = f'First {CALL}, then {{"name": "stop", "parameters": {{}}}}.'
    assert shown(text) == [READ, ("stop", "stop", ["{}"])]


def test_arguments_in_a_string_are_told_with_their_escapes() -> None:
    inner = json.dumps({"city": 'Łódź "x"'})
    text = json.dumps([{"function": {"name": "weather", "arguments": inner}}])
    (call,) = find_calls(text).calls
    assert call.arguments == {"city": 'Łódź "x"'}
    assert call.escaped
    assert not call.valid_json
    assert json.loads('"' + call.argument_spans[0].of(text) + '"') == inner


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<tool_call></tool_call>", "nothing in the tag"),
        ('<tool_call>{"name": "x", "arguments": {</tool_call>', "no valid call in the tag"),
        ("<tool_call>{'name': 'x', 'arguments': {}}</tool_call>", "no valid call in the tag"),
        ('so {"name": "x", "arguments": {"a": }} it is', "not valid JSON"),
    ],
)
def test_what_is_no_valid_call_is_left_out_and_counted(text: str, why: str) -> None:
    found = find_calls(text)
    assert found.calls == ()
    assert [bad.why for bad in found.invalid] == [why]


@pytest.mark.parametrize(
    "arguments",
    [
        '{"a": NaN, "b": Infinity}',
        '{"a": -Infinity}',
        '{"a": 01}',
        '{"a": +1}',
        '{"a": .5}',
        '{"a": 1.}',
        '{"a": 0x1f}',
        '{"a": 1,}',
        '{"a": [1,]}',
        "{'a': 1}",
        '{"a": 1 /* one */}',
        '{"a": 1} // one',
        "{a: 1}",
        '{"a": True}',
        '{"a": "\t"}',
        '{"a": NaN, "inner": {"name": "g", "arguments": {}}}',
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        '{{"name": "f", "arguments": {}}}',
        '<tool_call>{{"name": "f", "arguments": {}}}</tool_call>',
        '```json\n{{"id": 1, "type": "function", "name": "f", "arguments": {}}}\n```',
        '{{"tool_calls": [{{"id": "c", "function": {{"name": "f", "arguments": {}}}}}]}}',
    ],
    ids=["bare", "tag", "fenced", "tool_calls"],
)
def test_arguments_that_are_no_json_make_no_call_and_are_counted(form: str, arguments: str) -> None:
    found = find_calls(form.format(arguments) + CALL)
    assert [call.name for call in found.calls] == ["read_file"]
    assert len(found.invalid) == 1


def test_a_broken_call_takes_no_other_with_it() -> None:
    text = f'<tool_call>{{"name": "f", "arguments": {{</tool_call> <tool_call>{CALL}</tool_call> }}}}'
    assert shown(text) == [READ]
    assert [bad.why for bad in find_calls(text).invalid] == ["no valid call in the tag"]
    beside = f'<tool_call>{{"name": "f", "arguments": {{"a": NaN}}}}\n{CALL}</tool_call>'
    assert shown(beside) == [READ]
    assert [bad.why for bad in find_calls(beside).invalid] == ["not valid JSON"]


@pytest.mark.parametrize("inner", ['{"a": NaN}', '{"a": 1,}', '{"a":' * 600 + "1" + "}" * 600])
def test_arguments_in_a_string_that_are_no_json_are_counted(inner: str) -> None:
    found = find_calls(json.dumps({"name": "f", "arguments": inner}))
    assert found.calls == ()
    assert len(found.invalid) == 1


@pytest.mark.parametrize("number", ["1e400", "9" * 5000, "-0.0", "1E-999", "-" + "7" * 5000])
def test_a_number_of_any_size_is_json(number: str) -> None:
    text = f'{{"name": "f", "arguments": {{"a": {number}}}}}'
    (call,) = find_calls(text).calls
    assert call.valid_json
    assert call.argument_spans[0].of(text) == f'{{"a": {number}}}'


def test_of_two_members_of_one_name_the_last_one_counts() -> None:
    text = '{"name": "f", "name": "g", "arguments": {"a": 1}, "arguments": {"a": 1, "a": 2}}'
    assert shown(text) == [("g", "g", ['{"a": 1, "a": 2}'])]


@pytest.mark.parametrize(("deep", "calls"), [(450, 1), (600, 0), (5000, 0)])
def test_how_deep_arguments_may_nest_does_not_depend_on_the_stack(deep: int, calls: int) -> None:
    text = '{"name": "f", "arguments": ' + '{"name": "f", "arguments":' * deep + "{}" + "}" * deep + "}"
    found = find_calls(text)
    assert (len(found.calls), len(found.invalid)) == (calls, 1 - calls)


def test_literals_of_a_python_call_are_pythons() -> None:
    text = (
        "f(a=NaN, b={1: 'x', (2, 3): None}, c=01) f(a=NaN, b={1: 'x', (2, 3): None}, c=1_0, d=x+0x"
        + "f" * 5000
        + ")"
    )
    (call,) = find_calls(text, {"f"}).calls
    assert call.arguments["a"] == "NaN"
    assert call.arguments["b"] == {1: "x", (2, 3): None}
    assert call.arguments["c"] == 10
    assert call.arguments["d"].startswith("x+0xff")
    assert not call.valid_json


def test_other_objects_are_no_calls_and_not_counted() -> None:
    found = find_calls('The result was {"distance": 3, "name": "x"} and {nothing} and {"a": [}.')
    assert found.calls == found.invalid == ()


def test_a_tool_that_no_registry_knows_is_told_apart() -> None:
    found = find_calls(CALL, {"other"})
    assert found.calls == ()
    assert [call.name for call in found.unknown] == ["read_file"]


def test_calls_in_python_are_found_by_the_names_of_the_registry() -> None:
    text = (
        'I call [weather(city="Paris, (x)", days=3), geo.find("Łódź")] but not weathers(1) or my.weather(2).'
    )
    assert shown(text, {"weather", "geo.find"}) == [
        ("weather", "weather", ['"Paris, (x)"', "3"]),
        ("geo.find", "geo.find", ['"Łódź"']),
    ]
    assert find_calls(text).calls == ()


def test_code_is_read_by_its_syntax_tree() -> None:
    code = "# worker('no')\nx = 'Ł'; r = worker_batch([worker(p) for p in ps], errors='raise')\nFINAL(r[0])"
    text = "Zoë:\n" + code
    calls = code_calls(code, start=5)
    assert [(c.name, c.name_span.of(text)) for c in calls] == [
        ("worker_batch", "worker_batch"),
        ("worker", "worker"),
        ("FINAL", "FINAL"),
    ]
    assert [s.of(text) for s in calls[0].argument_spans] == ["[worker(p) for p in ps]", "'raise'"]
    assert code_calls("not python (") == []


ARGUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.from_regex(r"[A-Za-z_][\w.]{0,15}", fullmatch=True)
PROSE = st.text(st.characters(exclude_characters="{}<>\"'"), max_size=30)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(PROSE, NAMES, st.dictionaries(st.text(max_size=8), ARGUMENTS, max_size=3)), max_size=4)
)
def test_every_call_written_into_prose_is_found_exactly(
    written: list[tuple[str, str, dict[str, Any]]],
) -> None:
    text = "".join(
        f"{prose}{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=index % 2 == 0)}"
        for index, (prose, name, arguments) in enumerate(written)
    )
    found = find_calls(text)
    assert [(c.name, c.arguments) for c in found.calls] == [
        (name, arguments) for _, name, arguments in written
    ]
    assert [json.loads('"' + c.name_span.of(text) + '"') for c in found.calls] == [
        name for _, name, _ in written
    ]
    assert [json.loads(c.argument_spans[0].of(text)) for c in found.calls] == [a for *_, a in written]


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("{}[]()<>\"'\\,: \nnametool_call/arguments1"), max_size=120))
def test_no_text_breaks_it(text: str) -> None:
    for call in find_calls(text, {"name", "tool"}).calls:
        assert call.name_span.of(text)


@pytest.mark.parametrize(
    "text",
    [
        "{" * 20_000,
        '{"a":' * 4_000,
        '{"name":' * 4_000,
        "<tool_call>" * 5_000,
        "f(" * 4_000,
        "f('" * 4_000,
        "f(" + "-" * 5_000 + "1)",
        "f(\0) f(\ud800)",
        "f(" + "[" * 300 + "]" * 300 + ")",
    ],
    ids=["braces", "nested", "named", "tags", "calls", "strings", "signs", "letters", "brackets"],
)
def test_hostile_text_costs_little(text: str) -> None:
    assert find_calls(text, {"f"}).calls == ()


def test_recorded_calls_are_found_as_their_records_have_them(shared: Path) -> None:
    for line in (shared / "data" / "traces" / "hermes_tool_calls.jsonl").read_text().splitlines():
        record = json.loads(line)
        found = find_calls(record["text"])
        if record["valid_json"] is True:
            assert [(c.name, c.arguments) for c in found.calls] == [
                (record["parsed"]["name"], record["parsed"]["arguments"])
            ]
        else:
            assert found.calls == ()
            assert found.invalid
