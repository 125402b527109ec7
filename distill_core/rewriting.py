"""A reply with the code that a person decided on in the place of its own, as if the supervisor had written that."""

from __future__ import annotations

import re
from collections.abc import Sequence

from distill_core.fences import Block

_TICKS = re.compile("`{3,}")


def with_codes(reply: str, blocks: Sequence[Block], codes: Sequence[str]) -> str:
    """`reply` with each of its `blocks` holding the code at the same place in `codes`.

    Blocks without a counterpart are taken out, codes without one follow the last block, so that the conversation
    that goes on shows what really ran.
    """
    pieces: list[str] = []
    at = 0
    for index, block in enumerate(blocks):
        pieces.append(reply[at : block.start])
        if index < len(codes):
            pieces.append(_fenced(codes[index]))
        at = block.end
    extra = [_fenced(code) for code in codes[len(blocks) :]]
    if extra and pieces and not "".join(pieces).endswith("\n"):
        pieces.append("\n")
    return "".join([*pieces, "\n".join(extra), reply[at:]])


def _fenced(code: str) -> str:
    longest = max((len(run) for run in _TICKS.findall(code)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}repl\n{code}\n{fence}\n"
