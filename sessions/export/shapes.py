"""Shapes of columns in the terms of those who read them: `datasets` (in the card) and Arrow (for Parquet).

A declared shape keeps a loader from guessing: a column that is empty in the first thousand rows is still what it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sessions.export.rows import Shape


def features(columns: Mapping[str, Shape]) -> list[dict[str, Any]]:
    """The `features` of a card's `dataset_info` (see `datasets.Features._from_yaml_list`)."""
    return [{"name": name, **_feature(shape)} for name, shape in columns.items()]


def _feature(shape: Shape) -> dict[str, Any]:
    if isinstance(shape, str):
        return {"dtype": shape}
    if isinstance(shape, list):
        inner = shape[0]
        if isinstance(inner, str):
            return {"list": inner} if inner != "json" else {"list": {"dtype": inner}}
        return {"list": features(inner)} if isinstance(inner, dict) else {"list": _feature(inner)}
    return {"struct": features(shape)}


def arrow_schema(columns: Mapping[str, Shape]) -> Any:
    """The Arrow schema; JSON is text there."""
    import pyarrow as pa

    def kind(shape: Shape) -> Any:
        if isinstance(shape, list):
            return pa.list_(kind(shape[0]))
        if isinstance(shape, dict):
            return pa.struct([pa.field(name, kind(inner)) for name, inner in shape.items()])
        return {"string": pa.string(), "json": pa.string(), "int64": pa.int64(), "float64": pa.float64()}.get(
            shape, pa.bool_()
        )

    return pa.schema([pa.field(name, kind(shape)) for name, shape in columns.items()])


def flat(value: Any, shape: Shape) -> Any:
    """`value` with what is JSON by its shape as text."""
    if value is None:
        return None
    if shape == "json":
        return json.dumps(value, ensure_ascii=False)
    if isinstance(shape, list):
        return [flat(inner, shape[0]) for inner in value]
    if isinstance(shape, dict):
        return {name: flat(inner, shape[name]) for name, inner in value.items()}
    return value


def raised(value: Any, shape: Shape) -> Any:
    """The opposite of `flat`; what has no value is left out, as it was before."""
    if shape == "json":
        return json.loads(value)
    if isinstance(shape, list):
        return [raised(inner, shape[0]) for inner in value]
    if isinstance(shape, dict):
        return {name: raised(inner, shape[name]) for name, inner in value.items() if inner is not None}
    return value


def holds_json(shape: Shape) -> bool:
    """Whether anything in it is JSON."""
    if isinstance(shape, list):
        return holds_json(shape[0])
    if isinstance(shape, dict):
        return any(holds_json(inner) for inner in shape.values())
    return bool(shape == "json")
