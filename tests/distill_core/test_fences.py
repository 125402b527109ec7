"""Which parts of a reply run, and what is said of a reply with none."""

from __future__ import annotations

import ast
import json
import warnings
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.fences import Problem, extract_blocks


def codes(reply: str, finish_reason: str | None = None) -> list[str]:
    return [block.code for block in extract_blocks(reply, finish_reason).blocks]


# ---------------------------------------------------------------- what is a block


@pytest.mark.parametrize(
    "tag", ["repl", "python", "py", "", "Python", "REPL", "python3", "python title=x", "{python}"]
)
def test_tags_that_run(tag: str) -> None:
    assert codes(f"Look:\n\n```{tag}\nprint(1)\n```\nDone.") == ["print(1)"]


@pytest.mark.parametrize("tag", ["json", "text", "bash", "output", "sh", "javascript", "pycon"])
def test_tags_that_do_not_run(tag: str) -> None:
    found = extract_blocks(f"```{tag}\nprint(1)\n```")
    assert found.blocks == ()
    assert found.problem == "other_language"


@pytest.mark.parametrize("fence", ["```", "````", "~~~", "~~~~~~", "`" * 30])
def test_any_fence_of_commonmark(fence: str) -> None:
    assert codes(f"{fence}repl\nx = 1\n{fence}") == ["x = 1"]


def test_longer_closing_fence_closes_and_shorter_does_not() -> None:
    assert codes("````repl\ns = '''\n```\n'''\n`````\n") == ["s = '''\n```\n'''"]


def test_several_blocks_in_order_with_their_places() -> None:
    reply = "First:\n```repl\na = 1\n```\nthen\n~~~python\nb = 2\n~~~\nend"
    blocks = extract_blocks(reply).blocks
    assert [(block.code, block.tag) for block in blocks] == [("a = 1", "repl"), ("b = 2", "python")]
    assert [reply[block.start : block.end] for block in blocks] == [
        "```repl\na = 1\n```\n",
        "~~~python\nb = 2\n~~~\n",
    ]


def test_fence_in_a_list_loses_the_lists_indent() -> None:
    reply = "1. Count:\n\n   ```repl\n   for i in x:\n       print(i)\n   ```\n2. Then:\n   ```repl\n   y\n   ```\n"
    assert codes(reply) == ["for i in x:\n    print(i)", "y"]


def test_fence_in_a_list_around_code_that_is_not_indented() -> None:
    reply = "1. Count:\n   ```repl\nfor i in x:\n    print(i)\n   ```\nthen\n```repl\n2 + f()\n```"
    assert codes(reply) == ["for i in x:\n    print(i)", "2 + f()"]


def test_fence_in_a_quote() -> None:
    assert codes("> ```repl\n> x = 1\n> ```\n") == ["x = 1"]


def test_reply_that_is_indented_as_a_whole() -> None:
    assert codes("    ```repl\n    x = 1\n    ```") == ["x = 1"]


def test_fence_behind_a_tag_of_html() -> None:
    assert codes("<answer>\n```repl\nx = 1\n```\n</answer>") == ["x = 1"]


def test_line_ends_and_nul_are_kept() -> None:
    assert codes("```repl\r\na = 1\r\nb = '\0'\r\n```\r\n") == ["a = 1\r\nb = '\0'"]


def test_thought_is_not_run() -> None:
    reply = "<think>\nMaybe\n```repl\nwrong()\n```\n</think>\n```repl\nright()\n```"
    (block,) = extract_blocks(reply).blocks
    assert block.code == "right()"
    assert reply[block.start : block.end] == "```repl\nright()\n```"


@pytest.mark.parametrize(
    "thought",
    [
        "Maybe this, it's short:\n```python\nwrong()\n```\nhmm\n</think>",
        "Not closed:\n```python\nwrong()\n</think>",
        "I am sure.</thinking>",
        "<thinking>\n```python\nwrong()\n```\n</thinking>",
        "\ufeff\n<THINK>\n```python\nwrong()\n```\n</THINK>",
    ],
)
def test_what_stands_before_the_end_of_a_thought_is_not_code(thought: str) -> None:
    reply = f"{thought}\n```python\nright()\n```"
    (block,) = extract_blocks(reply).blocks
    assert block.code == "right()"
    assert reply[block.start : block.end] == "```python\nright()\n```"


@pytest.mark.parametrize(
    "thought",
    [
        "Let me see.\n<think>\n```python\nwrong()\n```\n</think>",
        "Let me see.\n\n  <THINKING>maybe\n```python\nwrong(\n</thinking>\n<think>\nFINAL(1)\n</think>",
        "```python\nfirst()\n```\n<think>\n```python\nwrong()\n```\n</think>",
    ],
)
def test_a_thought_further_down_is_not_run(thought: str) -> None:
    reply = f"{thought}\n```python\nright('<think>')\n```"
    blocks = extract_blocks(reply, dialect="rlm").blocks
    assert [block.code for block in blocks if block.code != "first()"] == ["right('<think>')"]
    assert reply[blocks[-1].start : blocks[-1].end] == "```python\nright('<think>')\n```"


