"""The sessions a person keeps: folders that are the truth, an index over them, search, judgement, branching, export.

Names are imported when they are first used, so that `import sessions` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessions.filters import Filter, parse
    from sessions.kept import Kept
    from sessions.live import LiveIndex
    from sessions.searching import Hit
    from sessions.store import SessionRow, Store

_HOME = {
    "Filter": "filters",
    "parse": "filters",
    "LiveIndex": "live",
    "Hit": "searching",
    "Kept": "kept",
    "SessionRow": "store",
    "Store": "store",
}

__all__ = ["Filter", "Hit", "Kept", "LiveIndex", "SessionRow", "Store", "parse"]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
