"""Python and model replies as lines with roles. Display only: what runs is decided elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.lexers.python import PythonLexer
from pygments.token import Token, _TokenType

from tui.lines import Line, Span, line_ends, roled, split_lines

LONGEST_LEXED = 50_000
"""Characters of code that are coloured; lexing longer text would hold up the screen."""

_ROLES: tuple[tuple[_TokenType, str], ...] = (
    (Token.Comment, "comment"),
    (Token.Keyword, "keyword"),
    (Token.Operator.Word, "keyword"),
    (Token.Literal.String, "string"),
    (Token.Literal.Number, "number"),
    (Token.Name.Function, "function"),
    (Token.Name.Class, "function"),
    (Token.Name.Builtin, "builtin"),
    (Token.Name.Exception, "builtin"),
    (Token.Name.Decorator, "function"),
)
_lexer = PythonLexer(stripnl=False, ensurenl=False)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")


def python_lines(code: str) -> list[Line]:
    """Code as coloured lines."""
    text = "\n".join(split_lines(line_ends(code)))
    if len(text) > LONGEST_LEXED:
        return roled(line_ends(code))
    lines: list[list[Span]] = [[]]
    for kind, value in _lexer.get_tokens(text):
        role = _role(kind)
        for index, piece in enumerate(value.split("\n")):
            if index:
                lines.append([])
            if piece:
                lines[-1].append((piece, role))
    return [tuple(line) for line in lines]


def _role(kind: _TokenType) -> str:
    for group, role in _ROLES:
        if kind in group:  # type: ignore[comparison-overlap]  # a token type holds its subtypes
            return role
    return ""


def parts(reply: str) -> Iterator[tuple[bool, str]]:
    """The reply in order as (is code, text), cut at its fences; an open fence at the end counts as code.

    Fence lines themselves belong to neither. Made for a reply that is still being written.
    """
    block: list[str] = []
    fence = ""
    for line in line_ends(reply).split("\n"):
        found = _FENCE.match(line)
        opens = found is not None and not fence
        closes = found is not None and bool(fence) and _closes(found, fence)
        if opens or closes:
            if any(piece.strip() for piece in block):
                yield bool(fence), "\n".join(block)
            block = []
            fence = found.group(1) if opens and found else ""
        else:
            block.append(line)
    if any(piece.strip() for piece in block):
        yield bool(fence), "\n".join(block)


def _closes(found: re.Match[str], fence: str) -> bool:
    return found.group(1)[0] == fence[0] and len(found.group(1)) >= len(fence) and not found.group(2).strip()
