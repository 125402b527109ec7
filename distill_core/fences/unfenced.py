"""The answer line of the rlm dialect: `FINAL(…)` or `FINAL_VAR(name)` in plain text, turned into code.

Models taught that dialect end a run in prose. `FINAL_VAR` names a variable; `FINAL` holds the answer itself,
most often as bare words that are no Python at all.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

_VARIABLE = re.compile(r"^[ \t]*FINAL_VAR\([ \t]*[\"'`]?([^\W\d]\w*)[\"'`]?[ \t]*\)[ \t]*\r?$", re.MULTILINE)
_ANSWER = re.compile(r"^[ \t]*FINAL\(([^\n]*)\)[ \t]*\r?$", re.MULTILINE)
_LONG_ANSWER = re.compile(r"^[ \t]*FINAL\(", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """`code` for what stands at `start` to `end` of the text."""

    code: str
    start: int
    end: int


def unfenced_final(prose: str) -> Found | None:
    """The first answer line in `prose`, a variable before a text; None where there is none."""
    if named := _VARIABLE.search(prose):
        # Quoted, so that the name is looked up rather than the value used as a name.
        return Found(f'FINAL_VAR("{named[1]}")', named.start(), named.end())
    if given := _ANSWER.search(prose):
        return Found(_answer(given[1]), given.start(), given.end())
    if opened := _LONG_ANSWER.search(prose):
        end = prose.rstrip().rfind(")")
        if end >= opened.end() and prose[end + 1 :].strip() == "":
            return Found(_answer(prose[opened.end() : end]), opened.start(), end + 1)
    return None


def _answer(inside: str) -> str:
    """FINAL with `inside` as Python where it is a value or a call, as text where it is words."""
    inside = inside.strip()
    try:
        value = ast.parse(inside, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return f"FINAL({inside!r})"
    if isinstance(value, ast.Name):
        # `FINAL(Paris)` is a word, `FINAL(result)` most likely a variable: whether it exists decides.
        return f"FINAL(globals().get({inside!r}, {inside!r}))"
    nodes = list(ast.walk(value))
    computed = any(
        isinstance(node, ast.Call | ast.JoinedStr | ast.Subscript | ast.Attribute) for node in nodes
    )
    if computed or not any(isinstance(node, ast.Name) for node in nodes):
        return f"FINAL({inside})"
    return f"FINAL({inside!r})"
