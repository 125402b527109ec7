"""The tree that a session and its forks make, a line a session: for the terminal and for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.text import clean

if TYPE_CHECKING:
    from sessions.forking import Node

INDENT = 3
QUESTION = 60
"""Characters of a question that are shown."""


def words(node: Node) -> tuple[str, str, str]:
    """A session in its tree: its name, indented, how it came from the one above it, and what was asked."""
    from distill_core.trying_again import KIND

    branch = f" (from step {node.steps + 1})" if node.depth else ""
    if node.started.kind == KIND:
        branch = f" (replay with {node.started.worker})"
    question = " ".join(node.started.query.split())
    if len(question) > QUESTION:
        question = question[: QUESTION - 1] + "…"
    return f"{' ' * INDENT * node.depth}{clean(node.session_id)}", clean(branch), clean(question)
