"""What came of the corpora, each run once for every place that is asked for."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from . import accounts
from .attacks import of_the_kernel

SECONDS = 900
_WHOLE = (("root", "strong"), ("user", "good"))
"""Where all of our own corpus is tried: what the host holds, it holds at whatever level."""
PLACES = [(account, level) for level in ("strong", "good") for account in ("root", "user")]

Rows = dict[str, dict[str, Any]]
Outcome = Callable[[str, str, str], Rows]


def tried(case: str, account: str, level: str) -> bool:
    """Whether an attack of our own is tried at this place."""
    return of_the_kernel(case) or (account, level) in _WHOLE


def _run(corpus: str, place: tuple[str, str], account: accounts.Account) -> Rows:
    """A corpus in a process of its own, as somebody."""
    level = place[1]
    if corpus == "own" and place not in _WHOLE:
        corpus = "wall"
    ended = subprocess.run(
        [*account.command, "-B", "-m", "tests.distill_core.isolation.corpus_run", corpus, level],
        capture_output=True,
        text=True,
        cwd=account.repository,
        env=account.environment,
        timeout=SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    return {row["id"]: row for row in map(json.loads, ended.stdout.splitlines())}


@pytest.fixture(scope="session")
def outcome() -> Iterator[Outcome]:
    """What came of a corpus, by name, account and level; two run at a time, all of one from the first that is asked."""
    pool = ThreadPoolExecutor(2)
    running: dict[tuple[str, str, str], Future[Rows]] = {}

    def of(corpus: str, account: str, level: str) -> Rows:
        if (corpus, account, level) not in running:
            known = accounts.account(account)  # skips or fails here, in the test
            running[corpus, account, level] = pool.submit(_run, corpus, (account, level), known)
            for other, also in PLACES:
                if (corpus, other, also) not in running and (found := accounts.if_had(other)) is not None:
                    running[corpus, other, also] = pool.submit(_run, corpus, (other, also), found)
        return running[corpus, account, level].result()

    yield of
    pool.shutdown(cancel_futures=True)
