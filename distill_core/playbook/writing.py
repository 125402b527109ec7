"""Composing a program: a heading, its imports, the settings a person may turn, the functions it uses, and its steps."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from pprint import pformat
from typing import Any

REPORT = "PLAYBOOK"
"""Starts the line of JSON by which a program tells what it did; `next` in it names what it suggests to do next."""

OPENING = "playbook, no model"
"""Starts every reply, followed by the names of its strategies in brackets."""

_WIDTH = 100


def compose(
    name: str,
    about: str,
    *,
    settings: Sequence[tuple[str, object, str]],
    parts: Sequence[Callable[..., Any]],
    steps: str,
) -> str:
    """A complete program.

    Args:
        about: what it does, one line for its heading.
        settings: (NAME, value, comment), written as assignments. A value of type `Code` is written as it stands.
        parts: functions whose source the program carries.
        steps: what it does at top level.
    """
    body = "\n\n\n".join(textwrap.dedent(inspect.getsource(part)).strip() for part in parts)
    lines = [_setting(*setting) for setting in settings]
    steps = textwrap.dedent(steps).strip()
    top = [f"# playbook: {name}\n# {about}", _imports(body + "\n" + steps), "\n".join(lines)]
    return "\n\n\n".join(part for part in ["\n\n".join(t for t in top if t), body, steps] if part) + "\n"


class Code(str):
    """A setting's value that is code, not a string."""

    __slots__ = ()


def _setting(name: str, value: object, comment: str) -> str:
    written = (
        str(value)
        if isinstance(value, Code)
        else pformat(value, width=_WIDTH, compact=True, sort_dicts=False)
    )
    line = f"{name} = {written}  # {comment}"
    return f"# {comment}\n{name} = {written}" if "\n" in written or len(line) > _WIDTH else line


_FROM = {"Callable": "collections.abc", "Any": "typing"}
_MODULES = ("json", "math", "re", "unicodedata")


def _imports(code: str) -> str:
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    lines = [f"import {module}" for module in _MODULES if module in used]
    return "\n".join(
        lines + [f"from {module} import {name}" for name, module in _FROM.items() if name in used]
    )
