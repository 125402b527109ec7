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
        valued = {
            name
            for one in self.params
            if isinstance(one, click.Option) and not one.is_flag
            for name in one.opts
        }
        words: list[str] = []
        others: list[str] = []
        for before, arg in zip(["", *args], args[:at], strict=False):
            # What follows an option that takes a value is that, and wrong as such.
            (words if _TURNED_ROUND.match(arg) and before not in valued else others).append(arg)
        return super().parse_args(ctx, [*others, "--", *args[at + 1 :], *words] if words else args)
