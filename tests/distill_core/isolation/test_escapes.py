"""Seventy-one attacks, at level strong and good, by root and by an ordinary user: all held."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from distill_core.isolation.levels import obstacle

from . import accounts

_FILE = accounts.REPOSITORY.parent / "shared" / "corpora" / "escape_corpus.py"
_CASES: list[str] = [case["id"] for case in runpy.run_path(str(_FILE))["CORPUS"]] if _FILE.exists() else []
_PLACES = [(account, level) for level in ("strong", "good") for account in ("root", "user")]
_SECONDS = 900

Rows = dict[str, dict[str, Any]]


def _run(account: str, level: str) -> Rows:
    """The corpus in a process of its own, as `account`; with this run's packages, whatever Python that has."""
    program = ["-m", f"{__package__}.corpus_run", str(_FILE), level]
    folders = [str(accounts.REPOSITORY), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    ended = subprocess.run(
        [*accounts.command(account), "-B", *program],
        capture_output=True,
        text=True,
        cwd=accounts.REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(folders))},
        timeout=_SECONDS,
    )
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 0, ended.stderr
    return {row["id"]: row for row in rows}


@pytest.fixture(scope="module")
def results() -> Iterator[Callable[[str, str], Rows]]:
    """What came of the corpus, by account and level; two runs at a time, each started when it is first asked for."""
    pool = ThreadPoolExecutor(2)
    running: dict[tuple[str, str], Future[Rows]] = {}

    def of(account: str, level: str) -> Rows:
        if not running:
            for place in _PLACES:
                running[place] = pool.submit(_run, *place)
        return running[account, level].result()

    yield of
    pool.shutdown(cancel_futures=True)


def test_the_corpus_is_there(shared: Path) -> None:
    assert len(_CASES) == 71


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock and seccomp are Linux's")
@pytest.mark.timeout(_SECONDS)
@pytest.mark.parametrize(("account", "level"), _PLACES, ids=["-".join(place) for place in _PLACES])
@pytest.mark.parametrize("case", _CASES)
def test_held(case: str, account: str, level: str, results: Callable[[str, str], Rows]) -> None:
    if (reason := obstacle(level)) is not None:
        pytest.skip(f"level {level}: {reason}")
    row = results(account, level)[case]
    assert row["problems"] == []
    if row["soft"]:
        warnings.warn(
            f"{case} as {account} at {level}: {' '.join(row['soft'][0].split())[:160]}", stacklevel=1
        )
