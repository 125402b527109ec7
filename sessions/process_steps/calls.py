"""Tool calls in a teacher's text, with the places of each name and of its arguments.

Forms: a JSON object with name and arguments (bare, in a list, fenced, in `<tool_call>` tags, or inside the
`tool_calls` of a chat completion, where the arguments are JSON in a string), and calls in Python's syntax by a name of
the registry. What looks like a call and is not valid is left out and counted.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator
from typing import Any, Literal, TypeAlias

import msgspec

from sessions.process_steps.text import Brackets, Member, Span, json_at, members

Form: TypeAlias = Literal["json", "tag", "python"]

NAME_KEYS = ("name", "tool_name", "tool", "function")
ARGUMENT_KEYS = ("arguments", "args", "parameters", "params", "kwargs", "input")

_OBJECT = re.compile(r"\{")
_KEYED = re.compile(r"\{\s*[\"'](?:" + "|".join(NAME_KEYS + ARGUMENT_KEYS) + r")[\"']\s*:")
_TAG = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.S)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that stands in a text.

    Args:
        name: the tool.
        arguments: as decoded; for a Python call the constants among its keyword arguments.
        name_span: where the name stands, without quotes.
        argument_spans: where the arguments stand: one span of JSON, or for a Python call one an argument.
        span: the whole call.
        form: how it is written.
        escaped: the arguments are JSON inside a JSON string: their span holds it with its escapes.
    """

    name: str
    arguments: Any
    name_span: Span
    argument_spans: tuple[Span, ...]
    span: Span
    form: Form
    escaped: bool = False

    @property
    def valid_json(self) -> bool:
        """Whether what the argument spans hold is JSON as it stands."""
        return self.form != "python" and not self.escaped


class Invalid(msgspec.Struct, frozen=True):
    """What looks like a call and is none: where, and why."""

    span: Span
    why: str


class Found(msgspec.Struct, frozen=True):
    """The calls of a text in their order, what was left out, and calls of names that no registry knows.

    `code` is where code stands, which is no prose even where it calls nothing.
    """

    calls: tuple[Call, ...]
    invalid: tuple[Invalid, ...] = ()
    unknown: tuple[Call, ...] = ()
    code: tuple[Span, ...] = ()


def find_calls(text: str, tool_names: Collection[str] | None = None) -> Found:
    """Every tool call in `text`.

    Args:
        text: a teacher's reply.
        tool_names: the tools there are; a call of another is not among `calls` but `unknown`. None takes every name,
            and then finds no calls in Python's syntax, which only a name tells from prose.
    """
    calls, invalid = _json_calls(text)
    taken = [call.span for call in calls]
    if tool_names:
        calls += [c for c in _python_calls(text, tool_names) if not _within(c.span, taken)]
    calls.sort(key=lambda call: call.span)
    known = [c for c in calls if tool_names is None or c.name in tool_names]
    unknown = [c for c in calls if tool_names is not None and c.name not in tool_names]
    whole = [c.span for c in calls]
    left_out = (i for i in invalid if not any(_overlap(i.span, span) for span in whole))
    return Found(tuple(known), tuple(left_out), tuple(unknown))


def extract_tool_name_span(text: str, tool_names: Collection[str] | None = None) -> Span | None:
    """Where the name of the first tool call in `text` stands; None where nothing is called."""
    calls = find_calls(text, tool_names).calls
    return calls[0].name_span if calls else None


def extract_json_argument_spans(text: str, tool_names: Collection[str] | None = None) -> list[Span]:
    """Where the arguments of each tool call in `text` stand, in order, where they are JSON (also JSON in a string)."""
    calls = find_calls(text, tool_names).calls
    return [span for call in calls if call.form != "python" for span in call.argument_spans]


# ---------------------------------------------------------------- JSON


