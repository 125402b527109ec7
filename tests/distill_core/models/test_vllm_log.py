"""Out of vLLM's log comes the exception that began it, not one that a warning speaks of, nor what followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill_core.models.vllm_log import root_cause, size

WARNING = (
    "(APIServer pid=34) WARNING 11-21 06:25:52 [system_utils.py:255] Found ulimit of 20000. This can cause fd limit "
    "errors like `OSError: [Errno 24] Too many open files`. Consider increasing with ulimit -n\n"
)
LATER = "RuntimeError: Engine core initialization failed. See root cause above.\n"


@pytest.mark.parametrize(
    "line",
    [
        "ValueError: no such dtype",
        "(APIServer pid=34) ValueError: no such dtype",
        "(EngineCore pid=35) ERROR 11-21 06:25:53 [core.py:1134] ValueError: no such dtype",
    ],
)
def test_the_first_exception_of_a_traceback_is_the_cause(tmp_path: Path, line: str) -> None:
    log = tmp_path / "vllm.log"
    log.write_text(
        f"{WARNING}Traceback (most recent call last):\n    raise ValueError(text)\n{line}\n{LATER}"
    )
    assert root_cause(log, 0) == "ValueError: no such dtype"


def test_what_stood_there_before_this_start_does_not_count(tmp_path: Path) -> None:
    log = tmp_path / "vllm.log"
    log.write_text("KeyError: 'old'\n")
    start = size(log)
    assert root_cause(log, start) is None
    with log.open("a") as more:
        more.write("huggingface_hub.errors.HFValidationError: a bad name\n")
    assert root_cause(log, start) == "huggingface_hub.errors.HFValidationError: a bad name"


def test_a_log_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    assert size(tmp_path / "none") == 0
    assert root_cause(tmp_path / "none", 0) is None
