"""A key goes to the host it is for, and to no other unless a person has put the two together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from distill_core.errors import ConfigError
from distill_core.models.credentials import Key, is_loopback, key_for, scrub, usable
from distill_core.models.openai import OpenAIHandler

BOTH = {"OPENAI_API_KEY": "open-key", "TOGETHER_API_KEY": "together-key"}
OPENAI = "https://api.openai.com/v1"
TOGETHER = "https://api.together.xyz/v1"


@pytest.mark.parametrize(
    ("base_url", "value", "source"),
    [
        (OPENAI, "open-key", "OPENAI_API_KEY"),
        (TOGETHER, "together-key", "TOGETHER_API_KEY"),
        ("https://api.together.ai/v1", "together-key", "TOGETHER_API_KEY"),
        ("http://127.0.0.1:8000/v1", "open-key", "OPENAI_API_KEY"),
        ("http://[::1]:8000/v1", "open-key", "OPENAI_API_KEY"),
        ("https://models.example.com/v1", None, "none"),
        ("https://api.openai.com.example.com/v1", None, "none"),
        ("https://nottogether.xyz/v1", None, "none"),
    ],
)
def test_each_host_gets_its_own_key(tmp_path: Path, base_url: str, value: str | None, source: str) -> None:
    found = key_for(base_url, environ=BOTH, folder=tmp_path)
    assert (found.value, found.source) == (value, source)


def test_the_other_providers_key_is_no_substitute(tmp_path: Path) -> None:
    found = key_for(TOGETHER, environ={"OPENAI_API_KEY": "open-key"}, folder=tmp_path)
    assert (found.value, found.missing) == (None, "TOGETHER_API_KEY")
    found = key_for(OPENAI, environ={"TOGETHER_API_KEY": "together-key"}, folder=tmp_path)
    assert (found.value, found.missing) == (None, "OPENAI_API_KEY")


def test_loopback_needs_no_key_and_takes_either(tmp_path: Path) -> None:
    none = key_for("http://localhost:8000/v1", environ={}, folder=tmp_path)
    assert (none.value, none.missing) == (None, None)
    other = key_for("http://localhost:8000/v1", environ={"TOGETHER_API_KEY": "t"}, folder=tmp_path)
    assert other.value == "t"


def test_a_key_beside_the_base_url_goes_there(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "open-key", "BASE_URL": "https://models.example.com/v1"}
    assert key_for("https://models.example.com/v1", environ=environ, folder=tmp_path).value == "open-key"
    assert key_for("https://elsewhere.example.com/v1", environ=environ, folder=tmp_path).value is None


def test_a_base_url_in_one_place_does_not_vouch_for_a_key_in_another(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BASE_URL=https://models.example.com/v1\n")
    environ = {"OPENAI_API_KEY": "open-key"}
    assert key_for("https://models.example.com/v1", environ=environ, folder=tmp_path).value is None


def test_given_before_environment_before_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-file\n")
    assert key_for(OPENAI, "given-key", environ=BOTH, folder=tmp_path).value == "given-key"
    assert key_for(OPENAI, environ=BOTH, folder=tmp_path).value == "open-key"
    found = key_for(OPENAI, environ={"OPENAI_API_KEY": ""}, folder=tmp_path)
    assert (found.value, found.source) == ("from-file", "OPENAI_API_KEY in .env")


def test_a_file_is_read_without_touching_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-file\n")
    assert key_for(OPENAI).value == "from-file"
    assert "OPENAI_API_KEY" not in os.environ


def test_a_key_does_not_show_when_printed() -> None:
    assert "open-key" not in repr(key_for(OPENAI, "open-key"))
    assert scrub("Bearer open-key and open-key", "open-key") == "Bearer *** and ***"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1", "app.localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "example.com", "localhost.example.com", ""])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_a_user_in_the_url_and_a_key_exclude_one_another() -> None:
    url = "http://ann:s3cret@h/v1"
    assert usable(url, Key(None, "none")).value is None
    with pytest.raises(
        ConfigError, match=r"names a user, and there is a key as well \(OPENAI_API_KEY\)"
    ) as refused:
        usable(url, Key("sk-1234", "OPENAI_API_KEY"))
    assert "s3cret" not in str(refused.value)
    assert "sk-1234" not in str(refused.value)


@pytest.mark.parametrize("url", ["ftp://h/v1", "h/v1", "http://", "http://h:99999/v1", "http://[bad"])
def test_a_handler_for_no_endpoint_cannot_be_made(url: str) -> None:
    with pytest.raises(ConfigError, match="is no URL of an endpoint"):
        OpenAIHandler("m", url, api_key="k")
