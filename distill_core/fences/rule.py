"""The markdown-it rules for fenced blocks and thoughts aloud: CommonMark's, with Python's parser deciding where code
ends.

CommonMark closes a block at the first line that is a closing fence. A program may hold such a line inside a
triple-quoted string; then the block goes on to the nearest closing fence that makes it parse. Where nothing
parses, CommonMark's own end stands, so that the syntax error can be seen.

Sources: https://spec.commonmark.org/0.31.2/#fenced-code-blocks and markdown-it-py's `rules_block/fence.py`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from distill_core.fences.source import Verdict, verdict

CODE_TAGS = frozenset({"", "repl", "python", "python3", "py"})

THOUGHT = "</think>"
"""The tag of what is no fence but a thought aloud: no fence can have it."""

_THOUGHT = re.compile(r"<(think|thinking)>", re.IGNORECASE)
_OPENER = re.compile(r"(`{3,})([^`\n]*)$|(~{3,})([^\n]*)$")
_CLOSER = re.compile(r"(`{3,}|~{3,})[ \t]*$")


@dataclass(frozen=True)
class Fence:
    """One fenced block: `tag` in lower case, `first` and `last` its lines (last excluded), fences included.

    `closed` says how it ended; `plain` that its lines are the source's own, with no list or quote around
    them.
    """

    tag: str
    content: str
    first: int
    last: int
    closed: bool
    plain: bool


@dataclass
class Findings:
    """What one pass collects, and what it may still spend: no reply costs more than its length deserves.

    Args:
        truncated: the reply was cut off, so nothing may be made of an open end.
        lines: closing fences may be looked for on this many more lines.
        chars: this many more characters may be parsed.
    """

    truncated: bool
    lines: int
    chars: int
    fences: list[Fence] = field(default_factory=list)


@dataclass(frozen=True)
class _End:
    """A way to end a block: reading goes on at line `next`; `closed` unless the text just stopped."""

    next: int
    content: str
    closed: bool


def find_fences(text: str, *, truncated: bool = False, indented: bool = False) -> list[Fence]:
    """All fenced blocks of `text`, in order, whatever their tag; and as THOUGHT what a line opens as a thought.

    Args:
        truncated: the text was cut off at its end.
        indented: take fences indented by four columns and more, which CommonMark reads as quoted text.
    """
    if "```" not in text and "~~~" not in text:
        return []
    findings = Findings(truncated, lines=8 * (text.count("\n") + 1) + 10_000, chars=3 * len(text) + 200_000)
    parser = _LENIENT if indented else _STRICT
    parser.parse(text, {"findings": findings})
    return findings.fences


def _parser(*, indented: bool) -> MarkdownIt:
    # Only the rules that decide where a fence may stand. HTML blocks are left out: a reply that opens with a
    # tag would otherwise hide the fences after it.
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.block.ruler.at("fence", _fence_rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    parser.block.ruler.before(
        "fence", "thought", _thought_rule, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    parser.block.ruler.enableOnly(
        ["thought", "fence", "blockquote", "hr", "list", "heading", "paragraph"]
        + ([] if indented else ["code"])
    )
    return parser


def _fence_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.is_code_block(start):
        return False
    opener = _OPENER.match(state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]])
    if opener is None:
        return False
    if silent:
        return True
    marker = opener[1] or opener[3]
    info = (opener[2] or opener[4] or "").strip()
    tag = info.strip("{}.").split()[0].lower() if info.strip("{}. ") else ""
    findings: Findings = state.env["findings"]
    found = _choose_end(state, start, end, marker, tag in CODE_TAGS, findings)
    state.line = found.next
    plain = state.level == 0 and state.sCount[start] == 0
    findings.fences.append(Fence(tag, found.content, start, state.line, found.closed, plain))
    state.push("fence", "code", 0).map = [start, state.line]
    return True


def _thought_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """What begins a line with `<think>` goes on to the line that ends the thought, fences and all."""
    opener = _THOUGHT.match(state.src, state.bMarks[start] + state.tShift[start], state.eMarks[start])
    if opener is None or state.is_code_block(start):
        return False
    if silent:
        return True
    findings: Findings = state.env["findings"]
    closer, line, closed = f"</{opener[1].lower()}>", start, False
    while line < end and not closed:
        closed = closer in state.src[state.bMarks[line] : state.eMarks[line]].lower()
        line += 1
    state.line = line
    findings.fences.append(Fence(THOUGHT, "", start, line, closed, False))
    state.push("fence", "code", 0).map = [start, line]
    return True


def _choose_end(
    state: StateBlock, start: int, end: int, marker: str, is_code: bool, findings: Findings
) -> _End:
    """The end by CommonMark unless the code wants another."""
    ends = _ends(state, start, end, marker, findings)
    first = next(ends)
    if not is_code:
        return first
    judged = _judge(first.content, findings)
    if judged == "ok" and first.content.strip():
        return first
    if judged == "open_string" and first.closed:
        return _past_the_string(ends, first, findings)
    return _forgiven(state, start, end, first, marker, findings) or first


def _past_the_string(ends: Iterator[_End], first: _End, findings: Findings) -> _End:
    """The nearest later end that parses; a reply cut off inside the string has none, and is left open."""
    for later in ends:
        judged = _judge(later.content, findings)
        if judged == "ok" and (later.closed or not findings.truncated):
            return later
        if judged != "open_string":
            return first  # a longer block would hold the same mistake
        if not later.closed and findings.truncated:
            return later
    return first


def _ends(state: StateBlock, start: int, end: int, marker: str, findings: Findings) -> Iterator[_End]:
    """Every line that could close the block, nearest first, and at last the end of what it stands in."""
    indent = state.sCount[start]
    line = start + 1
    while line < end and findings.lines >= 0:
        findings.lines -= 1
        if _leaves(state, line):
            break
        if _closes(state, line, marker):
            yield _End(line + 1, state.getLines(start + 1, line, indent, True), True)
        line += 1
    if findings.lines < 0:
        line = end
    yield _End(line, state.getLines(start + 1, line, indent, True), False)


def _leaves(state: StateBlock, line: int) -> bool:
    """Whether the list or quote around the block has ended at `line`."""
    return state.sCount[line] < state.blkIndent and not state.isEmpty(line)


def _closes(state: StateBlock, line: int, marker: str) -> bool:
    begin = state.bMarks[line] + state.tShift[line]
    if not state.src.startswith(marker, begin, state.eMarks[line]) or state.is_code_block(line):
        return False
    return _CLOSER.match(state.src[begin : state.eMarks[line]]) is not None


def _forgiven(
    state: StateBlock, start: int, end: int, first: _End, marker: str, findings: Findings
) -> _End | None:
    """Ends that CommonMark does not know but people read at once, each only where the code then parses."""
    for found in _forgivable(state, start, end, first, marker, findings):
        if found.content.strip() and _judge(found.content, findings) == "ok":
            return found
    return None


def _forgivable(
    state: StateBlock, start: int, end: int, first: _End, marker: str, findings: Findings
) -> Iterator[_End]:
    indent = state.sCount[start]
    if indent:
        # The fence is indented, as in a list, and the code is not indented with it.
        last = first.next - 1 if first.closed else _closer_below(state, first.next, end, marker, findings)
        if last is not None:
            lines = state.getLines(start + 1, last, 0, True)
            yield _End(last + 1, lines, True)
            yield _End(last + 1, textwrap.dedent(lines), True)
    for line in range(start + 1, first.next):
        findings.lines -= 1
        if findings.lines < 0:
            return
        begin = state.bMarks[line] + state.tShift[line]
        if state.src.startswith(marker, begin, state.eMarks[line]):
            # The next block opens and this one was never closed.
            yield _End(line, state.getLines(start + 1, line, indent, True), True)
            return
        if state.src[begin : state.eMarks[line]].rstrip().endswith(marker):
            # The closing fence stands behind the last line of code.
            lines = state.getLines(start + 1, line + 1, indent, True).rstrip()
            yield _End(line + 1, lines.rstrip(marker[0]) + "\n", True)


def _closer_below(state: StateBlock, line: int, end: int, marker: str, findings: Findings) -> int | None:
    while line < end and findings.lines >= 0:
        findings.lines -= 1
        if _closes(state, line, marker):
            return line
        line += 1
    return None


def _judge(content: str, findings: Findings) -> Verdict:
    findings.chars -= len(content)
    return "broken" if findings.chars < 0 else verdict(content)


_STRICT = _parser(indented=False)
_LENIENT = _parser(indented=True)
