"""Packages outside the standard library that cells may import: those on a list, and no other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class Allowed:
    """An import finder for the top-level `names` under `folders`.

    It looks where they are once, at the start: later the folders themselves can no longer be listed.
    """

    def __init__(self, names: Sequence[str], folders: Sequence[str]) -> None:
        found = ((name, PathFinder.find_spec(name, list(folders))) for name in names)
        self._specs = {name: spec for name, spec in found if spec is not None}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where module `name` is, if it is one of ours; what is inside a package is found by its own path."""
        return self._specs.get(name) if path is None else None


def offer(names: Sequence[str], folders: Sequence[str]) -> None:
    """Make the packages `names` importable, where they are installed in `folders`."""
    if names:
        sys.meta_path.append(Allowed(names, folders))
