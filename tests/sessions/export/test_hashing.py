"""The hash of a row is what its algorithm says of its columns, whatever way the row took."""

import orjson
import pytest

from sessions.example_sessions import example_folders
from sessions.export import Plan, export, sources
from sessions.export.formats import find
from sessions.export.hashing import content_hash


def test_known_values():
    # https://github.com/Cyan4973/xxHash: XXH3_128bits, seed 0, in canonical order.
    assert content_hash(b"") == "99aa06d3014798d86001c324468d497f"
    assert content_hash(b"abc") == "06b05ab6733a618578af5f94892f3950"


@pytest.mark.parametrize("name", ["worker", "prompt-completion", "sft", "openai"])
def test_each_row_tells_that_of_its_columns(tmp_path, name):
    plan = Plan(format=find(name), sources=tuple(sources(example_folders())))
    export(plan, str(tmp_path / "out"))
    data = tmp_path / "out" / "data"
    paths = sorted(data.rglob("*.jsonl"))
    rows = [line for path in paths for line in path.read_bytes().splitlines()]
    if name == "openai":
        beside = [tmp_path / "out" / "provenance" / path.relative_to(data) for path in paths]
        told = [line for path in beside for line in path.read_bytes().splitlines()]
    else:
        parts = [row.split(b',"provenance":') for row in rows]
        rows, told = [columns + b"}" for columns, _ in parts], [whence[:-1] for _, whence in parts]
    assert rows
    assert [orjson.loads(whence)["hash"] for whence in told] == list(map(content_hash, rows))