def test_nothing_runs_of_a_thought_further_down_without_an_end() -> None:
    found = extract_blocks("Let me see.\n<think>\n```python\nwrong()\n```\n")
    assert (found.blocks, found.problem) == ((), "unclosed_thought")


def test_a_program_whose_text_holds_a_thought_is_code() -> None:
    code = 'show("""\n<think>\n```\n</think>\n""")'
    assert codes(f"So:\n```repl\n{code}\n```") == [code]


def test_a_program_that_looks_for_the_end_of_a_thought_is_code() -> None:
    assert codes("```repl\nprint(x.split('</think>')[1])\n```") == ["print(x.split('</think>')[1])"]


@pytest.mark.parametrize("finish_reason", ["stop", "length"])
def test_nothing_runs_of_a_thought_without_an_end(finish_reason: str) -> None:
    found = extract_blocks("<think>Let me see\n```python\nwrong()\n```\n", finish_reason)
    assert (found.blocks, found.problem) == ((), "unclosed_thought")


@pytest.mark.parametrize("mark", ["\ufeff", "\u200b", "\u2060\u200b"])
def test_characters_that_nobody_sees_before_a_fence_do_not_hide_it(mark: str) -> None:
    reply = f"{mark}```python\nif x:\n    y = 'a'\n{mark}```\nthen\n{mark}```python\nz\n```"
    blocks = extract_blocks(reply).blocks
    assert [block.code for block in blocks] == ["if x:\n    y = 'a'", "z"]
    assert reply[blocks[1].start : blocks[1].end] == f"{mark}```python\nz\n```"


# ---------------------------------------------------------------- where a block ends


def test_fence_inside_a_triple_quoted_string_does_not_cut() -> None:
    code = 'p = """Answer as\n```json\n{}\n```\nand stop."""\nprint(worker(p))'
    assert codes(f"Go:\n```repl\n{code}\n```\nThen I will see.\n```repl\nprint(2)\n```") == [code, "print(2)"]


def test_the_shortest_extension_that_parses_wins() -> None:
    first, second = "a = '''\n```\n'''", "b = '''\n```\n'''"
    assert codes(f"```repl\n{first}\n```\nwords\n```repl\n{second}\n```") == [first, second]


def test_many_fences_inside_one_string() -> None:
    code = "s = '''" + "\n```\nx" * 40 + "'''"
    assert codes(f"```repl\n{code}\n```") == [code]


def test_code_that_never_parses_keeps_its_first_end() -> None:
    assert codes("```repl\nprint('a\n```\nwords\n```repl\nprint(2)\n```") == ["print('a", "print(2)"]
    assert codes("```repl\ns = '''\n```\nwords it's\n") == ["s = '''"]


def test_closing_fence_behind_the_last_line() -> None:
    assert codes("```repl\nprint(1)```\nThat prints one.") == ["print(1)\n".rstrip()]


def test_next_block_closes_one_left_open() -> None:
    assert [code.strip() for code in codes("```repl\nprint(1)\n\n```repl\nprint(2)\n```")] == [
        "print(1)",
        "print(2)",
    ]


def test_open_end_that_parses_is_taken() -> None:
    assert codes("```repl\nprint(1)\n") == ["print(1)"]
    assert codes("```repl\nprint(1)", "stop") == ["print(1)"]


def test_open_end_with_prose_in_it_is_a_problem_of_its_own() -> None:
    assert extract_blocks("```repl\nprint(1)\nThat should show it.").problem == "unclosed"


def test_cut_off_block_is_never_run() -> None:
    found = extract_blocks("```repl\nprint(1)\n", "length")
    assert (found.blocks, found.problem) == ((), "truncated")
    inside_string = extract_blocks("```repl\ns = '''\n```\nmore", "length")
    assert (inside_string.blocks, inside_string.problem) == ((), "truncated")


def test_cut_off_behind_a_whole_block_runs_that_block_and_says_so() -> None:
    found = extract_blocks("```repl\nprint(1)\n```\nand\n```repl\nprint(2", "length")
    assert [block.code for block in found.blocks] == ["print(1)"]
    assert (found.problem, found.note) == (None, "truncated")
    assert extract_blocks("```repl\nprint(1)\n```\nand so", "length").note is None


# ---------------------------------------------------------------- output is not code


def test_invented_output_is_not_run() -> None:
    reply = "```repl\nprint(n)\n```\nOutput:\n```\n42\n```\n```output\nx = 1\n```\n```repl\nprint(2)\n```"
    assert codes(reply) == ["print(n)", "print(2)"]


