"""From a reply to the blocks that run: which fences are code, which are talk, and what is wrong.

- `repl`, `python` and `py` blocks run, in order. Blocks of another tag (`json`, `output`, …) never do.
- Blocks without a tag run only where no block has one of those tags, and only if they are programs: what a
  model shows in a bare fence after its code is the output it imagines.
- What stands inside a leading `<think>…</think>` is thought, not code.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from distill_core.fences.problems import FINAL_LINE, Problem, diagnose
from distill_core.fences.rule import CODE_TAGS, Fence, find_fences
from distill_core.fences.source import is_program, parse
from distill_core.fences.unfenced import unfenced_final

# CommonMark's line ending: https://spec.commonmark.org/0.31.2/#line-ending
_LINE_END = re.compile(r"\r\n?|\n")
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
    body = text[offset:]
    fences = find_fences(body, truncated=truncated)
    if not any(fence.tag in CODE_TAGS for fence in fences) and _INDENTED_FENCE.search(body):
        fences = find_fences(body, truncated=truncated, indented=True) or fences
    lines = _Lines(body)
    code = _code_fences(fences)
    left_open = [fence for fence in code if not fence.closed and not _runs_open(fence, truncated)]
    whole = [fence for fence in code if fence not in left_open] if left_open else code
    blocks = [_block(fence, lines, offset) for fence in whole if fence.content.strip()]
    prose = lines.without(fences)
    if dialect == "rlm" and not left_open:
        blocks += _final_blocks(prose, offset)
    if blocks:
        return Extraction(tuple(blocks), None, _note(prose, truncated, bool(left_open), dialect))
    problem = diagnose(
        body,
        prose,
        truncated=truncated,
        unclosed=bool(left_open),
        blank=any(not fence.content.strip() for fence in code),
        fenced=bool(fences),
    )
    return Extraction((), problem)


def _thought(text: str) -> int:
    """Offset behind a leading `<think>…</think>`, 0 where there is none."""
    begin = len(text) - len(text.lstrip())
    if not text.startswith("<think>", begin):
        return 0
    end = text.find("</think>", begin)
    return 0 if end < 0 else end + len("</think>")


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
