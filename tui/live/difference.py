"""What changed between two pieces of code, as lines: a sign in front of each, never colour alone."""

from __future__ import annotations

from distill_core.revision import unified
from tui.lines import Line, line_ends, split_lines

_ROLES = {"+": "ok", "-": "error", "@": "muted", " ": ""}


def difference_lines(before: str, after: str, *, context: int = 3, indent: str = "") -> list[Line]:
    """A unified diff from `before` to `after`, `context` equal lines around each change."""
    lines: list[Line] = []
    for line in unified(line_ends(before), line_ends(after), context=context):
        sign = line[:1]
        if sign == "@":
            lines.append(((indent + line.strip(), "muted"),))
            continue
        shown = split_lines(line[1:])[0] if line[1:] else ""
        lines.append(((f"{indent}{sign} ", _ROLES.get(sign, "")), (shown, _ROLES.get(sign, ""))))
    return lines or [((f"{indent}no line changed", "muted"),)]
