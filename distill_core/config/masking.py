"""Settings as they may be shown and recorded: what may be a key is masked, wherever a person has put it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from distill_core.config.layers import Value

MASK = "***"

_SECRET = {
    "auth",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "key",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "secrets",
    "token",
}
"""Words that make the name of a free-form setting that of a secret: `hf_token` is one, `max_tokens` is not."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def masked(value: Value) -> Value:
    """`value` without secrets.

    Those are user and query of an endpoint, a key in the place of its variable's name, and what `engine` holds under a
    telling name.
    """
    return msgspec.structs.replace(value, value=_masked(value.key.rpartition(".")[2], value.value))


def masked_url(url: str) -> str:
    """`url` without user, password and query, each of which may be a key."""
    scheme, there, rest = url.partition("://")
    if not there:
        scheme, rest = "", url
    if "@" in rest:
        rest = f"{MASK}@{rest.rpartition('@')[2]}"
    cut = re.search(r"[?#]", rest)
    if cut is not None:
        rest = rest[: cut.start() + 1] + MASK
    return scheme + there + rest


def shown_variable(name: str) -> str:
    """The name of a variable as it may be shown: many a key would pass for a name, if one in small letters."""
    return name if name.isupper() else MASK


def _masked(name: str, value: Any) -> Any:
    if name == "base_url" and isinstance(value, str):
        return masked_url(value)
    if name == "api_key_env" and isinstance(value, str):
        return shown_variable(value)
    if name == "engine" and isinstance(value, Mapping):
        return _free_form(value)
    return value


def _free_form(value: Any) -> Any:
    """What a person may have nested in any way."""
    if isinstance(value, Mapping):
        return {name: MASK if _tells(name) else _free_form(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_free_form(inner) for inner in value]
    return masked_url(value) if isinstance(value, str) and "://" in value else value


def _tells(name: str) -> bool:
    return any(word.lower() in _SECRET for word in _WORD.findall(name))
