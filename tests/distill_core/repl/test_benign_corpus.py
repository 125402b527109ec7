"""Ordinary supervisor programs, each with its own check."""

from __future__ import annotations

import importlib.util
import runpy
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from distill_core.isolation.levels import obstacle
from distill_core.repl import REPL, CellResult

_FILE = Path(__file__).parents[3].parent / "shared" / "corpora" / "benign_corpus.py"
_MODULE: dict[str, Any] = runpy.run_path(str(_FILE)) if _FILE.exists() else {"CORPUS": []}


def _worker(prompt: str) -> str:
    time.sleep(0.01)
    if "FAIL" in prompt:
        raise RuntimeError("the worker was told to fail")
    return "W<" + prompt[:40] + ">"


def _seen(result: CellResult) -> SimpleNamespace:
    return SimpleNamespace(
        stdout=result.stdout,
        status=result.status,
        tb=result.traceback,
        final=None if result.final is None else result.final.value,
        calls=[call.prompt for call in result.worker_calls],
        elapsed=result.elapsed,
    )


def test_the_corpus_is_there(shared: Path) -> None:
    assert len(_MODULE["CORPUS"]) >= 34


@pytest.mark.parametrize("isolation", ["none", "good", "strong"])
@pytest.mark.parametrize("case", _MODULE["CORPUS"], ids=lambda case: case["id"])
def test_ordinary_program(case: dict[str, Any], isolation: str) -> None:
    if (reason := obstacle(isolation)) is not None:
        pytest.skip(f"level {isolation}: {reason}")
    if "needs" in case and importlib.util.find_spec(case["needs"]) is None:
        pytest.skip(f"{case['needs']} is not installed")
    context = case.get("context", _MODULE["DOC"])
    with REPL(
        context, case.get("query", "Who found the treasure?"), worker=_worker, isolation=isolation
    ) as repl:
        results = [_seen(repl.execute(block)) for block in case["blocks"]]
    assert case["check"](results), results
