"""The REPL's variables and what a scratch cell came to, as lines."""

from __future__ import annotations

from collections.abc import Sequence

from distill_core.repl import CellResult, Variable
from tui.highlight import python_lines
from tui.lines import Line, pad, roled
from tui.live import words

NAME, KIND, SIZE = 22, 12, 9


def variable_lines(variables: Sequence[Variable]) -> list[Line]:
    """A row a variable: name, type, size, how its value begins."""
    if not variables:
        return [(("The cells have made no variables yet.", "muted"),)]
    head = pad("name", NAME) + pad("type", KIND) + pad("size", SIZE, right=True) + "  value"
    return [((head, "muted"),), *(_variable(one) for one in variables)]


def _variable(one: Variable) -> Line:
    size = f"{one.size:,}" if one.size is not None else ""
    return (
        (pad(one.name, NAME), "heading"),
        (pad(one.type, KIND), ""),
        (pad(size, SIZE, right=True), "muted"),
        (f"  {' '.join(one.preview.split())}", ""),
    )


def scratch_lines(code: str, result: CellResult | None, error: str = "") -> list[Line]:
    """What was tried and what came of it; `result` None while it runs, or where `error` says why not."""
    lines: list[Line] = [
        ((">>> " if not at else "... ", "key"), *line)
        for at, line in enumerate(python_lines(code.rstrip("\n")))
    ]
    if error:
        return [*lines, *roled(f"✗ {error}", "error")]
    if result is None:
        return [*lines, (("▸ running", "active"),)]
    for stream, text in result.output:
        lines += roled(text.rstrip("\n"), "error" if stream == "stderr" else "")
    if result.traceback:
        lines += roled(result.traceback.rstrip("\n"), "error")
    if result.final is not None:
        lines += roled(f"FINAL here ends nothing: {result.final.text}", "warn")
    mark = words.CELL[result.status]
    if result.status != "ok":
        lines.append(((mark.text, mark.role),))
    return lines
