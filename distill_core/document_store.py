"""Documents, kept once by content hash beside the sessions that used them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from distill_core.errors import DocumentError, LogError
from distill_core.events import DocumentRef
from distill_core.text import encodable, encodable_value

PIECE = 1 << 20
"""Characters encoded at a time, so that a large document is never held twice."""


def keep(context: str | list[Any] | dict[str, Any], folder: Path | None, *, name: str = "") -> DocumentRef:
    """Store `context` in `folder` (nowhere if None) and say how to find it again.

    Text is stored as UTF-8 `SHA256.txt`, lists and dicts as `SHA256.json`; the hash is of the stored bytes.

    Raises:
        DocumentError: a list or dict holds what JSON cannot.
        LogError: the folder cannot be written.
    """
    digest = hashlib.sha256()
    for piece in _pieces(context):
        digest.update(piece)
    kind: Literal["str", "list", "dict"] = "dict"
    if isinstance(context, str | list):
        kind = "str" if isinstance(context, str) else "list"
    chars = len(context) if isinstance(context, str) else sum(len(p) for p in _pieces(context))
    reference = DocumentRef(sha256=digest.hexdigest(), kind=kind, chars=chars, name=encodable(name))
    if folder is not None:
        path = document_path(folder, reference)
        try:
            _write_once(path, context)
        except OSError as error:
            raise LogError(
                f"cannot keep the document in {folder}", found=error.strerror or str(error)
            ) from error
    return reference


def document_path(folder: Path, reference: DocumentRef) -> Path:
    """Where `keep` puts the document in `folder`."""
    return folder / f"{reference.sha256}.{'txt' if reference.kind == 'str' else 'json'}"


def fetch(folder: Path, reference: DocumentRef) -> str | list[Any] | dict[str, Any]:
    """The document as it was kept.

    Raises:
        LogError: it is not there, or is not what was kept.
    """
    path = document_path(folder, reference)
    try:
        if path.exists() and not path.is_file():  # who opens a pipe may wait for ever
            raise LogError(f"cannot read the kept document {path}", found="it is no file")
        data = path.read_bytes()
    except OSError as error:
        raise LogError(f"cannot read the kept document {path}", found=error.strerror or str(error)) from error
    if hashlib.sha256(data).hexdigest() != reference.sha256:
        raise LogError(f"the kept document {path} was changed", found="its hash is another")
    if reference.kind == "str":
        return data.decode()
    value: list[Any] | dict[str, Any] = msgspec.json.decode(data)
    return value


def _pieces(context: str | list[Any] | dict[str, Any]) -> Iterator[bytes]:
    if isinstance(context, str):
        for start in range(0, len(context), PIECE):
            piece = context[start : start + PIECE]
            yield piece.encode("utf-8", "backslashreplace")
        return
    try:
        yield _as_json(context)
    except (TypeError, OverflowError, RecursionError) as error:
        key = _key_that_is_no_text(context)
        raise DocumentError(
            f"the context is a {type(context).__name__} that JSON cannot hold",
            found=f"the key {key}, which is no string" if key else str(error),
            remedy="use strings, numbers, booleans, None, lists and dicts with string keys",
        ) from error


def _as_json(context: list[Any] | dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(context, order="deterministic")
    except UnicodeEncodeError:
        # Lone surrogates, spelled out here as they are in text.
        return msgspec.json.encode(encodable_value(context), order="deterministic")


def _key_that_is_no_text(context: list[Any] | dict[str, Any]) -> str:
    """How the first key of a dict in `context` that is no str is written; "" where all are."""
    waiting: list[Any] = [context]
    seen: set[int] = set()
    while waiting:
        item = waiting.pop()
        if not isinstance(item, dict | list | tuple) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            for key in item:
                if not isinstance(key, str):
                    return encodable(repr(key))[:200]
            waiting += item.values()
        else:
            waiting += item
    return ""


def renewed(path: Path) -> bool:
    """Whether the document at `path` is kept; it counts as kept just now then, for whoever deletes old ones that no
    session reads: the session that is about to read it is not there yet."""
    try:
        os.utime(path)
    except OSError:  # not there, or where nothing can be written
        return path.exists()
    return True


def _write_once(path: Path, context: str | list[Any] | dict[str, Any]) -> None:
    if renewed(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in _pieces(context):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
