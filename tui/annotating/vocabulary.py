"""Typed labels against the vocabulary of the settings: what is no label is refused with the nearest that is."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def labels_in(text: str) -> tuple[str, ...]:
    """The labels of a line with commas between them, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def refusal(labels: Sequence[str], vocabulary: Sequence[str]) -> str | None:
    """What is wrong with `labels`, in a line; None where each is of the vocabulary."""
    unknown = next((label for label in labels if label not in vocabulary), None)
    if unknown is None:
        return None
    lowered = {label.lower(): label for label in vocabulary}
    near = difflib.get_close_matches(unknown.lower(), lowered, n=1)
    hint = f": did you mean {lowered[near[0]]}?" if near else ""
    return (
        f"there is no label {unknown!r}{hint} (known: {', '.join(vocabulary)}; annotation.labels adds some)"
    )
