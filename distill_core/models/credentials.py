"""Which key goes to which endpoint. The only place that reads keys from the environment or a `.env` file."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from distill_core.environment import dotenv
from distill_core.errors import ConfigError

TOGETHER_HOSTS = ("together.xyz", "together.ai")
OPENAI_HOSTS = ("openai.com",)
VARIABLES = ("OPENAI_API_KEY", "TOGETHER_API_KEY")


class Key(msgspec.Struct, frozen=True):
    """A key and where it came from. Printing one never shows it.

    Args:
        value: the key; None where there is none to send.
        source: for people: "given", "OPENAI_API_KEY", "OPENAI_API_KEY in .env", "none".
        missing: the variable to set, where the host is known to want a key and there is none.
    """

    value: str | None
    source: str
    missing: str | None = None

    def __repr__(self) -> str:
        return f"Key({'***' if self.value else None}, source={self.source!r})"


def key_for(
    base_url: str,
    given: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Key:
    """The key for an endpoint.

    A key that was given wins. Otherwise a variable is looked up in the environment, then in the `.env` file
    of the working directory (read, never put into the environment). A provider's key is never sent to a host
    that it is not for:

    - hosts of Together get `TOGETHER_API_KEY`, hosts of OpenAI get `OPENAI_API_KEY`, never the other's;
    - a loopback address gets either, if one is set, since it does not leave the machine; it needs none;
    - any other host gets either only where `BASE_URL`, set in the same place as the key, names that host:
    then a person has put the two together. Without that, give the key explicitly.

    Args:
        base_url: the endpoint.
        given: an explicit key.
        environ: stands in for `os.environ`.
        folder: stands in for the working directory.
    """
    if given and given.strip():
        return Key(given.strip(), "given")
    host = host_of(base_url)
    wanted = _variables(host)
    known = len(wanted) == 1
    for place, settings in _places(environ, folder):
        paired = host_of(settings.get("BASE_URL") or "") == host
        if not (known or is_loopback(host) or paired):
            continue
        for variable in wanted:
            if value := (
                settings.get(variable) or ""
            ).strip():  # `$(cat key)` in some shells ends with a line break
                return Key(value, variable + place)
    return Key(None, "none", missing=wanted[0] if known else None)


def why_no_endpoint(base_url: str) -> str | None:
    """What is wrong with the URL of an endpoint, for people and without what may be a key in it; None if nothing is."""
    if not base_url.isprintable() or " " in base_url:
        return "it holds a space, a line break or another character that no URL has"
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError as error:
        return f"{error}"
    if parts.scheme.lower() not in ("http", "https"):
        there = "://" in base_url and parts.scheme
        return f"its scheme is {parts.scheme!r}" if there else f"no http:// in {_plain(base_url)!r}"
    if not parts.hostname:
        return "it names no host"
    return "its port is 0" if port == 0 else None


def usable(base_url: str, key: Key) -> Key:
    """`key`, if it can be sent to `base_url`.

    Raises:
        ConfigError: no request can be sent there, the key is none, or the URL names a user beside it.
    """
    why = why_no_endpoint(base_url)
    if why is not None:
        raise ConfigError(
            "base_url is no URL of an endpoint",
            found=why,
            remedy="it begins with http:// or https:// and mostly ends with /v1",
        )
    if key.value is not None and not (key.value.isascii() and key.value.isprintable()):
        raise ConfigError(
            f"the key for {host_of(base_url)} ({key.source}) cannot be sent",
            found="it holds a line break, or a character that no key has",
            remedy="copy it once more",
        )
    if key.value is not None and urlsplit(base_url).username is not None:
        raise ConfigError(
            f"the URL of {host_of(base_url)} names a user, and there is a key as well ({key.source})",
            found="a request can carry one of the two",
            remedy="take the user out of base_url, or unset the key",
        )
    return key


def _plain(url: str) -> str:
    """What stands in front of anything that may be a secret."""
    return re.split(r"[@?#]", url.rpartition("@")[2], maxsplit=1)[0]


def host_of(base_url: str) -> str:
    """The host name of an URL, in lower case; empty where there is none, or where it is no URL."""
    try:
        return (urlsplit(base_url).hostname or "").lower()
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine by name or address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def scrub(text: str, key: str | None) -> str:
    """`text` without the key, wherever it stands in it."""
    return text.replace(key, "***") if key and len(key) >= 4 else text


def _variables(host: str) -> tuple[str, ...]:
    if _within(host, TOGETHER_HOSTS):
        return ("TOGETHER_API_KEY",)
    if _within(host, OPENAI_HOSTS):
        return ("OPENAI_API_KEY",)
    return VARIABLES


def _within(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith("." + domain) for domain in domains)


def _places(environ: Mapping[str, str] | None, folder: Path | None) -> list[tuple[str, Mapping[str, str]]]:
    return [("", os.environ if environ is None else environ), (" in .env", dotenv(folder))]
