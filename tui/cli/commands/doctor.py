"""`distill-tui doctor`: what isolation can be had on this machine, and what is in the way of more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.saying import say_json
from tui.text import clean

if TYPE_CHECKING:
    from distill_core.isolation.doctor import Examination, LevelReport

_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")
def command(as_json: bool, config: Path | None) -> None:
    """What isolation can be had on this machine: every door tried, why not more, the limits of a cell.

    The status is 1 where the configured isolation cannot be had.
    """
    from distill_core.config import load_settings
    from distill_core.isolation.doctor import examine

    settings = load_settings(path=config).settings
    found = examine(settings.session.isolation, settings.repl)
    if as_json:
        say_json(found)
    else:
        for line in report(found):
            click.echo(clean(line))
    click.get_current_context().exit(0 if found.reached is not None else 1)


def report(found: Examination) -> list[str]:
    """The examination as lines."""
    reached = found.reached or "none can be had: the REPL refuses to start"
    lines = [
        f"isolation: {reached} (configured: {found.asked})",
        f"machine:   {found.system}, Python {found.python}",
        *_layers(found),
    ]
    for level in found.levels:
        lines += ["", *_of_level(level)]
    width = max(map(len, found.limits))
    lines += ["", "limits of a REPL (set them in the configuration, [repl])"]
    return lines + [f"  {name:<{width}}  {_amount(name, value)}" for name, value in found.limits.items()]


def _layers(found: Examination) -> list[str]:
    if all(level.level == "seatbelt" for level in found.levels):
        return []
    return [
        f"Landlock:  {'none' if found.landlock is None else f'version {found.landlock}'}",
        f"bwrap:     {found.bubblewrap or 'not installed'}",
    ]


def _of_level(level: LevelReport) -> list[str]:
    head = f"level {level.level} ({level.made_of}): "
    if level.proven is None:
        return [f"{head}cannot be had", f"  why     {level.reason}", f"  remedy  {level.remedy}"]
    opened = sum(not shut for _, shut, _ in level.probes)
    lines = [f"{head}proven, {len(level.probes) - opened} doors shut, {opened} open"]
    width = max((len(name) for name, _, _ in level.probes), default=0)
    lines += [f"  {'shut' if shut else 'OPEN'}  {name:<{width}}  {how}" for name, shut, how in level.probes]
    lines.append(f"  checkpoints: {level.no_checkpoints or 'yes'}")
    return lines


def _amount(name: str, value: float | None) -> str:
    if value is None:
        return "no bound"
    if name.endswith("_bytes"):
        for size, unit in _UNITS:
            if value >= size and value % size == 0:
                return f"{value // size:,} {unit}"
    return f"{value:g} s" if name.endswith("_seconds") else f"{value:,}"
