"""Saying something on stderr: every word that is not the program's own passes through here."""

from __future__ import annotations

import click

from tui.text import clean


def say(words: str) -> None:
    """Print `words` on stderr, with nothing in them that a terminal would obey; nothing while a screen is there."""
    context = click.get_current_context(silent=True)
    if context is not None and context.obj is not None:
        return
    click.echo(clean(words), err=True)
