"""The command line. Each command is a module of `commands`, imported only when it is asked for.

So `distill-tui --help` costs little more than the interpreter and click.
"""

import sys
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the program and exit; see `program.main`."""
    try:
        from tui.cli.program import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
