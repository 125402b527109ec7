"""`distill-tui run`: ask a question of a document."""

from __future__ import annotations

from typing import Any

import click

from tui.cli.launch import launch
from tui.cli.options import config_options, model_options, session_options
from tui.saying import say


@click.command("run")
@click.argument("documents", nargs=-1, required=True, metavar="DOCUMENT...")
@click.option("-q", "--question", required=True, help="The question.")
@session_options
@model_options
@config_options
def command(documents: tuple[str, ...], question: str, **options: Any) -> int:
    """Ask a question of a document.

    DOCUMENT is a file (text, Markdown, HTML, PDF, Word, JSON, JSON Lines, CSV), a folder, a pattern, or - for stdin;
    several become one. On a terminal the session opens on the live screen, elsewhere it runs headless.
    """
    from distill_core.documents import load

    if not question.strip():
        raise click.UsageError("The question is empty. Give one with -q.")
    document = load(documents if len(documents) > 1 else documents[0])
    for note in document.notes:
        say(f"note: {note}")
    return launch(document.name, document.value, question, options)