def _json_calls(text: str) -> tuple[list[Call], list[Invalid]]:
    tags = [Span(*tag.span(1)) for tag in _TAG.finditer(text)]
    calls: list[Call] = []
    at = 0
    while (opening := _OBJECT.search(text, at)) is not None:
        start = opening.start()
        found = json_at(text, start)
        if found is None or not isinstance(found[0], dict):
            at = start + 1
            continue
        call = _object_call(text, Span(start, found[1]), tags)
        if call is None:
            at = start + 1  # a call may stand inside
        else:
            calls.append(call)
            at = found[1]
    return calls, _invalid(text, tags, [call.span for call in calls])


def _object_call(text: str, span: Span, tags: list[Span]) -> Call | None:
    parts = {member.key: member for member in members(text, span.start)}
    name = _first(parts, NAME_KEYS, str)
    arguments = _first(parts, ARGUMENT_KEYS, dict, str)
    if name is None or arguments is None or not name.value:
        return None
    where, value, escaped = arguments.span, arguments.value, False
    if isinstance(value, str):
        decoded = _decoded(value)
        if not isinstance(decoded, dict):
            return None
        where, value, escaped = Span(where.start + 1, where.end - 1), decoded, True
    return Call(
        name=name.value,
        arguments=value,
        name_span=Span(name.span.start + 1, name.span.end - 1),
        argument_spans=(where,),
        span=span,
        form="tag" if _within(span, tags) else "json",
        escaped=escaped,
    )


def _first(parts: dict[str, Member], keys: tuple[str, ...], *kinds: type) -> Member | None:
    return next((parts[key] for key in keys if key in parts and isinstance(parts[key].value, kinds)), None)


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _invalid(text: str, tags: list[Span], taken: list[Span]) -> list[Invalid]:
    """Tags without a call in them, and objects that begin like a call and are no JSON."""
    bad = [
        Invalid(tag, "nothing in the tag" if not tag.of(text).strip() else "no valid call in the tag")
        for tag in tags
        if not any(_overlap(tag, span) for span in taken)
    ]
    brackets = Brackets(text)
    for opening in _KEYED.finditer(text):
        start = opening.start()
        if json_at(text, start) is None and not _within(Span(start, start + 1), [*tags, *taken]):
            bad.append(Invalid(Span(start, brackets.end(start) or opening.end()), "not valid JSON"))
    return bad


# ---------------------------------------------------------------- Python


def _python_calls(text: str, tool_names: Collection[str]) -> Iterator[Call]:
    named = "|".join(re.escape(name) for name in sorted(tool_names, key=len, reverse=True))
    brackets = Brackets(text)
    for opening in re.finditer(rf"(?<![\w.])({named})\(", text):
        end = brackets.end(opening.end() - 1)
        if end is None:
            continue
        source = text[opening.start() : end]
        try:
            tree = ast.parse(source, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if isinstance(tree, ast.Call):
            yield call_of(tree, source, opening[1], opening.start())


def call_of(tree: ast.Call, source: str, name: str, start: int) -> Call:
    """The call that `tree`, parsed from `source`, is; `start` is where the source stands in the text."""
    places = Places(source)
    values = [*tree.args, *(keyword.value for keyword in tree.keywords)]
    spans = sorted(places.of(value).moved(start) for value in values)
    name_span = places.of(tree.func)
    return Call(
        name=name,
        arguments={k.arg: _constant(k.value) for k in tree.keywords if k.arg is not None},
        name_span=name_span.moved(start),
        argument_spans=tuple(spans),
        span=places.of(tree).moved(start),
        form="python",
    )


class Places:
    """Turns the places of a syntax tree (lines, and bytes of UTF-8 in them) into characters of its source."""

    def __init__(self, source: str) -> None:
        # Lines as the parser counts them: not str.splitlines, which knows more ends of a line.
        self._lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", source)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def of(self, node: ast.expr) -> Span:
        """Where a node stands."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return Span(self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset))

    def _at(self, line: int, byte: int) -> int:
        before = self._lines[line - 1].encode("utf-8", "surrogatepass")[:byte]
        return self._starts[line - 1] + len(before.decode("utf-8", "surrogatepass"))


def _constant(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ast.unparse(node)


def _within(span: Span, others: Collection[Span]) -> bool:
    return any(other.start <= span.start and span.end <= other.end for other in others)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
