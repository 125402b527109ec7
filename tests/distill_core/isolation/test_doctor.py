"""The report on a machine's isolation."""

from __future__ import annotations

import sys

import pytest

from distill_core.isolation import bubblewrap
from distill_core.isolation.doctor import examine
from distill_core.isolation.levels import obstacle


def test_it_shows_every_door_of_every_level_that_can_be_had() -> None:
    if (reason := obstacle("good")) is not None:
        pytest.skip(reason)
    strong, good = examine()
    assert good.proven == "good"
    assert [name for name, shut, _ in good.probes if not shut] == ["see a file of the host"]
    if strong.proven is not None:
        assert all(shut for _, shut, _ in strong.probes)
    else:
        assert strong.reason
        assert strong.remedy


def test_it_says_why_a_stronger_level_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("bubblewrap is Linux's")
    monkeypatch.setattr(bubblewrap, "found", lambda: None)
    strong = examine()[0]
    assert strong.proven is None
    assert "not installed" in (strong.reason or "")
    assert "bubblewrap" in (strong.remedy or "")
