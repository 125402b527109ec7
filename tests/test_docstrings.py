"""Names of modules that docstrings point to are names of something that is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("distill_core", "sessions", "themes", "tui")
FILES = [path.relative_to(ROOT) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
MODULES = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
OUTSIDE = ("vllm.",)
"""Packages of others whose name a module has too."""

POINTER = re.compile(r"`((?:[a-z_]\w*\.)+[A-Za-z_]\w*)`")


def docstrings(path):
    """The texts that stand as expressions of their own."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)) if POINTER.search(text) else ():
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


@cache
def names(module):
    """What stands at the top of a module."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / MODULES[module]).read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.Name(ctx=ast.Store()):
                found.add(node.id)
            case ast.ImportFrom() | ast.Import():
                found |= {alias.asname or alias.name for alias in node.names}
    return found


def leads_somewhere(pointer):
    """Whether a dotted name that begins with a module of the project, by its whole name or its last, is there."""
    if pointer.endswith(".py"):
        return any(path.name == pointer for path in FILES)
    if pointer.endswith((".json", ".jsonl", ".toml")) or pointer.startswith(OUTSIDE):
        return True
    head, *rest = pointer.split(".")
    candidates = [module for module in MODULES if head == module or module.endswith("." + head)]
    return not candidates or any(_there(module, rest) for module in candidates)


def _there(module, rest):
    if not rest:
        return True
    return (
        _there(f"{module}.{rest[0]}", rest[1:])
        if f"{module}.{rest[0]}" in MODULES
        else rest[0] in names(module)
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_every_pointer_of_a_docstring_leads_somewhere(package):
    lost = {
        f"{path}: {pointer}"
        for path in FILES
        if path.parts[0] == package
        for text in docstrings(path)
        for pointer in POINTER.findall(text)
        if not leads_somewhere(pointer)
    }
    assert lost == set()


def test_a_pointer_to_nothing_is_noticed():
    assert leads_somewhere("tui.text.clean")
    assert leads_somewhere("state.apply")
    assert not leads_somewhere("tui.parts")
    assert not leads_somewhere("state.turn")
    assert not leads_somewhere("no_such_file.py")
