"""Where an export goes: a folder, which is written aside and then renamed, or any place that fsspec knows."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from distill_core.errors import ExportError
from sessions.export.alone import Alone
from sessions.export.records import MANIFEST, Manifest, read_manifest


class Destination(Protocol):
    """A place for one export."""

    def before(self) -> tuple[Path, Manifest] | None:
        """The export that is there already, as a folder on this machine, and what it remembers of itself.

        Raises:
            ExportError: something else is there, or it cannot be looked at.
        """
        ...

    def aside(self) -> Path:
        """The folder to write in, with what an interrupted export left there.

        Raises:
            ExportError: it cannot be made.
        """
        ...

    def publish(self) -> None:
        """Put what was written aside in its place, whole.

        Raises:
            ExportError: that fails. In a folder what was there before still is; elsewhere, where nothing can be
                renamed, what is there is known as unfinished, and the next export writes it anew.
        """
        ...

    def close(self) -> None:
        """Remove what was only for the time of the export."""
        ...


def destination(place: str) -> Destination:
    """The destination that `place`, a path or an URL, names.

    Raises:
        ExportError: the URL's kind of place needs a library that is missing, or no folder can be of that name.
    """
    if "://" in place and not place.startswith("file://"):
        return _Remote(place)
    return _Folder(Path(place.removeprefix("file://")))


class _Folder:
    def __init__(self, folder: Path) -> None:
        # Behind a link, so that what it leads to is renamed and not the link.
        self._folder = Path(os.path.realpath(folder))
        if not self._folder.name:
            raise ExportError(
                f"cannot export to {folder}",
                found="it is the root of all folders",
                remedy="name a folder in it",
            )
        self._aside = self._folder.with_name(f".{self._folder.name}.part")
        self._old = self._folder.with_name(f".{self._folder.name}.old")
        self._lock = Alone(self._folder.with_name(f".{self._folder.name}.lock"))

    def before(self) -> tuple[Path, Manifest] | None:
        with _told(f"cannot export to {self._folder}"):
            with contextlib.suppress(OSError):  # only who writes must be alone
                self._take()
            if self._old.exists() and not self._folder.exists():
                # Between two renames the program died: what was there before is still whole.
                self._old.rename(self._folder)
            if not self._folder.exists():
                return None
            if not self._folder.is_dir():
                raise NotADirectoryError(20, "it is a file")
            manifest = read_manifest(self._folder)
            if manifest is not None:
                return self._folder, manifest
            if any(self._folder.iterdir()):
                raise ExportError(
                    f"cannot export to {self._folder}",
                    found="it is not empty, and holds no export",
                    remedy="name another folder",
                )
            return None

    def aside(self) -> Path:
        with _told(f"cannot export to {self._folder}"):
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._take()
            self._aside.mkdir(exist_ok=True)
            if self._folder.exists() and not os.access(self._folder.parent, os.W_OK):
                raise PermissionError(13, "its parent folder is not writable")
        return self._aside

    def publish(self) -> None:
        with _told(f"cannot export to {self._folder}"):
            if self._folder.exists():
                shutil.rmtree(self._old, ignore_errors=True)
                self._folder.rename(self._old)
            self._aside.rename(self._folder)
            shutil.rmtree(self._old, ignore_errors=True)

    def close(self) -> None:
        # An interrupted export stays aside, to be gone on with.
        with contextlib.suppress(OSError):
            self._aside.rmdir()
        self._lock.release()

    def _take(self) -> None:
        if not self._lock.take():
            raise ExportError(
                f"cannot export to {self._folder}",
                found="another export is being written there",
                remedy="wait for it, or name another folder",
            )


_WITH_BUCKETS = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "r2"}
"""Kinds of places that have no folders. Asked for one, fsspec's libraries make its bucket, also a misspelt one; and who
may write to a part of a bucket only, cannot ask whether it is there."""
_UNFINISHED = b'{"unfinished":true}\n'
"""In the place of a manifest: an export is being put there, or was when its program died."""


class _Remote:
    def __init__(self, url: str) -> None:
        try:
            import fsspec
        except ImportError as error:
            raise ExportError(
                "an URL needs fsspec", found=url, remedy='pip install "distill-tui[export]"'
            ) from error
        with _told_of(url):
            try:
                fs, path = fsspec.core.url_to_fs(url)
            except (ImportError, ValueError) as error:
                raise ExportError(
                    f"cannot export to {url}", found=str(error), remedy="install what it names"
                ) from error
        self._url = url
        self._fs: Any = fs
        self._path = path.rstrip("/")
        self._work = Path(tempfile.mkdtemp(prefix="distill-export-"))

    def before(self) -> tuple[Path, Manifest] | None:
        with _told_of(self._url):
            there = self._fs.find(self._path) if self._fs.exists(self._path) else []
            if not there:
                return None
            local = self._work / "before"
            local.mkdir()
            if self._fs.exists(f"{self._path}/{MANIFEST}"):
                self._fs.get_file(f"{self._path}/{MANIFEST}", str(local / MANIFEST))
                if (local / MANIFEST).read_bytes() == _UNFINISHED:
                    return None
            manifest = read_manifest(local)
            if manifest is None:
                raise ExportError(
                    f"cannot export to {self._url}",
                    found="it is not empty, and holds no export",
                    remedy="name another place",
                )
            for file in there:
                target = local / file[len(self._path) :].lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                self._fs.get_file(file, str(target))
        return local, manifest

    def aside(self) -> Path:
        folder = self._work / "aside"
        folder.mkdir(exist_ok=True)
        return folder

    def publish(self) -> None:
        folder = self._work / "aside"
        with _told_of(self._url):
            names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
            # The manifest goes last. Until it is there another in its place tells that what is there is half written:
            # neither the export of before, whose files are written over one by one, nor somebody else's.
            begun = self._work / "begun"
            begun.write_bytes(_UNFINISHED)
            self._put(begun, MANIFEST)
            for name in [n for n in names if n != MANIFEST] + [n for n in names if n == MANIFEST]:
                self._put(folder / name, name)
            wanted = {f"{self._path}/{name}" for name in names}
            for file in self._fs.find(self._path):
                if file not in wanted:
                    self._fs.rm_file(file)

    def _put(self, file: Path, name: str) -> None:
        if self._url.partition("://")[0] not in _WITH_BUCKETS:
            self._fs.makedirs(f"{self._path}/{name}".rpartition("/")[0], exist_ok=True)
        self._fs.put_file(str(file), f"{self._path}/{name}")

    def close(self) -> None:
        shutil.rmtree(self._work, ignore_errors=True)


@contextlib.contextmanager
def _told_of(url: str) -> Iterator[None]:
    """Tell what a library for places elsewhere raises, which may be anything."""
    try:
        yield
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(
            f"cannot export to {url}",
            found=" ".join(f"{type(error).__name__}: {error}".split()),
            remedy="look at the URL, the network and the credentials",
        ) from error


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExportError(
            what, found=error.strerror or str(error), remedy="name a place that can be written"
        ) from error
