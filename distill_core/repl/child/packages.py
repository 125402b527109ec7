"""Packages outside the standard library that cells may import: those on a list, and no other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class Allowed:
    """An import finder for the top-level `names` under `folders`."""

    def __init__(self, names: Sequence[str], folders: Sequence[str]) -> None:
        self._names = frozenset(names)
        self._folders = list(folders)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where module `name` is, if it is one of ours; what is inside a package is found by its own path."""
        if path is not None or name not in self._names:
            return None
        return PathFinder.find_spec(name, self._folders, target)


def offer(names: Sequence[str], folders: Sequence[str]) -> None:
    """Make the packages `names` importable, where they are installed in `folders`."""
    if names:
        sys.meta_path.append(Allowed(names, folders))
