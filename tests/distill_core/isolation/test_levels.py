"""Which level a REPL comes to, and that none is never taken for one."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from distill_core.errors import ReplError
from distill_core.isolation import levels
from distill_core.repl import REPL, ReplLimits

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock and seccomp are Linux's")

_BROKEN = "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
_OPEN = f"""#!{sys.executable}
import json, os, sys
at = sys.argv.index("--chdir") + 2
information = int(sys.argv[sys.argv.index("--info-fd") + 1])
os.write(information, json.dumps({{"child-pid": os.getpid()}}).encode())
os.close(information)
os.execv(sys.argv[at], [*sys.argv[at:-1], str(os.getppid())])
"""


def _put_bwrap(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str | None) -> None:
    """Let `bwrap` be this program, or no program."""
    if text is not None:
        (folder / "bwrap").write_text(text)
        (folder / "bwrap").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(folder))


@linux
def test_auto_takes_what_is_left_where_bubblewrap_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _put_bwrap(monkeypatch, tmp_path, _BROKEN)
    with REPL("", isolation="auto") as repl:
        assert repl.isolation == "good"
        assert repl.execute("print('alive')").stdout == "alive\n"


@linux
def test_a_start_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _put_bwrap(monkeypatch, tmp_path, "#!/bin/sh\nexec /bin/sleep 600\n")
    limits = ReplLimits(start_seconds=0.5)
    with pytest.raises(ReplError, match="did not get ready"), REPL("", isolation="strong", limits=limits):
        pass


@linux
def test_strong_by_name_says_why_it_cannot_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _put_bwrap(monkeypatch, tmp_path, _BROKEN)
    with (
        pytest.raises(ReplError, match="No permissions to create new namespace"),
        REPL("", isolation="strong"),
    ):
        pass
    _put_bwrap(monkeypatch, tmp_path / "empty", None)
    with pytest.raises(ReplError, match="not installed"), REPL("", isolation="strong"):
        pass


@linux
def test_the_level_is_what_was_proven_and_not_what_was_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _put_bwrap(monkeypatch, tmp_path, _OPEN)
    with pytest.raises(ReplError, match="see a file of the host"), REPL("", isolation="strong"):
        pass
    with REPL("", isolation="auto") as repl:
        assert repl.isolation == "good"
        assert ("see a file of the host", False, "done") in repl.probes


@linux
def test_a_child_that_proves_nothing_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from distill_core.isolation.launch import Boundary

    honest = Boundary.orders

    def careless(self: Boundary, scratch: str, witness: str) -> dict[str, object] | None:
        orders = honest(self, scratch, witness)
        if orders is not None:
            orders["paths"] = [["/"], [], [], [scratch]]
        return orders

    monkeypatch.setattr(Boundary, "orders", careless)
    with pytest.raises(ReplError, match=r"no isolation can be had here.*read a file of the host"), REPL(""):
        pass


@pytest.mark.parametrize("asked", ["auto", "good", "strong"])
def test_without_any_layer_it_refuses_with_reason_and_remedy(
    monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(sys, "platform", "freebsd14")
    assert levels.obstacle("none") is None
    with pytest.raises(ReplError) as caught:
        REPL("", isolation=asked).__enter__()
    assert "there is no such isolation on" in str(caught.value)
    assert 'isolation "none"' in str(caught.value)


def test_a_machine_without_a_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert "riscv64" in (levels.obstacle("good") or "")


def test_none_is_none_and_only_by_name() -> None:
    with REPL("", isolation="none") as repl:
        assert repl.isolation == "none"
    assert "none" not in levels.to_try("auto")
    assert not levels.suffices("auto", "good", "none")
    assert not levels.suffices("strong", "strong", "good")
    assert not levels.suffices("auto", "good", "whatever it says")


@linux
def test_a_lost_process_comes_back_at_the_same_level() -> None:
    if (reason := levels.obstacle("good")) is not None:
        pytest.skip(reason)
    with REPL("", isolation="good") as repl:
        assert repl.execute(f"import os; os._exit({os.EX_OK})").status == "killed"
        assert repl.isolation == "good"
        assert repl.execute("open('/etc/hostname')").status == "error"
