"""The child's code is compiled before it starts."""

from __future__ import annotations

import os
from importlib.util import cache_from_source
from pathlib import Path

from distill_core.repl.bytecode import keep_compiled


def test_what_is_missing_or_old_is_compiled_and_the_rest_left(tmp_path: Path) -> None:
    missing, old, new = (tmp_path / f"{name}.py" for name in ("missing", "old", "new"))
    for source in (missing, old, new):
        source.write_text("x = 1\n")
    keep_compiled((str(tmp_path),))
    caches = [Path(cache_from_source(str(source))) for source in (missing, old, new)]
    assert all(cache.exists() for cache in caches)
    caches[0].unlink()
    os.utime(old, (1, 1))
    before = caches[2].stat().st_mtime_ns
    keep_compiled.cache_clear()
    keep_compiled((str(tmp_path),))
    assert caches[0].exists()
    assert (1).to_bytes(4, "little") == caches[1].read_bytes()[8:12]
    assert caches[2].stat().st_mtime_ns == before


def test_a_folder_that_cannot_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("x = 1\n")
    (tmp_path / "__pycache__").write_text("no folder")
    keep_compiled((str(tmp_path),))
