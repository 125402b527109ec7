"""Saying something on stderr: every word that is not the program's own passes through here."""

from __future__ import annotations

import click

from tui.text import clean


def say(words: str) -> None:
    """Print `words` on stderr, with nothing in them that a terminal would obey."""
    click.echo(clean(words), err=True)
