"""Any OpenAI-compatible endpoint."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from distill_core.config.masking import masked_url, shown_variable
from distill_core.config.providing import Choice, Finding, Opened, Provider, sampling
from distill_core.config.settings import ModelProfile
from distill_core.environment import dotenv
from distill_core.errors import ConfigError
from distill_core.models.base import ModelHandler
from distill_core.models.credentials import host_of, is_loopback

if TYPE_CHECKING:
    from distill_core.models.openai import OpenAIHandler


def _open(choice: Choice, opened: Opened) -> ModelHandler:
    handler = _handler(choice)
    opened.on_close(handler.close)
    if handler.key_missing is not None:
        # Said before the session starts: code that asks a worker in vain only finds that nothing was found.
        raise ConfigError(
            f"the {choice.role} {choice.profile.model} at {handler.host} needs a key",
            found=f"{handler.key_missing} is not set",
            remedy=f"export {handler.key_missing}=…, or name another endpoint with --base-url",
        )
    return handler


def _look(choice: Choice, live: bool) -> list[Finding]:
    try:
        handler = _handler(choice)
    except ConfigError as error:
        return [Finding("check", f"failed: {error}", fine=False)]
    told = [Finding("endpoint", masked_url(handler.base_url)), Finding("key", handler.key_source)]
    if not live:
        return told
    try:
        found = handler.check()
    finally:
        handler.close()
    if not found.ok:
        return [*told, Finding("check", f"failed: {found.error or 'no reason given'}", fine=False)]
    served = f"{len(found.served)} models served"
    return [*told, Finding("check", f"ok, {found.latency * 1000:.0f} ms, {served}")]


def _handler(choice: Choice) -> OpenAIHandler:
    """Raises ConfigError: the profile names no model, no URL, or a key that is not set."""
    from distill_core.models.openai import OpenAIHandler

    profile = choice.profile
    if not profile.model:
        raise ConfigError(
            f"the {choice.role} has no model", found=choice.why, remedy="name one: `model` in a profile"
        )
    return OpenAIHandler(
        profile.model,
        profile.base_url,
        api_key=_key(profile),
        timeout=profile.timeout or 120.0,
        max_concurrency=profile.concurrency or 64,
        **sampling(choice),
    )


def _key(profile: ModelProfile) -> str | None:
    """The key that the profile names, from the environment or `.env`; None leaves the choice to the host's rule."""
    if profile.api_key_env is None:
        return None
    value = os.environ.get(profile.api_key_env) or dotenv().get(profile.api_key_env)
    if not value:
        raise ConfigError(
            f"{shown_variable(profile.api_key_env)} is not set",
            found=f"the key of {profile.model}",
            remedy="export it",
        )
    return value


PROVIDER = Provider(
    about="any OpenAI-compatible endpoint",
    open=_open,
    look=_look,
    unused=("managed", "engine"),
    paid=lambda profile: not is_loopback(host_of(profile.base_url or "")),
)
