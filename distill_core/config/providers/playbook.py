"""No model: programs written from named strategies."""

from __future__ import annotations

from distill_core.config.providing import Choice, Finding, Opened, Provider
from distill_core.models.base import ModelHandler


def _open(choice: Choice, opened: Opened) -> ModelHandler:
    from distill_core.playbook import PlaybookSupervisor

    return PlaybookSupervisor()


def _look(choice: Choice, live: bool) -> list[Finding]:
    return [Finding("check", "nothing to check: no model")]


PROVIDER = Provider(
    about="no model: programs from named strategies",
    open=_open,
    look=_look,
    unused=(
        *("base_url", "api_key_env", "temperature", "max_tokens", "seed"),
        *("timeout", "concurrency", "managed", "engine"),
    ),
    plays=("supervisor",),
)
