"""The command line. Each command is a module of `commands`, imported only when it is asked for.

So `distill-tui --help` costs little more than the interpreter and click.
"""

from tui.cli.program import main

__all__ = ["main"]
