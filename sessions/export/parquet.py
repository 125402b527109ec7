"""Shards as Parquet, from the lines that they were written as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from distill_core.errors import ExportError
from sessions.export.rows import Shape
from sessions.export.shapes import arrow_schema, flat, holds_json, raised
from sessions.export.shards import DATA

BATCH = 512
"""Rows held at a time."""


def check() -> None:
    """Say so at once where pyarrow is missing.

    Raises:
        ExportError: it is.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ExportError("Parquet needs pyarrow", remedy='pip install "distill-tui[export]"') from error


def convert(path: Path, columns: Mapping[str, Shape]) -> Path:
    """Put the JSON Lines file `path` into a Parquet file beside it, and remove it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = arrow_schema(columns)
    nested = holds_json(dict(columns))
    target = path.with_suffix(".parquet")
    with path.open("rb") as lines, pq.ParquetWriter(target, schema, compression="zstd") as writer:
        while batch := list(islice(lines, BATCH)):
            rows = [msgspec.json.decode(line) for line in batch]
            if nested:
                rows = [flat(row, columns) for row in rows]
            writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema))
    path.unlink()
    return target


def lines(root: Path, split: str, columns: Mapping[str, Shape]) -> Iterator[bytes]:
    """The rows of a split's Parquet shards as the lines that they came from."""
    import pyarrow.parquet as pq

    for path in sorted((root / DATA / split).glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                for row in batch.to_pylist():
                    yield msgspec.json.encode(_raised(row, columns))


def _raised(row: Mapping[str, Any], columns: Mapping[str, Shape]) -> dict[str, Any]:
    found: dict[str, Any] = raised(row, dict(columns))
    return found
