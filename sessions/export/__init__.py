"""Export: from kept sessions to what trainers load as it is.

`trace_of` makes a trace of a session's events, the modules of `formats` make rows of traces, `pipeline` does the rest:
`export(plan, place)`, `rehearse(plan)`, `explain(plan, row)`. Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessions.export.pipeline import explain, export, rehearse
    from sessions.export.plan import Plan
    from sessions.export.rows import Options
    from sessions.export.selecting import sources
    from sessions.export.splits import Splits
    from sessions.export.trace import Trace
    from sessions.export.tracing import trace_of

_HOME = {
    "Options": "rows",
    "Plan": "plan",
    "Splits": "splits",
    "Trace": "trace",
    "explain": "pipeline",
    "export": "pipeline",
    "rehearse": "pipeline",
    "sources": "selecting",
    "trace_of": "tracing",
}

__all__ = [
    "Options",
    "Plan",
    "Splits",
    "Trace",
    "explain",
    "export",
    "rehearse",
    "sources",
    "trace_of",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
