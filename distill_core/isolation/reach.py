"""What of the file system a locked child still needs: the standard library, packages on a list, shared libraries."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path

from distill_core.isolation.inside.policy import Paths

_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
_DATA = ("/usr/share/zoneinfo", "/etc/localtime", "/usr/lib/locale")
_LOADER = ("/etc/ld.so.cache", "/etc/alternatives", "/lib64", "/usr/lib64")
_OTHERS_PACKAGES = frozenset(("site-packages", "dist-packages"))


def reach(packages: Iterable[str], folders: Sequence[str], scratch: str) -> Paths:
    """The paths that stay in reach of a child that runs this interpreter.

    Args:
        packages: top-level names of packages that may be imported where they are installed.
        folders: where packages are installed.
        scratch: the folder that is the child's own.
    """
    return Paths(
        read=_read(tuple(packages), tuple(folders), _changed(folders)),
        list=library_folders(),
        device=tuple(path for path in _DEVICES if Path(path).exists()),
        scratch=(scratch,),
    )


def _changed(folders: Sequence[str]) -> tuple[int, ...]:
    """When packages were last put into folders, or taken out of them."""
    return tuple(Path(folder).stat().st_mtime_ns for folder in folders if Path(folder).is_dir())


@lru_cache(maxsize=8)
def _read(packages: tuple[str, ...], folders: tuple[str, ...], changed: tuple[int, ...]) -> tuple[str, ...]:
    """What may be read. Looking for it takes longer than anything else before a process is started."""
    read = [*_standard_library(), *_shared_libraries()]
    for name in packages:
        read += package_paths(name, folders)
    read += [path for path in _DATA if Path(path).exists()]
    return tuple(dict.fromkeys(read))


def package_paths(name: str, folders: Sequence[str]) -> list[str]:
    """The files and folders that are the package or module `name`; none where it is not installed."""
    spec = PathFinder.find_spec(name, list(folders))
    if spec is None:
        return []
    paths = list(spec.submodule_search_locations or ([spec.origin] if spec.origin else []))
    # Shared libraries that a wheel brings along lie in a folder beside the package.
    beside = [Path(path).parent / f"{name}.libs" for path in paths]
    return [*paths, *(str(path) for path in beside if path.is_dir())]


@lru_cache(maxsize=1)
def library_folders() -> tuple[str, ...]:
    """The folders of the standard library, listed by every import."""
    names = (sysconfig.get_path("stdlib"), sysconfig.get_config_var("DESTSHARED"))
    return tuple(dict.fromkeys(name for name in names if name and Path(name).is_dir()))


@lru_cache(maxsize=1)
def _standard_library() -> tuple[str, ...]:
    """What is in it, piece by piece: installed packages lie in one of its folders, and are left out."""
    folders = library_folders()
    return tuple(
        str(path)
        for folder in folders
        if str(Path(folder).parent) not in folders
        for path in sorted(Path(folder).iterdir())
        if path.name not in _OTHERS_PACKAGES
    )


@lru_cache(maxsize=1)
def _shared_libraries() -> tuple[str, ...]:
    """Where the dynamic loader finds what extension modules are linked with."""
    triplet = sysconfig.get_config_var("MULTIARCH")
    found = [Path(root, triplet) for root in ("/lib", "/usr/lib") if triplet]
    if not any(path.is_dir() for path in found):
        found = [Path("/lib"), Path("/usr/lib")]
    found += map(Path, _LOADER)
    found += sorted(Path(sys.base_prefix, "lib").glob("*.so*"))
    return tuple(str(path) for path in found if path.exists())
