"""The form of a new session: its fields, what is wrong with them, and the command line that they amount to."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec

from distill_core.approval import POLICIES
from distill_core.errors import ConfigError
from tui.memory import NewSession
from tui.widgets.fields import Field, no_number, plain

FIELDS: tuple[Field, ...] = (
    Field(
        name="documents",
        label="Documents",
        hint="files, folders or patterns; ctrl+o looks for them",
        rows=2,
    ),
    Field(name="question", label="Question", hint="what you want to know", option="--question", rows=3),
    Field(name="supervisor", label="Supervisor", hint="as configured", option="--supervisor"),
    Field(name="worker", label="Worker", hint="as configured", option="--worker"),
    Field(
        name="base_url",
        label="Endpoint",
        hint="as configured; http://…/v1 for both models",
        option="--base-url",
    ),
    Field(
        name="policy",
        label="Approve",
        hint="who decides on steps",
        option="--approve",
        choices=tuple(POLICIES),
    ),
    Field(name="turns", label="Turns", hint="15 at most", option="--max-turns", number=True),
    Field(
        name="worker_calls",
        label="Worker calls",
        hint="2,000 at most",
        option="--max-worker-calls",
        number=True,
    ),
    Field(name="tokens", label="Tokens", hint="no bound", option="--max-tokens", number=True),
    Field(name="money", label="US dollars", hint="no bound", option="--max-cost", number=True),
)


def problem(values: NewSession) -> tuple[str, str] | None:
    """The field that is wrong, and what is wrong with it; None if the session can start."""
    try:
        named = documents(values)
    except ConfigError as error:
        return "documents", str(error)
    if not named:
        return "documents", "name a document; ctrl+o looks for one"
    missing = [name for name in named if not any(mark in name for mark in "*?[") and not Path(name).exists()]
    if missing:
        return "documents", f"there is no {missing[0]}"
    if not values.question.strip():
        return "question", "a question is needed"
    return no_number(FIELDS, msgspec.structs.asdict(values))


def documents(values: NewSession) -> list[str]:
    """The documents as named, `~` spelled out; names with spaces are quoted as in a shell.

    Raises:
        ConfigError: a quotation mark is not closed.
    """
    try:
        return [str(Path(name).expanduser()) for name in shlex.split(values.documents)]
    except ValueError as error:
        raise ConfigError("the documents cannot be told apart", found=str(error)) from error


def arguments(values: NewSession) -> list[str]:
    """The arguments of `distill-tui` that start this session."""
    found = ["run"]
    for field in FIELDS:
        value = getattr(values, field.name).strip()
        if field.option and value:
            found += [field.option, plain(value) if field.number else value]
    return [*found, "--", *documents(values)]


def quoted(paths: list[str]) -> str:
    """Paths as the documents field has them."""
    return shlex.join(paths)
