"""The document: what arrives, and what it costs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from distill_core.errors import ReplError
from distill_core.repl import REPL

LONG = 3_000_000


@pytest.mark.parametrize(
    "text",
    ["", "x", "\0\r\n\x85\u2028", "naïve 中文 🎉", "lone \ud800 surrogate", "\ufeffmark"],
)
def test_short_text_arrives_as_it_is(text: str) -> None:
    with REPL(text, text) as repl:
        expected = ascii((text, text.encode("utf-8", "backslashreplace").decode()))
        assert repl.execute("ascii((context, query))").stdout == repr(expected) + "\n"


@pytest.mark.parametrize("wide", ["x", "é", "中", "🎉", "\ud800"])
@pytest.mark.parametrize("place", [0, LONG // 2, LONG])
def test_long_text_arrives_as_it_is(wide: str, place: int) -> None:
    text = "ab c" * (place // 4) + wide + "de f" * ((LONG - place) // 4)
    with REPL(text) as repl:
        result = repl.execute(
            f"wide = chr({ord(wide)})\n"
            f"print(len(context), context == 'ab c' * {place // 4} + wide + 'de f' * {(LONG - place) // 4})\n"
            "import sys; print(sys.getsizeof(context), hash(context) == hash(context[:1] + context[1:]))"
        )
    assert result.stdout == f"{len(text)} True\n{sys.getsizeof(text)} True\n"


@pytest.mark.parametrize(
    "value",
    [[], {}, [1, "two", None, {"x": [2.5, True]}], {"a": {"b": "é\ud800"}}, [{"n": 10**30}]],
)
def test_lists_and_dictionaries_arrive_as_such(value: Any) -> None:
    with REPL(value) as repl:
        assert repl.execute(f"context == {value!a}, type(context).__name__").stdout == (
            f"(True, '{type(value).__name__}')\n"
        )


@pytest.mark.parametrize("value", [5, None, b"bytes", {1, 2}, [object()]])
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ReplError, match="context"):
        REPL(value)


def test_what_the_caller_changes_later_does_not_reach_a_restarted_repl() -> None:
    value = [1, 2]
    with REPL(value) as repl:
        value.append(3)
        repl.execute("import os; os._exit(0)")
        assert repl.execute("context").stdout == "[1, 2]\n"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_text_is_never_held_twice() -> None:
    size = 64_000_000
    assert size <= first_peak("abcdefgh" * (size // 8)) - first_peak("") < 1.3 * size


def first_peak(context: str) -> int:
    """The most memory, in bytes, that the process has had which takes the context in."""
    with REPL(context) as repl:
        ground = repl._repl._timeline._ground
        assert ground is not None
        status = Path(f"/proc/{ground.base.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
