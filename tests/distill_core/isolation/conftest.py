"""What came of the corpora, each run once for every place that is asked for."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from distill_core.isolation.levels import obstacle

from . import accounts
from .attacks import of_the_kernel

SECONDS = 900
_WHOLE = (("root", "strong"), ("user", "good"))
"""Where all of our own corpus is tried: what the host holds, it holds at whatever level."""
PLACES = [(account, level) for level in ("strong", "good") for account in ("root", "user")]

Rows = dict[str, dict[str, Any]]


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


class Outcome:
    """What came of the corpora. Two runs at a time, in processes of their own."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2)
        self._running: dict[tuple[str, str, str], Future[Rows]] = {}

    def start(self, corpus: str) -> None:
        """Run a corpus at every place that can be had."""
        for account, level in PLACES:
            if (corpus, account, level) not in self._running and obstacle(level) is None:
                found = accounts.if_had(account)
                if found is not None:
                    run = self._pool.submit(_run, corpus, (account, level), found)
                    self._running[corpus, account, level] = run

    def __call__(self, corpus: str, account: str, level: str) -> Rows:
        """What came of a corpus at a place; skips or fails where that cannot be had."""
        accounts.account(account)
        self.start(corpus)
        return self._running[corpus, account, level].result()

    def close(self) -> None:
        """Start no more."""
        self._pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def outcome() -> Iterator[Outcome]:
    """What came of the corpora."""
    made = Outcome()
    yield made
    made.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ask for what came of a corpus last of all: it runs beside the other tests."""
    items.sort(key=lambda item: _corpus_of(item) is not None)


def _corpus_of(item: pytest.Item) -> str | None:
    of_what: str | None = getattr(getattr(item, "function", None), "corpus", None)
    return of_what


@pytest.fixture(scope="session", autouse=True)
def _under_way(request: pytest.FixtureRequest, outcome: Outcome) -> None:
    """Start every corpus that a test will ask for."""
    for name in dict.fromkeys(filter(None, map(_corpus_of, request.session.items))):
        outcome.start(name)
