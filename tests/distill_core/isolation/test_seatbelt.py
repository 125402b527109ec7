"""The wall of macOS, as far as it can be looked at without a Mac: its profile, and that nobody believes it unproven."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core.errors import ReplError
from distill_core.isolation import levels, seatbelt
from distill_core.isolation.doctor import examine
from distill_core.isolation.inside.descriptors import close_all_but
from distill_core.isolation.inside.policy import Paths
from distill_core.isolation.inside.probes import Probe
from distill_core.isolation.inside.walled import proven
from distill_core.isolation.seatbelt_policy import RULES, SYSTEM
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
_CHROMIUM = "Chromium, sandbox/policy/mac/common.sb"
_FIREFOX = "Firefox, security/sandbox/mac/SandboxPolicyContent.h"
_CODEX = "Codex, codex-rs/core/src/seatbelt_base_policy.sbpl"
_CODEX_FILES = "Codex, codex-rs/sandboxing/src/restricted_read_only_platform_defaults.sbpl"
_TERMIHUB = "termiHub, its host of plug-ins: the profile of its module `macos`"
_OPERATIONS = {
    "default": _CHROMIUM,
    "process-exec": _CHROMIUM,
    "process-info*": _FIREFOX,  # denied there first too; allowed on (target self) by termiHub
    "nvram*": _FIREFOX,
    "iokit-get-properties": _FIREFOX,
    "file-map-executable": _FIREFOX,  # denied first and allowed by path, as here
    "sysctl-read": _CHROMIUM,
    "file-read*": _CHROMIUM,
    "file-read-metadata": _CHROMIUM,
    "file-write-data": _FIREFOX,
    "file-write-create": _FIREFOX,
    "file-write-unlink": _CHROMIUM,
    "file-test-existence": _CODEX_FILES,
}
"""Names of operations that a macOS in use takes, by who hands them to it."""
_FILTERS = {
    "literal": _FIREFOX,
    "subpath": _CHROMIUM,
    "param": _CHROMIUM,
    "target": _CHROMIUM,
    "sysctl-name": _CHROMIUM,
    "sysctl-name-prefix": _CODEX,
}
_FACTS = {
    _CHROMIUM: """
        hw.activecpu hw.busfrequency_compat hw.byteorder hw.cachelinesize_compat hw.cpufrequency_compat hw.cputype
        hw.logicalcpu_max hw.machine hw.ncpu hw.pagesize_compat hw.physicalcpu_max hw.tbfrequency_compat hw.vectorunit
        kern.hostname kern.maxfilesperproc kern.osproductversion kern.osrelease kern.ostype kern.osvariant_status
        kern.osversion kern.secure_kernel kern.usrstack64 kern.version sysctl.proc_cputype
        """,
    _CODEX: """
        hw.cacheconfig hw.cpufamily hw.l1dcachesize_compat hw.l1icachesize_compat hw.l2cachesize_compat
        hw.l3cachesize_compat hw.logicalcpu hw.memsize hw.nperflevels hw.packages hw.pagesize hw.physicalcpu
        kern.argmax machdep.cpu.brand_string
        """,
    _FIREFOX: "hw.cachelinesize hw.l2cachesize hw.l3cachesize sysctl.proc_translated",
    _TERMIHUB: "hw.cpusubtype hw.l1dcachesize hw.l1icachesize",
}
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


def rules_of(forms: list[object]) -> Iterator[list[object]]:
    """The rules among them, those included that hang on a condition."""
    for form in forms:
        assert isinstance(form, list), form
        if form[0] in ("allow", "deny"):
            yield form
        elif form[0] == "if":
            yield from rules_of(form[2:])


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
    used = {word.strip('"') for form in parsed(text) for word in words(form)} & set(given)
    assert used == set(given)
    assert given["SCRATCH_0"] == str(tmp_path / name / "scratch")
    assert str(tmp_path / name / name) in given.values()
    ours = re.sub(r"_\d+", "", text)
    assert set(ours.split()) == set(re.sub(r"_\d+", "", plain[plain.index("-p") + 1]).split())
    assert odd[odd.index("--") + 1 :] == [os.path.realpath(sys.executable), "-c", "pass"]


def test_the_profile_denies_first_and_allows_nothing_that_reaches_out(tmp_path: Path) -> None:
    started = command(tmp_path)
    version, default, *forms = parsed(started[started.index("-p") + 1])
    assert (version, default) == (["version", "1"], ["deny", "default"])
    rules = list(rules_of(forms))
    allowed = {word for rule in rules if rule[0] == "allow" for word in rule[1:] if isinstance(word, str)}
    assert allowed
    assert not [operation for operation in allowed if operation.startswith(_NEVER)]
    for rule in rules:
        writes = any(str(word).startswith("file-write") for word in rule)
        if writes and rule[0] == "allow":
            assert {word for word in words(rule) if "_" in word} <= {'"SCRATCH_0"', '"DEVICE_0"'}
        # An operation without a filter would be allowed on everything.
        assert rule[0] == "deny" or any(isinstance(part, list) for part in rule)


def test_each_name_in_the_profile_is_one_that_macos_takes_from_others(tmp_path: Path) -> None:
    started = command(tmp_path)
    version, *forms = parsed(seatbelt.profile(_kinds(started), ["dyld-support.sb"]))
    assert version == ["version", "1"]
    assert ["import", '"dyld-support.sb"'] in forms  # Apple's own, and imported by its name by others
    facts = {name for names in _FACTS.values() for name in names.split()}
    for form in forms:
        assert isinstance(form, list)
        assert form[0] in ("allow", "deny", "if", "import")
        if form[0] == "if":  # as Chromium and Firefox ask for names that not every version has
            assert len(form) == 3
            assert form[1] == ["defined?", f"'{form[2][1]}"]  # type: ignore[index]
    for _, *parts in rules_of([form for form in forms if form != ["import", '"dyld-support.sb"']]):
        assert parts
        for part in parts:
            if isinstance(part, str):
                assert part in _OPERATIONS
                continue
            assert isinstance(part, list)
            name, value = part
            assert name in _FILTERS
            assert name != "sysctl-name" or value.strip('"') in facts, value
            assert name != "sysctl-name-prefix" or value in ('"hw.optional."', '"hw.perflevel"')
            assert name != "target" or value == "self"
    assert len(SYSTEM) == len(set(SYSTEM))


def test_a_denial_comes_before_what_is_allowed_by_the_same_name(tmp_path: Path) -> None:
    """Of rules for one operation the last that fits holds; of one for many operations that for the single one."""
    seen: set[object] = set()
    for verdict, *parts in rules_of(parsed(seatbelt.profile(_kinds(command(tmp_path))))[1:]):
        operations = {part for part in parts if isinstance(part, str)}
        assert verdict == "allow" or not operations & seen
        seen |= operations if verdict == "allow" else set()


def _kinds(started: list[str]) -> dict[str, list[str]]:
    """The paths of each kind that a command hands over."""
    kinds: dict[str, list[str]] = {}
    for option in started:
        if option.startswith("-D"):
            name, _, path = option.removeprefix("-D").partition("=")
            kinds.setdefault(name.rpartition("_")[0], []).append(path)
    return kinds


def test_links_on_the_way_to_a_path_can_be_looked_up(tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / "packages").mkdir(parents=True)
    (real / "scratch").mkdir()
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to(real)
    (real / "again").symlink_to("again")
    told = [str(tmp_path / "one" / "packages"), str(real / "again" / "x")]
    paths = Paths((told[0],), (), (), (str(real / "scratch"),))
    kinds = seatbelt.parameters(os.path.realpath(sys.executable), paths, (), told)
    assert {str(tmp_path / "one"), str(tmp_path / "two"), str(real), str(tmp_path), "/"} <= set(
        kinds["ABOVE"]
    )
    assert str(real / "packages") in kinds["READ"]
    assert not set(kinds["ABOVE"]) & {path for kind in ("READ", "LIST", "SCRATCH") for path in kinds[kind]}


def test_descriptors_are_let_go_of_where_their_number_has_no_end(tmp_path: Path) -> None:
    program = """
        import os, sys
        sys.path.insert(0, sys.argv[1])
        from inside.descriptors import close_all_but
        open_ = [os.open(os.devnull, os.O_RDONLY) for _ in range(5)]
        far = os.dup2(open_[0], 900)
        sys.platform = "darwin"
        os.sysconf = lambda name: -1
        close_all_but((0, 1, 2, open_[2]))
        print([fd for fd in range(1024) if os.path.exists(f"/proc/self/fd/{fd}")] == [0, 1, 2, open_[2]])
        """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(Path(seatbelt.__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "True\n"


def test_descriptors_that_cannot_be_told_are_no_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(path: str) -> list[str]:
        raise PermissionError(1, "Operation not permitted", path)

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(os, "listdir", hidden)
    with pytest.raises(PermissionError):
        close_all_but((0, 1, 2))


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
