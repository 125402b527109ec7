"""The formats: each module of this folder that has a `FORMAT` is one. A new one is one new file here."""

from __future__ import annotations

import importlib
import pkgutil

from distill_core.errors import ExportError
from sessions.export.rows import Format


def names() -> list[str]:
    """The names of all formats, sorted, without importing any."""
    return sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(__path__))


def find(name: str) -> Format:
    """The format called `name`.

    Raises:
        ExportError: there is none.
    """
    if name not in names():
        import difflib

        near = difflib.get_close_matches(name, names(), n=1, cutoff=0.7)
        known = ", ".join(names())
        remedy = f"did you mean {near[0]}? There are {known}" if near else f"one of {known}"
        raise ExportError("no such export format", found=name, remedy=remedy)
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    made: Format = module.FORMAT
    return made


def all_formats() -> list[Format]:
    """Every format, by name."""
    return [find(name) for name in names()]
