"""Seventy-one attacks by others, at level strong and good, by root and by an ordinary user: all held."""

from __future__ import annotations

import runpy
import sys
import warnings
from pathlib import Path

import pytest

from distill_core.isolation.levels import obstacle

from . import accounts
from .conftest import PLACES, SECONDS, Outcome

_FILE = accounts.REPOSITORY.parent / "shared" / "corpora" / "escape_corpus.py"
_CASES: list[str] = [case["id"] for case in runpy.run_path(str(_FILE))["CORPUS"]] if _FILE.exists() else []


def test_the_corpus_is_there(shared: Path) -> None:
    assert len(_CASES) == 71


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock and seccomp are Linux's")
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize(("account", "level"), PLACES, ids=["-".join(place) for place in PLACES])
@pytest.mark.parametrize("case", _CASES)
def test_held(case: str, account: str, level: str, outcome: Outcome) -> None:
    if (reason := obstacle(level)) is not None:
        pytest.skip(f"level {level}: {reason}")
    row = outcome(str(_FILE), account, level)[case]
    assert row["problems"] == []
    if row["soft"]:
        warnings.warn(
            f"{case} as {account} at {level}: {' '.join(row['soft'][0].split())[:160]}", stacklevel=1
        )


test_held.corpus = str(_FILE)  # type: ignore[attr-defined]
