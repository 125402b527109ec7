"""The prompt's section on what code may use: the names of the REPL, and a line a registered primitive.

A primitive's line is made from its own signature and the first paragraph of its docstring, so that what the
supervisor reads is what the author wrote.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from distill_core.text import encodable

Dialect: TypeAlias = Literal["distill", "rlm"]

_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-fA-F]+>")

_NAMES: tuple[tuple[str, str], ...] = (
    ("context", "The whole document: a str, a list or a dict, as the first message says."),
    ("query", "The question, a str."),
    (
        "worker(prompt)",
        "Sends one prompt to the worker model and returns its reply, a str. A failed call raises WorkerError.",
    ),
    (
        'worker_batch(prompts, errors="return")',
        "Sends many prompts at once, in parallel, and returns as many results, in the same order. A call "
        'that failed is a WorkerError in its place, not a str; errors="raise" raises the first failure.',
    ),
    ("budget()", "Returns a dict of what is left: turns, worker calls, tokens, money, seconds."),
)

_FINAL = (
    ("FINAL(answer)", "Ends the run with this answer. It counts only when a block runs it, never in prose."),
)
_RLM_FINAL = (("FINAL(answer)", "Ends the run with this answer."),)

_RLM_NAMES: tuple[tuple[str, str], ...] = (
    ("llm_query(prompt)", "Sends one prompt to the sub-model and returns its reply, a str."),
    (
        "llm_query_batched(prompts)",
        "Sends many prompts at once, in parallel, and returns as many replies, in the same order.",
    ),
    ("rlm_query(prompt)", "The same as llm_query: one plain call, no REPL of its own."),
    (
        "FINAL_VAR(name)",
        'Ends the run with the value of a variable: FINAL_VAR("result"). The variable must exist by then.',
    ),
    ("SHOW_VARS()", "Returns the names and types of the variables that you have made."),
    (
        "answer",
        'A dict: put the answer into answer["content"], then set answer["ready"] = True to end the run.',
    ),
)


def primitives_section(
    primitives: Mapping[str, Callable[..., Any]] | None = None, *, dialect: Dialect = "distill"
) -> str:
    """A list of everything that code in the REPL may use, one item a name, in a fixed order.

    Args:
        primitives: the caller's own, by the name they have in the REPL; listed last, in the mapping's order.
        dialect: "rlm" adds the names that models of that family were taught.
    """
    names = list(_RLM_NAMES + _NAMES + _RLM_FINAL if dialect == "rlm" else _NAMES + _FINAL)
    known = {usage.split("(")[0] for usage, _ in names}
    for name, function in (primitives or {}).items():
        if name not in known:
            names.append((name + signature_of(function), summary_of(function)))
    return "\n".join(f"- `{usage}`: {text}" if text else f"- `{usage}`" for usage, text in names)


def signature_of(function: Callable[..., Any]) -> str:
    """The call signature as it is written, or `(...)` where Python cannot tell."""
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return "(...)"
    parameters = [
        parameter.replace(annotation=_unquoted(parameter.annotation))
        for parameter in signature.parameters.values()
    ]
    plain = signature.replace(parameters=parameters, return_annotation=_unquoted(signature.return_annotation))
    # The address in a default's repr differs from run to run.
    return encodable(" ".join(_ADDRESS.sub("...", str(plain)).split()))


def summary_of(function: Callable[..., Any]) -> str:
    """The first paragraph of the docstring, on one line; "" where there is none."""
    own = inspect.getdoc(function) if _has_own_doc(function) else None
    return encodable(" ".join((own or "").strip().split("\n\n")[0].split()))


class _Bare(str):
    """An annotation that is source text; inspect prints the repr of what it does not know."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _unquoted(annotation: Any) -> Any:
    return _Bare(annotation) if isinstance(annotation, str) else annotation


def _has_own_doc(function: Callable[..., Any]) -> bool:
    # A callable object without a docstring would lend that of its class, such as functools.partial's.
    return inspect.isroutine(function) or inspect.isclass(function) or "__doc__" in vars(type(function))