def test_untagged_code_runs_and_its_untagged_output_does_not() -> None:
    assert codes("```\nprint(len(context))\n```\nOutput:\n```\n1234\n```\n```\nName: Mira\n```") == [
        "print(len(context))"
    ]


def test_untagged_code_with_a_syntax_error_is_shown_to_its_author() -> None:
    assert codes("```\nfor x in context\n    print(x)\n```\n") == ["for x in context\n    print(x)"]


def test_untagged_text_is_not_code() -> None:
    assert extract_blocks("```\nThe answer, it seems, is Mira.\n```").problem == "other_language"


# ---------------------------------------------------------------- problems


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("", "empty"),
        (" \n\t\n", "empty"),
        ("I will look at the document first.", "prose"),
        ("```repl\n\n```", "empty_block"),
        ("1. ```repl\n\n   ```", "empty_block"),
        ("Sure: ```python\nx = 1\n```", "fence_in_line"),
        ("Sure: ```\nx = 1\n```", "fence_in_line"),
        ("Run ```python x = 1``` now", "fence_in_line"),
        ("Wrap it in ``` fences.", "prose"),
        ('<tool_call>\n{"name": "repl", "arguments": {}}\n</tool_call>', "xml_tool_call"),
        ("<function=repl>print(1)</function>", "xml_tool_call"),
        (
            '<function_calls><invoke name="repl"><parameter name="code">1</parameter></invoke>',
            "xml_tool_call",
        ),
        ("<|python_tag|>print(1)", "xml_tool_call"),
        ('{"name": "repl", "arguments": {"code": "print(1)"}}', "json_tool_call"),
        ('```json\n{"tool": "repl", "input": "print(1)"}\n```', "json_tool_call"),
        ("The answer is clear.\nFINAL(Mira Vale)", "final_in_prose"),
        ("**FINAL_VAR(result)**", "final_in_prose"),
    ],
)
def test_each_problem_has_its_name(reply: str, problem: str) -> None:
    found = extract_blocks(reply)
    assert (found.blocks, found.problem) == ((), problem)


@pytest.mark.parametrize("reply", ["", "I will now", "<tool_call>", "```repl\nx = ("])
def test_a_cut_off_reply_is_called_so_whatever_it_holds(reply: str) -> None:
    assert extract_blocks(reply, "length").problem == "truncated"


def test_prose_about_tags_and_json_beside_code_is_no_problem() -> None:
    found = extract_blocks('Not <tool_call>, not {"name": 1, "arguments": 2}:\n```repl\nf()\n```')
    assert (len(found.blocks), found.problem, found.note) == (1, None, None)


def test_final_beside_a_block_is_noted_and_not_run() -> None:
    found = extract_blocks("```repl\nx = f()\n```\nFINAL(x)")
    assert [block.code for block in found.blocks] == ["x = f()"]
    assert found.note == "final_in_prose"


def test_final_in_the_middle_of_a_sentence_is_talk() -> None:
    assert extract_blocks("Next I will call FINAL(x) when sure.").problem == "prose"


# ---------------------------------------------------------------- the rlm dialect


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("FINAL_VAR(result)", 'FINAL_VAR("result")'),
        ('FINAL_VAR("result")', 'FINAL_VAR("result")'),
        ("FINAL('Mira Vale')", "FINAL('Mira Vale')"),
        ('FINAL({"a": 1})', 'FINAL({"a": 1})'),
        ("FINAL(Mira Vale, it's said)", 'FINAL("Mira Vale, it\'s said")'),
        ("FINAL(Paris)", "FINAL(globals().get('Paris', 'Paris'))"),
        ("FINAL(str(total))", "FINAL(str(total))"),
        ("FINAL(one\ntwo)", "FINAL('one\\ntwo')"),
        ("FINAL()", "FINAL('')"),
    ],
)
def test_answer_line_becomes_a_cell(line: str, code: str) -> None:
    reply = f"All done.\n\n{line}\n"
    (block,) = extract_blocks(reply, dialect="rlm").blocks
    ast.parse(block.code)
    assert (block.code, block.tag) == (code, "final")
    assert reply[block.start : block.end].strip() == line


def test_answer_line_runs_after_the_blocks() -> None:
    found = extract_blocks("FINAL_VAR(x)\n```repl\nx = 1\n```", dialect="rlm")
    assert [block.code for block in found.blocks] == ["x = 1", 'FINAL_VAR("x")']


def test_answer_line_inside_a_fence_or_a_sentence_is_none() -> None:
    assert extract_blocks("```text\nFINAL_VAR(x)\n```", dialect="rlm").blocks == ()
    assert extract_blocks("Then I call FINAL_VAR(x) at last.", dialect="rlm").problem == "prose"


