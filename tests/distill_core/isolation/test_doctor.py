"""The report on a machine's isolation."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from distill_core.errors import ReplError
from distill_core.isolation import bubblewrap, doctor
from distill_core.isolation.doctor import examine, remedy
from distill_core.isolation.levels import obstacle
from distill_core.repl import ReplLimits

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock and seccomp are Linux's")


def test_it_shows_every_door_of_every_level_that_can_be_had() -> None:
    if (reason := obstacle("good")) is not None:
        pytest.skip(reason)
    found = examine()
    strong, good = found.levels
    assert good.proven == "good"
    assert [name for name, shut, _ in good.probes if not shut] == ["see a file of the host"]
    if strong.proven is not None:
        assert all(shut for _, shut, _ in strong.probes)
        assert found.reached == "strong"
    else:
        assert strong.reason
        assert strong.remedy
        assert found.reached == "good"
    assert found.landlock is not None
    assert found.limits["cell_seconds"] == 60


@linux
def test_it_says_why_a_stronger_level_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "found", lambda: None)
    found = examine("strong", ReplLimits(cell_seconds=7))
    assert found.reached is None
    assert found.levels[0].proven is None
    assert found.levels[0].reason == "bubblewrap (bwrap) is not installed"
    assert "install bubblewrap" in (found.levels[0].remedy or "")
    assert found.bubblewrap is None
    assert found.limits["cell_seconds"] == 7


@linux
@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor"),
        ("kernel/unprivileged_userns_clone", "0", "unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "max_user_namespaces"),
    ],
)
def test_the_remedy_is_that_of_the_setting_in_the_way(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, word: str
) -> None:
    monkeypatch.setattr(bubblewrap, "found", lambda: "/usr/bin/bwrap")
    monkeypatch.setattr(doctor, "_setting", {setting: value}.get)
    assert word in remedy("strong")


@linux
def test_in_a_container_the_remedy_is_the_level_meant_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bubblewrap, "found", lambda: "/usr/bin/bwrap")
    monkeypatch.setattr(doctor, "_setting", lambda name: None)
    (tmp_path / "mark").touch()
    monkeypatch.setattr(doctor, "_CONTAINER_MARKS", (str(tmp_path / "mark"),))
    assert "containers" in remedy("strong")


def test_on_another_system_no_level_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "freebsd14")
    found = examine()
    assert found.reached is None
    assert [report.proven for report in found.levels] == [None, None]
    assert all("there is no such isolation on" in (report.reason or "") for report in found.levels)
    assert all("Linux" in (report.remedy or "") for report in found.levels)


def test_an_isolation_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ReplError, match="there is no isolation"):
        examine("perfect")
