"""`distill-tui process-steps`: decisions out of teachers' texts, as token targets."""

from __future__ import annotations

from pathlib import Path

import click

from tui.saying import say

_FILE = click.Path(path_type=Path)
SHOWN = 3
"""Records left out that are named."""


@click.command("process-steps")
@click.argument("source", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="The file to write, JSON lines.")
@click.option("--tokenizer", type=_FILE, required=True, help="The student's tokenizer.json, or its folder.")
@click.option("--tools", type=_FILE, help="Names of the tools: TOML, JSON, or MCP's tools/list.")
@click.option("--no-reasoning", is_flag=True, help="Leave the teacher's prose out.")
@click.option(
    "--least",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="How sure it must be that a result is used.",
)
@click.option("--strict", is_flag=True, help="End at the first record that is none, and write nothing.")
def command(
    source: Path,
    out: Path,
    tokenizer: Path,
    tools: Path | None,
    no_reasoning: bool,
    least: float,
    strict: bool,
) -> int:
    """Write the tool calls and used results in SOURCE as token targets.

    SOURCE holds a record a line: prompt and teacher_text, completion or chosen (texts, or lists of messages), messages,
    or conversations. What is none is passed over and counted.
    """
    from sessions.process_steps.foreign import Odd, convert
    from sessions.process_steps.registry import load_registry
    from sessions.process_steps.rows import RowMaker
    from sessions.process_steps.targets import SpanTokenizer

    names = load_registry(tools) if tools is not None else None
    maker = RowMaker(SpanTokenizer(tokenizer), tool_names=names, prose=not no_reasoning, least=least)
    odd: list[Odd] = []
    for what, number in convert(source, out, maker, None if strict else odd.append).items():
        if number:
            click.echo(f"{number:>8,}  {what}", err=True)
    if odd:
        click.echo(f"{len(odd):>8,}  records that are none left out", err=True)
    for one in odd[:SHOWN]:
        say(f"          {one.place}: {one.why}")
    if len(odd) > SHOWN:
        click.echo(f"          and {len(odd) - SHOWN:,} more", err=True)
    return 0
