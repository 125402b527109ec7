"""Questions about a piece of text as Python source: does it parse, why not, is it a program at all."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "open_string", "broken"]

# catch_warnings swaps a list of the whole process, so two threads must not do it at once.
_warnings_lock = threading.Lock()

_CODE_LINE = re.compile(
    r"^[ \t]*(?:import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import\b|def[ \t]+\w+[ \t]*\(|class[ \t]+\w+[ \t]*[:(]"
    r"|(?:for|while|if|with)\b[^\n]{1,200}:[ \t]*$|(?:print|FINAL|FINAL_VAR|worker|worker_batch)\("
    r"|\w+[ \t]*=[^=])",
    re.MULTILINE,
)


def parse(source: str) -> ast.Module | None:
    """The syntax tree of `source`, or None where it is not Python."""
    try:
        return _parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def verdict(source: str) -> Verdict:
    """Whether `source` parses, ends inside a triple-quoted string, or is broken in another way."""
    try:
        _parse(source)
    except SyntaxError as error:
        return "open_string" if "unterminated triple-quoted" in (error.msg or "") else "broken"
    except (ValueError, RecursionError, MemoryError):
        # NUL and lone surrogates are ValueErrors; absurd nesting is either of the others.
        return "broken"
    return "ok"


def is_program(source: str) -> bool:
    """Whether untagged `source` is meant to run, rather than being text or printed output.

    Bare values (`42`, `[1, 2]`, `Name: Mira`) are output. Source that does not parse counts when a line of it
    is plainly a statement, so that its author gets to see the syntax error.
    """
    tree = parse(source)
    if tree is None:
        return _CODE_LINE.search(source) is not None
    return any(not _is_value(statement) for statement in tree.body)


def _parse(source: str) -> ast.Module:
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _is_value(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.AnnAssign):
        return statement.value is None
    if not isinstance(statement, ast.Expr):
        return isinstance(statement, ast.Pass)
    return not any(
        isinstance(node, ast.Call | ast.Subscript | ast.Await) for node in ast.walk(statement.value)
    )
