"""A document as one text that a person reads and quotes are looked up in, whatever value it is in the REPL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def readable(context: str | list[Any] | dict[str, Any]) -> str:
    """`context` as text: a string as it stands; of lists and dicts each string on lines of its own, named by its path.

    Long strings stand under their path ("── [3].title ──"), short values beside it ("[3].year: 1867").
    """
    if isinstance(context, str):
        return context
    return "\n".join(_lines(context, ""))


_BESIDE = 100
"""Characters of a value that still stand on its path's line."""


def _lines(value: Any, path: str) -> Iterator[str]:
    # A stack of its own, since a document may be nested deeper than Python calls.
    waiting: list[tuple[Any, str]] = [(value, path)]
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, dict):
            inner = [(v, f"{path}.{k}" if path else str(k)) for k, v in value.items()]
            waiting.extend(reversed(inner))
        elif isinstance(value, list | tuple):
            waiting.extend((value[at], f"{path}[{at}]") for at in range(len(value) - 1, -1, -1))
        else:
            text = value if isinstance(value, str) else str(value)
            if len(text) > _BESIDE or "\n" in text:
                yield f"── {path} ──"
                yield text
                yield ""
            else:
                yield f"{path}: {text}"
