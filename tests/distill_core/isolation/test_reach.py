"""What stays in reach: this interpreter's library, packages on the list, and nobody else's files."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from distill_core.isolation.reach import package_paths, reach


def test_the_standard_library_is_in_reach_and_installed_packages_are_not() -> None:
    paths = reach((), (), "/scratch")
    library = sysconfig.get_path("stdlib")
    assert f"{library}/json" in paths.read
    assert library in paths.list
    assert library not in paths.read
    assert not [path for path in paths.read if Path(path).name in ("site-packages", "dist-packages")]
    assert paths.scratch == ("/scratch",)


def test_nothing_of_a_home_or_of_proc_is_in_reach() -> None:
    paths = reach((), (), "/scratch")
    reached = {*paths.read, *paths.list, *paths.device}
    for outside in (
        Path.home(),
        Path("/"),
        Path("/etc"),
        Path("/proc"),
        Path("/dev"),
        Path("/tmp"),
        Path("/run"),
    ):
        assert str(outside) not in reached


def test_a_package_comes_with_the_libraries_of_its_wheel(tmp_path: Path) -> None:
    (tmp_path / "abacus").mkdir()
    (tmp_path / "abacus" / "__init__.py").touch()
    (tmp_path / "abacus.libs").mkdir()
    (tmp_path / "bead.py").touch()
    (tmp_path / "secret.py").touch()
    assert package_paths("abacus", [str(tmp_path)]) == [
        str(tmp_path / "abacus"),
        str(tmp_path / "abacus.libs"),
    ]
    assert package_paths("bead", [str(tmp_path)]) == [str(tmp_path / "bead.py")]
    assert package_paths("absent", [str(tmp_path)]) == []
    assert str(tmp_path) not in reach(("abacus", "bead"), [str(tmp_path)], "/scratch").read
