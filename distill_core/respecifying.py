"""The specification of a recorded session, to go on with it, fork it, or run its code with another worker."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from distill_core.record import Record, primitives_of
from distill_core.replaying import absent, limits_of
from distill_core.specification import Context, Dialect, SessionSpec

# What the engine itself notes of a session in its configuration, beside the settings that a person chose.
NOTED = frozenset(
    (
        "output_limit",
        "worker_ctx_k",
        "dialect",
        "prompt_style",
        "seed",
        "repl_limits",
        "prices",
        "primitives",
        "supervisor_params",
        "worker_params",
    )
)


def spec_of(record: Record, context: Context, **changes: Any) -> SessionSpec:
    """A specification like the recorded session's.

    Args:
        context: its document.
        changes: fields of `SessionSpec` that are to be different; None leaves the recorded value. `primitives` stand
            in for those of the session that have the same names.
    """
    started = record.started
    config = started.config
    dialect: Dialect = config["dialect"] if config.get("dialect") in get_args(Dialect) else "distill"
    spec = SessionSpec(
        query=started.query,
        context=context,
        document_name=started.document.name,
        limits=record.state.limits,
        repl_limits=limits_of(record),
        output_limit=config.get("output_limit", 2000),
        worker_ctx_k=config.get("worker_ctx_k", 8),
        dialect=dialect,
        prompt_style="compact" if config.get("prompt_style") == "compact" else "full",
        primitives={
            name: absent(name) for name in primitives_of(record) if name not in ("budget", "worker_yes")
        },
        config=settings_of(record),
        kind=started.kind,
        seed=config.get("seed", 0),
    )
    changes["primitives"] = {**spec.primitives, **changes.get("primitives", {})}
    return msgspec.structs.replace(spec, **{k: v for k, v in changes.items() if v is not None})


def settings_of(record: Record) -> dict[str, Any]:
    """The settings that a person had chosen for it, by dotted key."""
    return {key: value for key, value in record.started.config.items() if key not in NOTED}
