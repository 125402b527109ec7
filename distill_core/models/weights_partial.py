"""A file of weights on its way: bytes that have come, cut back to what is right, and who gave them."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from distill_core.models.catalogue import Weights

SourceName: TypeAlias = Literal["hub", "index"]
BLOCK = 16 << 20


class Partial:
    """The partial file of `weights` in `folder`, with a note beside it of the sources that made it longer."""

    def __init__(self, weights: Weights, folder: Path) -> None:
        self.path = folder / f"{weights.file}.partial"
        self._weights = weights
        self._note = folder / f"{weights.file}.partial.origins"

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def complete(self) -> bool:
        """Whether there are as many bytes as there should be."""
        return self.size == self._weights.size

    @property
    def origins(self) -> tuple[str, ...]:
        """The sources that gave bytes, in the order they came in."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._note.read_bytes(), type=tuple[str, ...])
        return ()

    def credit(self, source: SourceName) -> None:
        """Remember that `source` gave bytes."""
        origin = _describe(self._weights, source)
        if origin not in self.origins:
            self._note.write_bytes(msgspec.json.encode((*self.origins, origin)))

    def keep_sound(self, report: Callable[[Literal["checking", "verifying"], int], None]) -> None:
        """Cut the file back to what is known to be right, or may still prove to be: a stretch half fetched.

        A whole file is checked by its one sum. Where that differs, and for less than a file, the sums of the
        stretches tell how far it is sound.

        Args:
            report: told what is done, and how many bytes of it.
        """
        size = self.size
        if size == 0 or (self.complete and self._sha256(report) == self._weights.sha256):
            return
        end = 0
        with self.path.open("rb") as file:
            for part in self._weights.parts:
                report("checking", end)
                if end + part.size > size:
                    break
                if hashlib.sha256(file.read(part.size)).hexdigest() != part.sha256:
                    size = end
                    break
                end += part.size
        if size >= self._weights.size:
            # Too long, or wrong as a whole without a stretch to blame: nothing of it can be trusted.
            size = end if end < self._weights.size else 0
        os.truncate(self.path, size)
        if size == 0:
            self._note.unlink(missing_ok=True)  # whoever gave those bytes gave nothing

    def publish(self, path: Path) -> None:
        """Give the file, complete and checked, its final name, durably and at once."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(path)
        self._note.unlink(missing_ok=True)

    def _sha256(self, report: Callable[[Literal["checking", "verifying"], int], None]) -> str:
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
                report("verifying", file.tell())
        return digest.hexdigest()


def _describe(weights: Weights, source: SourceName) -> str:
    """A source as a person can follow it: the hub's address, or the packages."""
    if source == "hub":
        return weights.hub or ""
    packages = [part.package for part in weights.parts]
    return "package index: " + (packages[0] if len(packages) == 1 else f"{packages[0]} to {packages[-1]}")
