"""From a reply to the blocks that run: which fences are code, which are talk, and what is wrong.

- `repl`, `python` and `py` blocks run, in order. Blocks of another tag (`json`, `output`, …) never do.
- Blocks without a tag run only where no block has one of those tags, and only if they are programs: what a
  model shows in a bare fence after its code is the output it imagines.
- What stands before `</think>` is thought, not code, whether or not the reply holds the tag that opens it (the
  model's template may have written that); so is all that follows a leading `<think>` without an end, and what a
  line that begins with `<think>` opens further down.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from distill_core.fences.problems import FINAL_LINE, Problem, diagnose
from distill_core.fences.rule import CODE_TAGS, THOUGHT, Fence, find_fences
from distill_core.fences.source import is_program, parse
from distill_core.fences.unfenced import unfenced_final

# CommonMark's line ending: https://spec.commonmark.org/0.31.2/#line-ending
_LINE_END = re.compile(r"\r\n?|\n")
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
_THOUGHT_OPENS = re.compile(rf"[\s{_INVISIBLE}]*<(think|thinking)>", re.IGNORECASE)
_THOUGHT_TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
_INVISIBLE_BEFORE_FENCE = re.compile(rf"^([ \t]*)([{_INVISIBLE}]+)((?:```|~~~)[^\r\n]*)", re.MULTILINE)
_INDENTED_FENCE = re.compile(r"^[ \t]+(?:```|~~~)", re.MULTILINE)


class Block(msgspec.Struct, frozen=True):
    """A piece of code to run: `text[start:end]` is where it stands in the reply, fences included.

    Args:
        code: the source, without the line end before the closing fence.
        start: offset of its first character in the reply.
        end: offset behind its last.
        tag: the language word of the fence in lower case; "" without one, "final" for a line outside any
            fence.
    """

    code: str
    start: int
    end: int
    tag: str


class Extraction(msgspec.Struct, frozen=True):
    """What a reply holds.

    Args:
        blocks: what to run, in order.
        problem: why there is nothing to run; None where there is.
        note: the name of a lesser fault in a reply that does run: "truncated" (its last block was cut off and
            is not among `blocks`), "unclosed", or "final_in_prose" (FINAL outside a block, which counts for
            nothing).
    """

    blocks: tuple[Block, ...]
    problem: Problem | None = None
    note: Problem | None = None


def extract_blocks(
    text: str, finish_reason: str | None = None, *, dialect: Literal["distill", "rlm"] = "distill"
) -> Extraction:
    """The code in a supervisor's reply.

    Args:
        text: the reply.
        finish_reason: why the model stopped, as the server says; "length" means that it was cut off.
        dialect: in "rlm" a line `FINAL(…)` or `FINAL_VAR(name)` outside any fence is an answer, and runs
            last.
    """
    truncated = finish_reason == "length"
    offset = _thought(text)
    if offset is None:
        return Extraction((), "unclosed_thought")
    # Moved to the end of the line, so that offsets hold.
    body = _INVISIBLE_BEFORE_FENCE.sub(lambda m: m[1] + m[3] + " " * len(m[2]), text[offset:])
    fences = find_fences(body, truncated=truncated)
    if not any(fence.tag in CODE_TAGS for fence in fences) and _INDENTED_FENCE.search(body):
        fences = find_fences(body, truncated=truncated, indented=True) or fences
    lines = _Lines(body)
    thoughts = [fence for fence in fences if fence.tag == THOUGHT]
    code = _code_fences(fences)
    left_open = [fence for fence in code if not fence.closed and not _runs_open(fence, truncated)]
    whole = [fence for fence in code if fence not in left_open] if left_open else code
    blocks = [_block(fence, lines, offset) for fence in whole if fence.content.strip()]
    prose = lines.without(fences)
    if dialect == "rlm" and not left_open:
        blocks += _final_blocks(prose, offset)
    if blocks:
        return Extraction(tuple(blocks), None, _note(prose, truncated, bool(left_open), dialect))
    if any(not thought.closed for thought in thoughts):
        return Extraction((), "unclosed_thought")
    problem = diagnose(
        body,
        prose,
        truncated=truncated,
        unclosed=bool(left_open),
        blank=any(not fence.content.strip() for fence in code),
        fenced=len(fences) > len(thoughts),
    )
    return Extraction((), problem)


def _thought(text: str) -> int | None:
    """Offset behind the thought that `text` begins with, 0 where there is none, None where it never ends."""
    opened = _THOUGHT_OPENS.match(text)
    if opened:
        end = re.compile(f"</{opened[1]}>", re.IGNORECASE).search(text, opened.end())
        return end.end() if end else None
    first = _THOUGHT_TAG.search(text)
    return first.end() if first and first[1] and not _quoted(text, first.start()) else 0


def _quoted(text: str, place: int) -> bool:
    """Whether `place` stands within a whole block, as a string does that a program looks for."""
    lines = _Lines(text)
    return any(
        lines.start(fence.first) <= place < lines.start(fence.last)
        and (fence.tag not in CODE_TAGS or parse(fence.content) is not None)
        for fence in find_fences(text)
        if fence.closed
    )


def _code_fences(fences: list[Fence]) -> list[Fence]:
    tagged = [fence for fence in fences if fence.tag and fence.tag in CODE_TAGS]
    if tagged:
        return tagged
    return [
        fence
        for fence in fences
        if not fence.tag and (not fence.content.strip() or is_program(fence.content))
    ]


def _runs_open(fence: Fence, truncated: bool) -> bool:
    """Whether a block that is never closed may run: the model was done, and what is there is Python."""
    return not truncated and parse(fence.content) is not None


def _block(fence: Fence, lines: _Lines, offset: int) -> Block:
    code = lines.as_written(fence) if fence.plain else fence.content
    ending = "\r\n" if code.endswith("\r\n") else code[-1:] if code.endswith(("\n", "\r")) else ""
    return Block(
        code.removesuffix(ending),
        offset + lines.start(fence.first),
        offset + lines.start(fence.last),
        fence.tag,
    )


def _final_blocks(prose: str, offset: int) -> list[Block]:
    found = unfenced_final(prose)
    return [] if found is None else [Block(found.code, offset + found.start, offset + found.end, "final")]


def _note(prose: str, truncated: bool, left_open: bool, dialect: str) -> Problem | None:
    if left_open:
        return "truncated" if truncated else "unclosed"
    if dialect != "rlm" and FINAL_LINE.search(prose):
        return "final_in_prose"
    return None


class _Lines:
    """A text by its lines, as the Markdown parser counts them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
        self._rewritten = "\r" in text or "\0" in text

    def start(self, line: int) -> int:
        """Offset of the first character of `line`; the text's end for a line behind it."""
        return self._starts[line] if line < len(self._starts) else len(self._text)

    def as_written(self, fence: Fence) -> str:
        """The content of a fence with its own line ends and NULs, which the Markdown parser replaces."""
        if not self._rewritten:
            return fence.content
        begin = self.start(fence.first + 1)
        last = fence.first + 1 + fence.content.count("\n")
        written = self._text[begin : self.start(last)]
        return (
            written
            if _LINE_END.sub("\n", written).replace("\0", "\ufffd") == fence.content
            else fence.content
        )

    def without(self, fences: list[Fence]) -> str:
        """The text with every fenced block turned into line ends, at its old length so that offsets hold."""
        parts, at = [], 0
        for fence in fences:
            begin, end = self.start(fence.first), self.start(fence.last)
            parts += [self._text[at:begin], "\n" * (end - begin)]
            at = end
        return "".join(parts) + self._text[at:]
