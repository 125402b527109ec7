"""What a document may hold, and what is said of one that cannot be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from distill_core.document_store import fetch, keep
from distill_core.errors import DocumentError


def test_lone_surrogates_are_spelled_out_in_text_lists_and_dicts_alike(tmp_path: Path) -> None:
    half = "half \ud83d pair"
    assert fetch(tmp_path, keep(half, tmp_path)) == r"half \ud83d pair"
    assert fetch(tmp_path, keep([1, [half]], tmp_path)) == [1, [r"half \ud83d pair"]]
    assert fetch(tmp_path, keep({half: {"x": half}}, tmp_path)) == {
        r"half \ud83d pair": {"x": r"half \ud83d pair"}
    }


@pytest.mark.parametrize(
    ("context", "key"),
    [({1: "a"}, "1"), ({"a": [{"b": 1}, {None: 2}]}, "None"), ([{("x", 2): 3}], "('x', 2)")],
)
def test_a_key_that_is_no_string_is_named(context: Any, key: str) -> None:
    with pytest.raises(DocumentError) as caught:
        keep(context, None)
    assert caught.value.found == f"the key {key}, which is no string"
    assert "dicts with string keys" in str(caught.value)
    assert "order" not in str(caught.value)
