"""Saying something on a terminal: every word that is not the program's own passes through here."""

from __future__ import annotations

import json

import click

from tui.text import clean, escaped


def say(words: str) -> None:
    """Print `words` on stderr, with nothing in them that a terminal would obey; nothing while a screen is there."""
    context = click.get_current_context(silent=True)
    if context is not None and context.obj is not None:
        return
    click.echo(clean(words), err=True)


def say_json(thing: object) -> None:
    """Print `thing` on stdout as one line of JSON, with what a terminal would obey spelled out."""
    import msgspec

    click.echo(escaped(json.dumps(msgspec.to_builtins(thing), ensure_ascii=False)))
