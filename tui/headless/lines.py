"""Reading a line that a person types, by a thread that the program's end need not wait for."""

from __future__ import annotations

import select
import sys

import click


def typed_line(question: str) -> str:
    """What is typed behind `question`, without spaces around it.

    Raises:
        EOFError: the input has ended.
    """
    click.echo(f"{question} > ", err=True, nl=False)
    _await_input()
    typed = sys.stdin.readline()
    if not typed:
        raise EOFError
    return typed.strip()


def _await_input() -> None:
    """Wait until a line was typed. Python cannot end while a thread holds stdin's lock, as one that reads does."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        return
    while not select.select([sys.stdin], [], [], 0.5)[0]:
        pass
