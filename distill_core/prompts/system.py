"""The system prompt: picks the template by dialect and style, and fills its variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from distill_core.prompts.compact import COMPACT_PROMPT, GATE, PIECE, RLM_COMPACT_PROMPT
from distill_core.prompts.full import RLM_SYSTEM_PROMPT, SYSTEM_PROMPT
from distill_core.prompts.primitives import Dialect, primitives_section

__all__ = ["SYSTEM_PROMPT", "build_system_prompt", "worker_chunk"]

Style: TypeAlias = Literal["full", "compact"]

CHARS_PER_TOKEN = 3.5
"""English prose runs at about four characters a token; tables, code and names at fewer."""

PIECE_SHARE = 0.75
"""What of a worker's window a piece of the document may fill; the rest is for question and reply."""

_TEMPLATES: dict[tuple[str, str], str] = {
    ("distill", "full"): SYSTEM_PROMPT,
    ("distill", "compact"): COMPACT_PROMPT,
    ("rlm", "full"): RLM_SYSTEM_PROMPT,
    ("rlm", "compact"): RLM_COMPACT_PROMPT,
}


def build_system_prompt(
    worker_ctx_k: float = 8,
    output_limit: int = 2000,
    primitives: Mapping[str, Callable[..., Any]] | None = None,
    *,
    style: Style = "full",
    dialect: Dialect = "distill",
) -> str:
    """The supervisor's instructions.

    Args:
        worker_ctx_k: the worker's context window, in thousands of tokens.
        output_limit: characters of REPL output that the supervisor is shown of each cell.
        primitives: further functions of the REPL by name; each is described from its signature and docstring.
        style: "compact" is short and rests on a worked example, for small models.
        dialect: "rlm" offers the names that RLM-trained models were taught, beside ours.

    Raises:
        ValueError: an unknown style or dialect, or a window or limit that is not positive.
    """
    template = _TEMPLATES.get((dialect, style))
    if template is None:
        raise ValueError(f"no prompt of style {style!r} in dialect {dialect!r}")
    if output_limit <= 0:
        raise ValueError(f"output_limit must be positive, not {output_limit}")
    # str.format reads braces in the template alone: what is filled in may hold any.
    return template.format(
        worker_ctx=f"{worker_ctx_k:g}",
        worker_chunk=str(worker_chunk(worker_ctx_k)),
        piece=str(min(worker_chunk(worker_ctx_k), PIECE)),
        gate=GATE if "worker_yes" in (primitives or {}) else "",
        output_limit=str(output_limit),
        primitives=primitives_section(primitives, dialect=dialect),
    )


def worker_chunk(worker_ctx_k: float) -> int:
    """Characters of the document that fit into one worker prompt, to two figures: 21000 for a window of 8k.

    Raises:
        ValueError: the window is not positive.
    """
    if not worker_ctx_k > 0:
        raise ValueError(f"worker_ctx_k must be positive, not {worker_ctx_k}")
    chars = int(worker_ctx_k * 1000 * CHARS_PER_TOKEN * PIECE_SHARE)
    step: int = 10 ** max(len(str(chars)) - 2, 0)
    return max(chars // step * step, 1)