def test_recorded_replies_give_their_recorded_blocks(shared: Path) -> None:
    turns = [
        json.loads(line)
        for path in sorted((shared / "data" / "replay").glob("*/turns.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert turns
    for turn in turns:
        blocks = extract_blocks(turn["response"], dialect="rlm").blocks
        assert [b.code for b in blocks if b.tag != "final"] == [b["code"] for b in turn["blocks"]]
        assert any(b.tag == "final" for b in blocks) == ("\nFINAL_VAR(" in turn["response"])


# ---------------------------------------------------------------- properties

HOSTILE = {
    "backticks": "`" * 100_000,
    "lines of fences": "```\n" * 50_000,
    "openers": "```repl\n(\n" * 20_000,
    "open string and fences": "```repl\nx = '''\n" + "```\n" * 50_000,
    "broken blocks": "```repl\nx = (\n```\n" * 10_000,
    "glued ends": "```repl\n( ```\n" * 10_000,
    "parentheses": "```repl\n" + "(" * 200_000 + "\n```",
    "quotes": ">" * 100_000 + "\n```",
    "nested lists": "- " * 50_000 + "```",
    "deep lists": "\n".join(" " * n + "- x" for n in range(500)) + "\n```",
    "finals": "FINAL(" * 100_000,
    "final lines": "FINAL(\n" * 50_000,
    "tags": "<invoke " * 50_000,
    "a megabyte of prose": "All is well. " * 80_000,
    "a megabyte of spaces": " " * 1_000_000 + "```",
    "surrogates": "```repl\nx = '\ud800'\n```",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("dialect", ["distill", "rlm"])
def test_hostile_replies_end(name: str, dialect: str) -> None:
    found = extract_blocks(HOSTILE[name], dialect=dialect)  # type: ignore[arg-type]
    assert (found.problem is None) == bool(found.blocks)


def test_work_grows_no_faster_than_the_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    from distill_core.fences import rule

    parsed: list[int] = []
    judge = rule.verdict
    monkeypatch.setattr(rule, "verdict", lambda code: parsed.append(len(code)) or judge(code))  # type: ignore[func-returns-value]
    for name, reply in HOSTILE.items():
        parsed.clear()
        extract_blocks(reply)
        assert sum(parsed) <= 4 * len(reply) + 400_000, name


SOURCES = (
    st.lists(
        st.sampled_from(
            [
                "x = 1",
                "print(x)",
                "",
                "if x:\n    y = '''a\n```\nb'''",
                's = """\n~~~\n````\n"""',
                "# ``` not a fence",
                "for i in range(3):\n\tprint(i)",
                "t = 'naïve 中文 🎉'",
                "r = r'\\d'",
                "   ",
                "u = '''\n```repl\nv\n```\n'''",
            ]
        ),
        min_size=1,
        max_size=8,
    )
    .map("\n".join)
    .filter(lambda source: source.strip() != "")
)


@given(SOURCES, st.sampled_from("`~"), st.text(alphabet="ab c.\n", max_size=20))
def test_python_in_a_long_enough_fence_comes_back_equal(source: str, mark: str, prose: str) -> None:
    reply = f"{prose}\n{mark * 8}repl\n{source}\n{mark * 8}\n{prose}"
    assert codes(reply) == [source]


@given(SOURCES.filter(lambda source: not source.endswith("   ")))
def test_python_in_a_short_fence_comes_back_equal(source: str) -> None:
    assert codes(f"```repl\n{source}\n```\nThat is all of it, isn't it?") == [source]


@given(st.text(), st.sampled_from([None, "stop", "length"]), st.sampled_from(["distill", "rlm"]))
def test_any_reply_has_either_blocks_or_a_problem(text: str, finish_reason: str | None, dialect: str) -> None:
    found = extract_blocks(text, finish_reason, dialect=dialect)  # type: ignore[arg-type]
    assert (found.problem is None) == bool(found.blocks)
    assert found.problem is None or found.problem in get_args(Problem)
    assert all(0 <= block.start < block.end <= len(text) for block in found.blocks)


@given(
    st.lists(
        st.sampled_from(["```", "```repl", "~~~", "x = 1", "'''", "> ", "- ", "   ", "words", "\r"]),
        max_size=30,
    )
)
def test_any_mix_of_fences_has_places_in_order(parts: list[str]) -> None:
    text = "\n".join(parts)
    blocks = extract_blocks(text).blocks
    assert [block.start for block in blocks] == sorted(block.start for block in blocks)
    assert all(a.end <= b.start for a, b in pairwise(blocks))


def test_no_warning_of_the_parser_gets_out() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert codes("```repl\nprint('\\d')\n```") == ["print('\\d')"]
