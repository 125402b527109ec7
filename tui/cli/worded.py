"""Commands whose words may begin with a minus: `-label:bad` and `-clause` are parts of a filter, and no options."""

from __future__ import annotations

import re

import click

WORDS = {"ignore_unknown_options": True}
"""Settings of a command in which what is no option is a word, also `--flag` and `-1`."""

_TURNED_ROUND = re.compile(r'-(?:"|[^\W\d]).')
"""More than one letter behind one minus; no command has options of that form."""


class Worded(click.Command):
    """A command that takes the words of a filter."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put words that begin with a minus behind all else; which of a filter's words comes first does not matter."""
        at = args.index("--") if "--" in args else len(args)
        words = [arg for arg in args[:at] if _TURNED_ROUND.match(arg)]
        others = [arg for arg in args[:at] if arg not in words]
        return super().parse_args(ctx, [*others, "--", *args[at + 1 :], *words] if words else args)
