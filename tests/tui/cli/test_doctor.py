"""`distill-tui doctor`, as a person and as a program call it."""

import json

import pytest

from distill_core.isolation import bubblewrap
from distill_core.isolation.levels import obstacle


def test_it_prints_levels_doors_and_limits(program):
    if (reason := obstacle("good")) is not None:
        pytest.skip(reason)
    status, out, _ = program("doctor")
    assert status == 0
    assert "level good (Landlock, seccomp): proven" in out
    assert "shut  read a file of the host" in out
    assert "OPEN  see a file of the host" in out
    assert "memory_bytes" in out
    assert "4 GiB" in out


def test_it_says_why_and_what_to_do_where_a_level_cannot_be_had(program, monkeypatch):
    monkeypatch.setattr(bubblewrap, "found", lambda: None)
    _, out, _ = program("doctor")
    assert "level strong (namespaces, Landlock, seccomp): cannot be had" in out
    assert "why     bubblewrap (bwrap) is not installed" in out
    assert "remedy  install bubblewrap" in out


def test_the_status_is_that_of_the_configured_isolation(program, monkeypatch, tmp_path):
    monkeypatch.setattr(bubblewrap, "found", lambda: None)
    (tmp_path / "config.toml").write_text('[session]\nisolation = "strong"\n[repl]\ncell_seconds = 5\n')
    status, out, _ = program("doctor", "--json")
    found = json.loads(out)
    assert status == 1
    assert (found["asked"], found["reached"]) == ("strong", None)
    assert found["limits"]["cell_seconds"] == 5
    assert [level["level"] for level in found["levels"]] == ["strong", "good"]
