"""Whom a test runs as: the account of the test run, and, where that is root, an ordinary user too.

A checkout, an environment or a Python of root's may lie where nobody else can read it. The ordinary user then gets a
readable copy of what the tests need; where that cannot be had either, the test fails and says why.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

NOBODY = 65534
REPOSITORY = Path(__file__).parents[3]
_OURS = ("distill_core", "sessions", "themes", "tui", "tests")
_THEIRS = ("msgspec", "typing_extensions")
"""What of installed packages a REPL and its harness import."""
_NOT_COPIED = shutil.ignore_patterns(
    "site-packages", "test", "idlelib", "config-*", "__pycache__", "snapshots"
)
_TRY = "import distill_core.repl, tui.text, sys; open(sys.executable, 'rb')"


class Account(NamedTuple):
    """How to run Python as somebody.

    Args:
        prefix: what stands before the program on a command line.
        python: the interpreter.
        repository: the checkout, or a copy of it, that this account can read.
        folders: where it finds packages, for PYTHONPATH.
    """

    prefix: tuple[str, ...]
    python: str
    repository: Path
    folders: tuple[str, ...]

    @property
    def command(self) -> list[str]:
        """What to put before arguments of Python."""
        return [*self.prefix, self.python]

    @property
    def environment(self) -> dict[str, str]:
        """This process's own, with the packages in reach."""
        return {**os.environ, "PYTHONPATH": os.pathsep.join(self.folders), "HOME": "/"}


def current() -> str:
    """The account of this run: "root" or "user"."""
    return "root" if os.getuid() == 0 else "user"


def account(name: str) -> Account:
    """How to run Python as "root" or "user"; skips where this run is no root's and root is asked for."""
    if name == current():
        packages = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
        return Account((), sys.executable, REPOSITORY, tuple(dict.fromkeys((str(REPOSITORY), *packages))))
    if name == "root":
        pytest.skip("running as root takes a test run by root")
    found = _nobody()
    if isinstance(found, str):
        pytest.fail(found)
    return found


def if_had(name: str) -> Account | None:
    """The same, None where it cannot be had."""
    if name == "user" and current() == "root":
        found = _nobody()
        return found if isinstance(found, Account) else None
    return account(name) if name == current() else None


@contextmanager
def seen_from(account: Account) -> Iterator[None]:
    """Within it this process takes itself for that account."""
    if not account.prefix:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@lru_cache(maxsize=1)
def _nobody() -> Account | str:
    """An ordinary user's account, or why there is none."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return "running as an ordinary user takes setpriv (package util-linux)"
    prefix = (setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    here = account(current())
    tried: list[str] = []
    if (problem := _problem(as_is := here._replace(prefix=prefix))) is None:
        return as_is
    tried.append(f"{here.python}: {problem}")
    home = Path(tempfile.mkdtemp(prefix="distill-readable-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    _copy_packages(home)
    for python in _interpreters(home):
        copied = Account(prefix, python, home, (str(home),))
        if (problem := _problem(copied)) is None:
            return copied
        tried.append(f"{python}: {problem}")
    return (
        f"no Python {_version()} that user {NOBODY} may run; make one readable to all, or install one system-wide. "
        f"Tried {'; '.join(tried)}"
    )


def _problem(account: Account) -> str | None:
    """Why this account cannot run a REPL; None if it can. The environment is bare, as the REPL's child has it."""
    # setpriv keeps root's rights until it has executed something, so the interpreter itself has to run.
    packages = os.pathsep.join(account.folders)
    try:
        ended = subprocess.run(
            [*account.command, "-B", "-c", _TRY],
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "PYTHONPATH": packages},
        )
    except OSError as error:
        return str(error)
    said = ended.stderr.strip().splitlines()
    return None if ended.returncode == 0 else (said[-1] if said else f"status {ended.returncode}")


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _copy_packages(home: Path) -> None:
    home.chmod(0o755)
    for name in _OURS:
        shutil.copytree(REPOSITORY / name, home / name, ignore=_NOT_COPIED)
    for name in _THEIRS:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, home / name, ignore=_NOT_COPIED)
        else:
            shutil.copy(origin, home / origin.name)
    _open_to_all(home)


def _interpreters(home: Path) -> Iterator[str]:
    """Pythons of this version that may be readable to all, a copy of this run's own last."""
    for folder in ("/usr/bin", "/usr/local/bin"):
        yield f"{folder}/python{_version()}"
    own, name = Path(sys.base_prefix), f"python{_version()}"
    copy = home / "python"
    (copy / "bin").mkdir(parents=True)
    shutil.copy(os.path.realpath(sys.executable), copy / "bin" / name)
    shutil.copytree(own / "lib" / name, copy / "lib" / name, ignore=_NOT_COPIED)
    for library in (own / "lib").glob("libpython*.so*"):
        shutil.copy(library, copy / "lib" / library.name)
    _open_to_all(copy)
    yield str(copy / "bin" / name)


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else path.stat().st_mode | 0o444)
