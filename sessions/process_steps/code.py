"""Tool calls in the code of this program's own traces: the functions of the REPL, by the syntax tree, exactly."""

from __future__ import annotations

import ast
from collections.abc import Collection

from sessions.process_steps.calls import Call, call_of

TOOLS = frozenset({"worker", "worker_batch", "FINAL"})
"""Tools that every session has; primitives come on top."""


def code_calls(code: str, start: int = 0, tools: Collection[str] = TOOLS) -> list[Call]:
    """The calls of `tools` in a block of Python, in the order in which they stand; none where it is not Python.

    Args:
        code: the block.
        start: where it stands in the text that the spans are to count in.
        tools: names of functions.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = [
        call_of(node, code, node.func.id, start)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in tools
    ]
    return sorted(found, key=lambda call: (call.span.start, -call.span.end))
