"""Numbers and the code of a reply as people read them."""

from __future__ import annotations

import ast

import pytest

from distill_core.fences import extract_blocks
from tui.highlight import parts, python_lines
from tui.lines import plain
from tui.live import words
from tui.live.difference import difference_lines


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0"), (999, "999"), (1_000, "1.0k"), (9_949, "9.9k"), (9_950, "10k"), (1_500_000, "1.5M")],
)
def test_tokens(count: int, shown: str) -> None:
    assert words.tokens(count) == shown


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (0.32, "320ms"),
        (0.9996, "1.0s"),
        (4.21, "4.2s"),
        (12, "12s"),
        (59.6, "1m00s"),
        (72, "1m12s"),
        (7500, "2h05m"),
    ],
)
def test_seconds(span: float, shown: str) -> None:
    assert words.seconds(span) == shown


def test_a_reply_is_cut_at_its_fences() -> None:
    reply = "before\n```repl\na = 1\n```\nbetween\n~~~~\n```\n~~~~\nafter"
    assert list(parts(reply)) == [
        (False, "before"),
        (True, "a = 1"),
        (False, "between"),
        (True, "```"),
        (False, "after"),
    ]


def test_a_fence_that_is_still_open_is_code() -> None:
    assert list(parts("look:\n```python\nx = ")) == [(False, "look:"), (True, "x = ")]


def test_code_behind_a_carriage_return_is_shown_as_the_line_that_python_runs() -> None:
    code = "x = 1  # a note\rprint(x)\r\nx = 2"
    lines = python_lines(code)
    assert [plain(line) for line in lines] == ["x = 1  # a note", "print(x)", "x = 2"]
    assert len(lines) == len(ast.parse(code).body)
    assert lines[1][0][1] == "builtin"
    assert [plain(line) for line in difference_lines("x = 1", code, context=0)][1:] == [
        "- x = 1",
        "+ x = 1  # a note",
        "+ print(x)",
        "+ x = 2",
    ]


def test_a_block_between_carriage_returns_is_shown_as_the_block_that_is_run() -> None:
    reply = "look:\r```python\rx = 1\r```\rdone"
    assert list(parts(reply)) == [(False, "look:"), (True, "x = 1"), (False, "done")]
    assert [block.code for block in extract_blocks(reply).blocks] == ["x = 1"]


def test_colouring_changes_no_character() -> None:
    code = 'def f(x):\n\t"""Doc\n\n  more"""\n    return f"{x!r:>{10}}" # ünï\n\n\nclass A: pass\n'
    assert "\n".join(plain(line) for line in python_lines(code)) == code.replace("\t", "    ")


def test_code_is_coloured_by_role() -> None:
    roles = {role for line in python_lines("def f():\n    return len('a') # why\n1") for _, role in line}
    assert {"keyword", "function", "builtin", "string", "comment", "number"} <= roles
