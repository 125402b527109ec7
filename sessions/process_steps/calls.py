"""Tool calls in a teacher's text, with the places of each name and of its arguments.

Forms: a JSON object with name and arguments (bare, in a list, fenced, in `<tool_call>` tags, or inside the
`tool_calls` of a chat completion, where the arguments are JSON in a string), and calls in Python's syntax by a name of
the registry. What looks like a call and is not valid is left out and counted, with all that stands in it. JSON is that
of RFC 8259, which knows no NaN, no comments and no single quotes; the literals of a Python call are Python's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from typing import Any, Literal, TypeAlias

import msgspec

from sessions.process_steps.text import Apart, Brackets, Member, Span, TooDeep, json_at, members, read_json

Form: TypeAlias = Literal["json", "tag", "python"]

NAME_KEYS = ("name", "tool_name", "tool", "function")
ARGUMENT_KEYS = ("arguments", "args", "parameters", "params", "kwargs", "input")

_OBJECT = re.compile(r"\{")
_BEFORE = r"""(?:["'][^"'\\]{1,40}["']\s*:\s*(?:"[^"\\]{0,200}"|'[^'\\]{0,200}'|[\w.+-]{1,40})\s*,\s*){0,8}"""
"""Members that may stand before those that tell a call: an id, a type."""
_KEYED = re.compile(r"\{\s*" + _BEFORE + r"[\"'](?:" + "|".join(NAME_KEYS + ARGUMENT_KEYS) + r")[\"']\s*:")
_EDGE = re.compile(r"</?tool_call>|```")
"""What no call reaches over, so that a broken one does not take the next with it."""
_TAG = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.S)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that stands in a text.

    Args:
        name: the tool.
        arguments: as decoded; for a Python call its keyword arguments, as source where they are no literals.
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
    if tool_names:
        taken = Apart(call.span for call in calls)
        calls += [c for c in _python_calls(text, tool_names) if not taken.hold(c.span)]
    calls.sort(key=lambda call: call.span)
    known = [c for c in calls if tool_names is None or c.name in tool_names]
    unknown = [c for c in calls if tool_names is not None and c.name not in tool_names]
    whole = Apart(c.span for c in calls)
    left_out = (i for i in invalid if not whole.touch(i.span))
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
    inside = [Span(*tag.span(1)) for tag in _TAG.finditer(text)]
    tags = Apart(inside)
    brackets = Brackets(text)
    calls: list[Call] = []
    bad: list[Invalid] = []
    at = 0
    while (opening := _OBJECT.search(text, at)) is not None:
        start = opening.start()
        at = start + 1  # a call may stand inside
        found = json_at(text, start)
        if found is None:
            if (keyed := _KEYED.match(text, start)) is not None:
                end = brackets.end(start)
                bad.append(Invalid(Span(start, end or keyed.end()), "not valid JSON"))
                at = end if end and not _EDGE.search(text, start, end) else at
            continue
        span = Span(start, found[1])
        call = _object_call(text, span, tags)
        if isinstance(call, Call):
            calls.append(call)
            at = span.end
        elif isinstance(call, Invalid):
            bad.append(call)
            at = span.end
    taken = Apart(call.span for call in calls)
    empty = [tag for tag in inside if not taken.touch(tag)]
    counted = Apart(empty)
    bad = [one for one in bad if not counted.hold(Span(one.span.start, one.span.start + 1))]
    bad += [
        Invalid(tag, "no valid call in the tag" if tag.of(text).strip() else "nothing in the tag")
        for tag in empty
    ]
    return calls, bad


def _object_call(text: str, span: Span, tags: Apart) -> Call | Invalid | None:
    """The call that an object is, or why it is none; None for an object that does not look like one."""
    parts = {member.key: member for member in members(text, span.start)}
    name = _first(parts, NAME_KEYS, str)
    arguments = _first(parts, ARGUMENT_KEYS, dict, str)
    if name is None or arguments is None or not name.value:
        return None
    where, value, escaped = arguments.span, arguments.value, False
    if isinstance(value, str):
        try:
            decoded = read_json(value)
        except TooDeep as error:
            return Invalid(span, str(error))
        except ValueError:
            return Invalid(span, "arguments that are not valid JSON") if value.lstrip()[:1] == "{" else None
        if not isinstance(decoded, dict):
            return None
        where, value, escaped = Span(where.start + 1, where.end - 1), decoded, True
    return Call(
        name=name.value,
        arguments=value,
        name_span=Span(name.span.start + 1, name.span.end - 1),
        argument_spans=(where,),
        span=span,
        form="tag" if tags.hold(span) else "json",
        escaped=escaped,
    )


def _first(parts: dict[str, Member], keys: tuple[str, ...], *kinds: type) -> Member | None:
    return next((parts[key] for key in keys if key in parts and isinstance(parts[key].value, kinds)), None)


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
        arguments={k.arg: _constant(k.value, places) for k in tree.keywords if k.arg is not None},
        name_span=name_span.moved(start),
        argument_spans=tuple(spans),
        span=places.of(tree).moved(start),
        form="python",
    )


class Places:
    """Turns the places of a syntax tree (lines, and bytes of UTF-8 in them) into characters of its source."""

    def __init__(self, source: str) -> None:
        self.source = source
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
        if self._lines[line - 1].isascii():
            return self._starts[line - 1] + byte
        before = self._lines[line - 1].encode("utf-8", "surrogatepass")[:byte]
        return self._starts[line - 1] + len(before.decode("utf-8", "surrogatepass"))


def _constant(node: ast.expr, places: Places) -> Any:
    """The value of a literal, the source of anything else."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return places.of(node).of(places.source)
