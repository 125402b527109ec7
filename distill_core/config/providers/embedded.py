"""The small model of the `local` extra, run on this machine by one server for both roles."""

from __future__ import annotations

import time
from pathlib import Path

from distill_core.config.providing import Choice, Finding, Opened, Provider, sampling
from distill_core.errors import ModelError, WeightsError
from distill_core.models.base import ModelHandler


def _open(choice: Choice, opened: Opened) -> ModelHandler:
    from distill_core.models import weights
    from distill_core.models.local import LocalServer

    name = choice.profile.model or weights.DEFAULT
    server = opened.shared.get(name)
    if server is None:
        server = LocalServer.start(Path(name) if name.endswith(".gguf") else name)
        opened.shared[name] = server
        opened.on_close(server.close)
    handler: ModelHandler = server.handler(**sampling(choice, small=True))
    return handler


def _look(choice: Choice, live: bool) -> list[Finding]:
    from distill_core.models import weights

    try:
        told = [Finding("weights", str(weights.resolve(choice.profile.model or weights.DEFAULT)))]
    except WeightsError as error:
        return [Finding("check", f"failed: {error}", fine=False)]
    return [*told, _asked(choice)] if live else told


def _asked(choice: Choice) -> Finding:
    """Whether the model loads and answers, by loading it and asking for one token."""
    opened = Opened()
    started = time.monotonic()
    try:
        handler = _open(choice, opened)
        loaded = time.monotonic()
        handler.chat([{"role": "user", "content": "Hi"}], max_tokens=1)
    except ModelError as error:
        return Finding("check", f"failed: {error}", fine=False)
    finally:
        opened.close()
    return Finding(
        "check", f"ok, loaded in {loaded - started:.1f} s, answered in {time.monotonic() - loaded:.1f} s"
    )


PROVIDER = Provider(
    about="the small model of the `local` extra, on this machine",
    open=_open,
    look=_look,
    unused=("base_url", "api_key_env", "timeout", "concurrency", "managed", "engine"),
    small=True,
)
