"""REPLs to try things on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from distill_core.repl import REPL


def echo_worker(prompt: str) -> str:
    """Answers with the prompt in angle brackets; fails where it says FAIL."""
    if "FAIL" in prompt:
        raise RuntimeError("the worker was told to fail")
    return f"<{prompt}>"


@pytest.fixture
def repl() -> Iterator[REPL]:
    """A REPL about a short text, with a worker that answers at once."""
    with REPL("the document", "the question", worker=echo_worker) as made:
        yield made
