"""The program: its commands by name, and the one place where errors become a line on stderr and an exit status."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
from typing import NoReturn

import click

from tui.cli import streams

COMMANDS = {
    "home": "Recent sessions, a new one, examples; opens where no command is given.",
    "run": "Ask a question of a document.",
    "demo": "Answer a question of a bundled document, with the embedded model.",
    "review": "Judge kept sessions one after the other, or look at SESSION with playback.",
    "resume": "Go on with a session whose program died, in the state of its last event.",
    "fork": "Branch off from SESSION at a step: with other code, other words, another model, other bounds.",
    "replay": "Run a session's cells again with what they were answered, and say whether they come out equal.",
    "serve": "Show the home screen in a browser, to whoever has the link that this prints.",
    "compare": "Put FIRST and SECOND beside one another: outcome, cost, evidence, and their code step by step.",
    "agreement": "How far annotators agree: on ratings, marks, labels and each criterion.",
    "adjudicate": "Settle what the annotators of SESSION disagree on; what you settle counts.",
    "models": "What is configured, whether it answers; pull weights.",
    "config": "The effective settings and where each came from.",
    "doctor": "What isolation can be had on this machine: every door tried, why not more, the limits of a cell.",
    "sessions": "Look after kept sessions.",
    "stats": "Counts, acceptance by model, edits, cost, time to decide, labels.",
    "export": "Kept sessions as data sets that trainers load as they are.",
    "process-steps": "Write the tool calls and used results in SOURCE as token targets.",
}
"""Name and first line of help of each command, so that listing them imports none."""

INTERRUPTED = 130
"""Exit status where Ctrl-C ended it, whatever there was by then."""


class Commands(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called `cmd_name`."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"tui.cli.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion for a mistyped name."""
        name = args[0] if args else ""
        if name and name not in COMMANDS and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"No such command {name!r}.{hint}")
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from distill_core.version import program_version

        click.echo(program_version())
        ctx.exit()


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Say the version."
)
@click.pass_context
def program(ctx: click.Context) -> int | None:
    """Supervise the supervisor: research sessions in a terminal, kept as training traces that a person vouched for.

    Try first: distill-tui demo
    """
    if ctx.invoked_subcommand is not None:
        return None
    from tui.cli.launch import on_terminal

    if not on_terminal():
        raise click.exceptions.NoArgsIsHelpError(ctx)
    home = program.get_command(ctx, "home")
    assert home is not None
    return int(ctx.invoke(home))


def main() -> NoReturn:
    """Run the program and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    streams.prepare()
    collect_seldom()
    paint_often()
    sys.exit(status_of(sys.argv[1:]))


def collect_seldom() -> None:
    """Look for garbage less often than Python does by itself.

    What a session is made of lives as long as its screen and holds no cycles; looking through it again and again takes
    a third of the time of opening a long one, and stops the screen now and then.
    """
    gc.set_threshold(50_000, 20, 20)


def paint_often() -> None:
    """Let Textual paint what a key did without waiting long after what it painted before; it reads this at its import.

    By itself it leaves 17 to 33 ms between two paintings. What comes from a session is drawn 20 times a second anyhow.
    """
    os.environ.setdefault("TEXTUAL_FPS", "120")


def status_of(args: list[str]) -> int:
    """Run with `args`; the exit status. Errors are told in one line (with a traceback if DISTILL_DEBUG is set)."""
    from distill_core.errors import DistillError

    try:
        status = program.main(args, prog_name="distill-tui", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return 1
    except DistillError as error:
        if os.environ.get("DISTILL_DEBUG"):
            raise
        _say(f"distill-tui: {error}")
        return 1
    except Exception as error:
        if os.environ.get("DISTILL_DEBUG"):
            raise
        if isinstance(error, OSError) and error.errno in _FULL:
            where = error.filename or "the output"
            _say(f"distill-tui: cannot write {where}: {error.strerror} (make room, or write elsewhere)")
            _drop_output()
            return 1
        words = f"a fault of the program: {type(error).__name__}: {error} (DISTILL_DEBUG=1 shows where)"
        _say(f"distill-tui: {' '.join(words.split())}")
        return 1


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a disk says that takes no more."""


def _drop_output() -> None:
    """Let what is left in stdout's buffer go nowhere: whoever read it has gone, or its disk takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(words: str) -> None:
    from tui.saying import say

    say(words)
