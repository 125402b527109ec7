"""Having the child's code compiled before it starts: a locked process cannot keep what it has compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from functools import lru_cache
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

_HEADER_BYTES = 16
_WORD = 0xFFFF_FFFF


@lru_cache(maxsize=4)
def keep_compiled(folders: Iterable[str]) -> None:
    """Compile the modules in folders whose compiled form is missing or old, where that may be written. Once for each.

    A package that was installed as usual comes compiled, one that is worked on does not.

    Args:
        folders: a tuple of paths.
    """
    for folder in folders:
        for source in Path(folder).glob("*.py"):
            if not _up_to_date(source):
                _compile(source)


def _up_to_date(source: Path) -> bool:
    """Whether the compiled form is that of the file as it is (PEP 552: magic, flags, time, size)."""
    state = source.stat()
    expected = MAGIC_NUMBER + b"".join(
        (number & _WORD).to_bytes(4, "little") for number in (0, int(state.st_mtime), state.st_size)
    )
    try:
        with Path(cache_from_source(str(source))).open("rb") as file:
            return file.read(_HEADER_BYTES) == expected
    except OSError:
        return False


def _compile(source: Path) -> None:
    import py_compile

    with contextlib.suppress(
        OSError
    ):  # a folder that is not ours to write to: it is then compiled at each start
        py_compile.compile(str(source), quiet=2)
