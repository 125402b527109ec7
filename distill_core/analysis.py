"""What can be told of a cell without running it: imports, names it uses, worker calls it is seen to make."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable

import msgspec

WORKER_NAMES = frozenset(
    {"worker", "worker_batch", "worker_yes", "llm_query", "llm_query_batched", "rlm_query"}
)
SCAFFOLD = WORKER_NAMES | {"context", "query", "FINAL", "FINAL_VAR", "SHOW_VARS", "budget", "answer"}
HARMLESS_MODULES = frozenset(
    {
        "bisect", "collections", "copy", "csv", "dataclasses", "datetime", "decimal", "difflib", "enum",
        "fractions", "functools", "hashlib", "heapq", "html", "io", "itertools", "json", "math", "operator",
        "random", "re", "statistics", "string", "textwrap", "time", "typing", "unicodedata",
    }
)  # fmt: skip
SUSPECT_NAMES = frozenset(
    {"open", "exec", "eval", "compile", "__import__", "input", "breakpoint", "globals", "locals", "vars"}
    | {"setattr", "delattr", "getattr", "memoryview", "help", "exit", "quit"}
)

LEADING_OUT = frozenset(
    {"bltns", "builtins", "codecs", "contextlib", "copyreg", "inspect", "sys", "types", "warnings"}
    | {"FileIO", "open_code", "file_digest", "attrgetter", "methodcaller", "get_type_hints", "make_dataclass"}
)
"""What harmless modules hold that is not: other modules, files, and ways to names and code made of text."""
_OF_NAMED_TUPLES = frozenset({"_asdict", "_replace", "_fields", "_make"})


class CodeAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """A reading of one cell.

    Args:
        imports: top-level modules it imports.
        assigns: names it binds at its top level.
        uses: names it reads that it neither binds nor finds among the builtins.
        worker_calls: worker calls it makes at most, or None where that depends on a loop or a batch.
        suspects: what keeps it from counting as harmless, each named.
        error: the syntax error, if it does not parse.
    """

    imports: tuple[str, ...] = ()
    assigns: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    worker_calls: int | None = 0
    suspects: tuple[str, ...] = ()
    error: str | None = None

    @property
    def harmless(self) -> bool:
        """Whether it parses and only uses known-harmless modules and names."""
        return not self.suspects and self.error is None


class Unparsed(msgspec.Struct, frozen=True, kw_only=True):
    """Why code does not parse, and where: `line` and `column` from 1."""

    why: str
    line: int = 1
    column: int = 1


def unparsed(code: str) -> Unparsed | None:
    """What keeps `code` from being parsed; None where nothing does."""
    try:
        ast.parse(code)
    except SyntaxError as error:
        return Unparsed(why=error.msg, line=error.lineno or 1, column=max(1, error.offset or 1))
    except (ValueError, RecursionError, MemoryError) as error:
        return Unparsed(why=f"{type(error).__name__}: {error}")
    return None


def analyse(code: str) -> CodeAnalysis:
    """Read `code` without running it. Never raises: code that does not parse says so in `error`."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return CodeAnalysis(error=f"{type(error).__name__}: {error}", worker_calls=0)
    try:
        return _analyse(tree)
    except RecursionError as error:
        return CodeAnalysis(error=f"{type(error).__name__}: {error}", worker_calls=None)


def _analyse(tree: ast.Module) -> CodeAnalysis:
    imports: set[str] = set()
    bound: set[str] = set()
    read: set[str] = set()
    suspects: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                imports |= {alias.name.split(".")[0] for alias in node.names}
                bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            case ast.ImportFrom():
                imports.add((node.module or ".").split(".")[0])
                bound |= {alias.asname or alias.name for alias in node.names}
                suspects |= {alias.name for alias in node.names if _leads_out(alias.name)}
                suspects |= {alias.name for alias in node.names} & SUSPECT_NAMES
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case ast.Name(id="self"):
                suspects.add("rebinds self")
            case ast.Name(id=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.arg(arg=name):
                bound.add(name)
            case ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if _is_private(name):
                pass  # a class of the cell's own
            case ast.Attribute(attr=name) if _leads_out(name):
                suspects.add(name)
            case ast.Attribute(value=ast.Name(id="io"), attr="open"):
                suspects.add("open")
    suspects |= {f"import {name}" for name in imports - HARMLESS_MODULES}
    suspects |= read & SUSPECT_NAMES
    suspects |= {f"rebinds {name}" for name in bound & (SCAFFOLD - {"context", "query", "answer"})}
    return CodeAnalysis(
        imports=tuple(sorted(imports)),
        assigns=tuple(sorted(_top_level(tree.body))),
        uses=tuple(sorted(read - bound - set(dir(builtins)))),
        worker_calls=_worker_calls(tree),
        suspects=tuple(sorted(suspects)),
    )


def _leads_out(name: str) -> bool:
    """Whether an attribute of this name may be a way out of what is harmless; what is private may be anything."""
    return name in LEADING_OUT or (name.startswith("_") and name not in _OF_NAMED_TUPLES)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _top_level(body: Iterable[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
    return names


REPEATING = (
    ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
    ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef,
)  # fmt: skip


def _worker_calls(node: ast.AST, *, repeated: bool = False) -> int | None:
    """Calls seen at places that run at most once; None as soon as one stands where it may run more often.

    A worker that is used other than by calling it (passed to map, kept under another name) counts as unknown.
    """
    total = 0
    called: set[ast.AST] = set()
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORKER_NAMES:
        if repeated or node.func.id in ("worker_batch", "llm_query_batched", "worker_yes"):
            count = None if repeated else _batch_size(node)
            if count is None:
                return None
            total += count
        else:
            total += 1
        called.add(node.func)
    elif isinstance(node, ast.Name) and node.id in WORKER_NAMES and isinstance(node.ctx, ast.Load):
        return None
    for child in ast.iter_child_nodes(node):
        if child in called:
            continue
        count = _worker_calls(child, repeated=repeated or isinstance(node, REPEATING))
        if count is None:
            return None
        total += count
    return total


def _batch_size(call: ast.Call) -> int | None:
    """Prompts in a batch that is written out; None where it is computed."""
    first = call.args[0] if call.args else None
    if isinstance(first, ast.List | ast.Tuple) and not any(isinstance(e, ast.Starred) for e in first.elts):
        return len(first.elts)
    return None
