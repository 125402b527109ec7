"""The wall of macOS, as far as it can be looked at without a Mac: its profile, and that nobody believes it unproven."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path

import pytest

from distill_core.errors import ReplError
from distill_core.isolation import levels, seatbelt
from distill_core.isolation.doctor import examine
from distill_core.isolation.inside.policy import Paths
from distill_core.isolation.inside.probes import Probe
from distill_core.isolation.inside.walled import proven
from distill_core.isolation.seatbelt_policy import RULES
from distill_core.repl import REPL
from tui.cli.commands.doctor import report

_STAND_IN = Path(__file__).parents[2] / "fakes" / "sandbox_exec"
_NEVER = (
    "network",
    "process-fork",
    "signal",
    "mach",
    "iokit",
    "sysctl-write",
    "ipc-posix",
    "file-write-mode",
    "file-write-flags",
    "file-link",
    "file-ioctl",
    "pseudo-tty",
    "system-",
)
_WORD = re.compile(r'\s*(?:(\()|(\))|("(?:[^"\\]|\\.)*")|([^\s()"]+))')


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> None:
    sysconfig.get_config_vars()  # read from a file that is named after the system
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.delattr(os, "pidfd_open")
    monkeypatch.setattr(seatbelt, "PROGRAM", str(_STAND_IN))


def parsed(text: str) -> list[object]:
    """The forms of a profile, as lists of words."""
    stack: list[list[object]] = [[]]
    at = 0
    while at < len(text.rstrip()):
        word = _WORD.match(text, at)
        assert word is not None, text[at : at + 40]
        at = word.end()
        if word[1]:
            stack.append([])
        elif word[2]:
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(word[3] or word[4])
    assert len(stack) == 1
    return stack[0]


def words(form: object) -> list[str]:
    """All words of a form."""
    return [word for part in form for word in words(part)] if isinstance(form, list) else [str(form)]


def command(folder: Path, name: str = "a file") -> list[str]:
    """What starts a program behind Seatbelt that may read `name` in a folder, whose name may be odd."""
    (folder / "scratch").mkdir(parents=True)
    (folder / name).touch()
    paths = Paths((str(folder / name),), (str(folder),), ("/dev/null",), (str(folder / "scratch"),))
    return seatbelt.wrapped("sandbox-exec", [sys.executable, "-c", "pass"], paths, code=(), folders=())


@pytest.mark.parametrize(
    "name", ['quo"te', "(allow default)", "back\\slash", "new\nline", "spa ce", "=", "ü\udcff"]
)
def test_no_path_gets_into_the_profile_and_each_is_a_parameter(tmp_path: Path, name: str) -> None:
    odd = command(tmp_path / name, name)
    plain = command(tmp_path / "plain")
    options = odd[odd.index("-p") + 2 : odd.index("--")]
    given = dict(option.removeprefix("-D").split("=", 1) for option in options)
    text = odd[odd.index("-p") + 1]
    assert len(given) == len(options)
    assert all(option.startswith("-D") for option in options)
    used = [word.strip('"') for form in parsed(text) for word in words(form) if word.strip('"') in given]
    assert sorted(used) == sorted(given)
    assert given["SCRATCH_0"] == str(tmp_path / name / "scratch")
    assert str(tmp_path / name / name) in given.values()
    ours = re.sub(r"_\d+", "", text)
    assert set(ours.split()) == set(re.sub(r"_\d+", "", plain[plain.index("-p") + 1]).split())
    assert odd[odd.index("--") + 1 :] == [os.path.realpath(sys.executable), "-c", "pass"]


def test_the_profile_denies_first_and_allows_nothing_that_reaches_out(tmp_path: Path) -> None:
    started = command(tmp_path)
    version, default, *rules = parsed(started[started.index("-p") + 1])
    assert (version, default) == (["version", "1"], ["deny", "default"])
    allowed = {
        word
        for rule in rules
        if isinstance(rule, list) and rule[0] == "allow"
        for word in rule[1:]
        if isinstance(word, str)
    }
    assert allowed
    assert not [operation for operation in allowed if operation.startswith(_NEVER)]
    for rule in rules:
        assert isinstance(rule, list)
        writes = any(str(word).startswith("file-write") for word in rule)
        if writes and rule[0] == "allow":
            assert {word for word in words(rule) if "_" in word} <= {'"SCRATCH_0"', '"DEVICE_0"'}
        # An operation without a filter would be allowed on everything.
        assert rule[0] == "deny" or any(isinstance(part, list) for part in rule)


def test_where_there_is_no_path_there_is_no_rule() -> None:
    kinds: dict[str, list[str]] = {kind: [] for rule in RULES for _, kind in rule.paths}
    assert "file-write" not in seatbelt.profile(kinds)
    assert "process-exec" not in seatbelt.profile(kinds)


def test_a_wall_that_is_none_is_found_out_and_refused(mac: None) -> None:
    with pytest.raises(ReplError) as caught, REPL(""):
        pass
    told = str(caught.value)
    assert "no isolation can be had here" in told
    for door in (
        "read a file of the host",
        "reach the loopback network",
        "start a process",
        "execute a program (ENOEXEC)",
        "signal the host",
        "read the environment of the host by sysctl (cannot be tried",
        "look up the keychain's service (cannot be tried",
    ):
        assert door in told
    assert '"none"' in told


def test_without_sandbox_exec_it_refuses(mac: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seatbelt, "PROGRAM", "/nonexistent/sandbox-exec")
    with pytest.raises(ReplError, match="/nonexistent/sandbox-exec is not there"), REPL(""):
        pass


def test_a_level_of_another_system_is_refused(mac: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for level in ("strong", "good"):
        with pytest.raises(ReplError, match="there is no such isolation"), REPL("", isolation=level):
            pass
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(ReplError, match="Seatbelt is macOS's"), REPL("", isolation="seatbelt"):
        pass


def test_the_level_is_what_the_probes_prove() -> None:
    def doors(*opened: str) -> tuple[Probe, ...]:
        names = (
            "read a file of the host",
            "list the root folder",
            "signal itself with kill",
            "see a file of the host",
        )
        return tuple(Probe(name, name not in opened, "EPERM") for name in names)

    assert proven(doors()) == "seatbelt"
    assert proven(doors("list the root folder", "signal itself with kill")) == "seatbelt"
    assert proven(doors("see a file of the host")) == "none"
    assert levels.suffices("auto", "seatbelt", "seatbelt")
    assert not levels.suffices("auto", "seatbelt", "none")
    assert not levels.suffices("auto", "seatbelt", "good")
    assert not levels.suffices("good", "good", "seatbelt")


def test_the_doctor_says_what_there_is_and_that_it_was_never_tried(mac: None) -> None:
    found = examine()
    assert found.reached is None
    (level,) = found.levels
    assert level.level == "seatbelt"
    assert "read a file of the host" in (level.reason or "")
    assert "Linux" in (level.remedy or "")
    told = "\n".join(report(found))
    assert "not yet run on macOS" in told
    assert "Landlock" not in told
    assert examine("none").reached == "none"
