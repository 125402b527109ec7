"""Fetching weights with a person watching: what it is, from where, under what licence, and how far it has come."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import click

from tui.saying import say
from tui.text import clean


def pull_with_notice(name: str, *, source: Any = "auto") -> Path:
    """The weights called `name`, fetched if they are not here; asks first on a terminal, says so elsewhere.

    Raises:
        WeightsError: unknown name, or they cannot be fetched.
        click.Abort: the person declined.
    """
    from distill_core.errors import ModelError
    from distill_core.models import weights
    from distill_core.models.catalogue import known

    if importlib.util.find_spec("xllamacpp") is None:
        raise ModelError(
            "cannot run the embedded model",
            found="its runtime, xllamacpp, is not installed",
            remedy="pip install 'distill-tui[local]'",
        )
    entry = known(name)
    _have_openmp()
    here = weights.find(name)
    if here is not None:
        return here
    folder = weights.default_cache_dir()
    say(f"{entry.title}: {entry.about}")
    say(f"{entry.size / 1e6:,.0f} MB, licence {entry.licence}, checked by SHA-256, kept in {folder}")
    places = [entry.hub] if entry.hub else []
    if entry.parts:
        places.append(f"{len(entry.parts)} packages of the package index. {entry.parts_note}".strip())
    say("from " + "; else ".join(places))
    if sys.stdin.isatty() and sys.stderr.isatty() and not click.confirm("Fetch it?", default=True, err=True):
        raise click.Abort
    return _pull(name, source)


def _have_openmp() -> None:
    """See that the runtime finds its OpenMP library: told before a gigabyte is fetched, not after it."""
    from distill_core.errors import ModelError, WeightsError
    from distill_core.models import openmp
    from distill_core.models.local import GOMP_REMEDY

    if not openmp.missing() or openmp.environment():
        return
    found = f"the system library {openmp.LIBRARY} is missing"
    if (carrier := openmp.carrier()) is None:
        raise ModelError("cannot run the embedded model", found=found, remedy=GOMP_REMEDY)
    say(f"{found}: taken from the package {carrier.part.package}, which carries it (SHA-256 checked)")
    try:
        openmp.fetch()
    except WeightsError as error:
        raise ModelError(
            "cannot run the embedded model", found=f"{found}; {error}", remedy=GOMP_REMEDY
        ) from error


def _pull(name: str, source: Any) -> Path:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from distill_core.models import weights

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    told: set[str] = set()
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None)

        def on_progress(progress: weights.PullProgress) -> None:
            bar.update(
                task, description=f"{name}: {progress.phase}", completed=progress.done, total=progress.total
            )
            if progress.note and progress.note not in told:
                told.add(progress.note)
                bar.console.print(clean(progress.note), markup=False, highlight=False)

        return weights.pull(name, on_progress=on_progress, source=source)
