"""From settings to models: which handler plays supervisor and worker, and what each costs.

Never passes something weaker off as a model: where nothing is configured it takes the embedded model if that is
installed, or says which ways there are.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from distill_core.budget import Prices, Role
from distill_core.config.layers import Effective
from distill_core.config.providing import Choice, Opened, names, provider
from distill_core.config.settings import ModelProfile, Style
from distill_core.errors import ConfigError
from distill_core.models.base import ModelHandler

ENDPOINTS = (
    "set TOGETHER_API_KEY, or name an endpoint with --base-url and --worker (and its key), "
    "or a GGUF file with --gguf"
)
WAYS = (
    f"{ENDPOINTS}, or run a small model here: pip install 'distill-tui[local]' && "
    "distill-tui models pull qwen2.5-coder-1.5b"
)


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """The two models of a session, ready to be asked, and how to let go of them.

    Args:
        prices: what each role costs, where that is configured.
        prompt_style: how the supervisor is told its job.
        worker_ctx_k: the worker's context window in thousands of tokens.
        close: stops what was started for them.
        unpriced: roles whose calls cost money, nobody said how much.
        notes: what the person may have meant otherwise, in a line each.
    """

    supervisor: ModelHandler
    worker: ModelHandler
    prices: dict[Role, Prices]
    prompt_style: Style
    worker_ctx_k: int
    close: Callable[[], None]
    unpriced: tuple[Role, ...] = ()
    notes: tuple[str, ...] = ()


def choices(effective: Effective, *, gguf: Path | None = None, playbook: bool = False) -> dict[Role, Choice]:
    """Which profile plays which role.

    Raises:
        ConfigError: nothing is configured and no embedded model is there, or a profile is incomplete.
    """
    _contradictions(effective, gguf, playbook)
    worker = _worker(effective, gguf)
    return {"supervisor": _supervisor(effective, worker, gguf, playbook), "worker": worker}


def choose_models(effective: Effective, *, gguf: Path | None = None, playbook: bool = False) -> Models:
    """The models of a session, with what they need started. Blocks while an embedded model loads (seconds).

    Raises:
        ConfigError: as `choices`.
        ModelError: a local model cannot be started.
    """
    chosen = choices(effective, gguf=gguf, playbook=playbook)
    _money_is_counted(effective, chosen)
    handlers, close = _opened(chosen)
    return Models(
        supervisor=handlers["supervisor"],
        worker=handlers["worker"],
        prices=_priced(chosen),
        prompt_style=_style(chosen["supervisor"].profile),
        worker_ctx_k=_context_k(effective, chosen["worker"]),
        close=close,
        unpriced=_unpriced(chosen),
        notes=tuple(dict.fromkeys(note for role in chosen if (note := _misspelt(effective, role)))),
    )


def models_with(models: Models, effective: Effective, roles: Sequence[Role]) -> Models:
    """`models`, those of `roles` opened anew as the settings name them. Its `close` lets go of the new ones only.

    Raises:
        ConfigError: as `choices`.
        ModelError: a local model cannot be started.
    """
    chosen = {role: _named(effective, role) for role in roles}
    stays = tuple(role for role in models.unpriced if role not in chosen)
    if stays and effective.settings.limits.money is not None:
        _not_counted(effective, stays[0], getattr(models, stays[0]).model)
    _money_is_counted(effective, chosen)
    handlers, close = _opened(chosen)
    supervisor, worker = chosen.get("supervisor"), chosen.get("worker")
    return msgspec.structs.replace(
        models,
        **handlers,
        prices={**{r: p for r, p in models.prices.items() if r not in chosen}, **_priced(chosen)},
        prompt_style=models.prompt_style if supervisor is None else _style(supervisor.profile),
        worker_ctx_k=models.worker_ctx_k if worker is None else _context_k(effective, worker),
        close=close,
        unpriced=(*stays, *_unpriced(chosen)),
    )


def _opened(chosen: dict[Role, Choice]) -> tuple[dict[Role, ModelHandler], Callable[[], None]]:
    """Handlers of the chosen models, and how to let go of what was started for them."""
    opened = Opened()
    try:
        handlers = {
            role: provider(choice.profile.provider).open(choice, opened) for role, choice in chosen.items()
        }
    except BaseException:
        opened.close()
        raise
    return handlers, opened.close


def _context_k(effective: Effective, worker: Choice) -> int:
    return worker.profile.context_k or effective.settings.session.worker_ctx_k


def _priced(chosen: dict[Role, Choice]) -> dict[Role, Prices]:
    return {role: p for role, choice in chosen.items() if (p := _prices(choice.profile)) is not None}


def _unpriced(chosen: dict[Role, Choice]) -> tuple[Role, ...]:
    return tuple(
        role
        for role, choice in chosen.items()
        if _prices(choice.profile) is None and provider(choice.profile.provider).paid(choice.profile)
    )


def _contradictions(effective: Effective, gguf: Path | None, playbook: bool) -> None:
    """Refuse what cannot be meant together, rather than let one quietly win."""
    if playbook and effective.origin("supervisor") == "flag":
        raise ConfigError("--playbook and --supervisor both name the supervisor", remedy="leave one out")
    if gguf is not None and effective.origin("worker") == "flag":
        raise ConfigError("--gguf and --worker both name the worker", remedy="leave one out")


def _money_is_counted(effective: Effective, chosen: dict[Role, Choice]) -> None:
    """A bound on money bounds nothing where a model costs some and nobody said how much."""
    if effective.settings.limits.money is not None:
        for role in _unpriced(chosen):
            _not_counted(effective, role, chosen[role].profile.model)


def _not_counted(effective: Effective, role: Role, model: str) -> NoReturn:
    raise ConfigError(
        f"limits.money ({effective.origin('limits.money')}) cannot be kept",
        found=f"no price is known for the {role} {model}",
        remedy="give it a profile with price_prompt and price_completion, see docs/CONFIG.md",
    )


def _named(effective: Effective, role: Role) -> Choice:
    """The choice that the settings name for a role."""
    profile, why = _profile(effective, role)
    if role not in provider(profile.provider).plays:
        raise ConfigError(
            f"the {profile.provider} cannot be the {role}",
            remedy="it writes code; name a model with --worker",
        )
    return Choice(role=role, profile=profile, why=why)


def _worker(effective: Effective, gguf: Path | None) -> Choice:
    if gguf is not None:
        return Choice(role="worker", profile=ModelProfile(provider="embedded", model=str(gguf)), why="--gguf")
    if _nothing_configured(effective):
        return _embedded("worker")
    return _named(effective, "worker")


def _supervisor(effective: Effective, worker: Choice, gguf: Path | None, playbook: bool) -> Choice:
    no_model = ModelProfile(provider="playbook", model="playbook")
    if playbook:
        return Choice(role="supervisor", profile=no_model, why="--playbook")
    if effective.is_default("supervisor"):
        if gguf is not None or _nothing_configured(effective):
            return Choice(role="supervisor", profile=worker.profile, why=worker.why)
        if not effective.is_default("worker"):
            return Choice(
                role="supervisor", profile=no_model, why="a worker is configured and no supervisor is"
            )
    return _named(effective, "supervisor")


_ENDPOINTS = ("openai", "vllm")
"""Providers that need more than their name: a model called so is one of the endpoint's."""


def _profile(effective: Effective, role: Role) -> tuple[ModelProfile, str]:
    settings = effective.settings
    name = settings.supervisor if role == "supervisor" else settings.worker
    why = effective.origin(role)
    if name in settings.models:
        profile = settings.models[name]
        _no_idle_keys(effective, name, profile)
        return msgspec.structs.replace(
            profile, base_url=profile.base_url or settings.base_url
        ), f"{why}: [models.{name}]"
    if name in names() and name not in _ENDPOINTS:
        return ModelProfile(provider=name), why
    return ModelProfile(model=name, base_url=settings.base_url), why


def _misspelt(effective: Effective, role: Role) -> str:
    """That a name which is taken for a model's is nearly that of a profile; "" where it is not."""
    settings = effective.settings
    name = settings.supervisor if role == "supervisor" else settings.worker
    near = difflib.get_close_matches(name, settings.models, 1, cutoff=0.75)
    if not near or name in settings.models or name in names() or effective.is_default(role):
        return ""
    return (
        f"no profile is called {name!r} ({near[0]!r} is one): it is taken for a model of {settings.base_url}"
    )


def _no_idle_keys(effective: Effective, name: str, profile: ModelProfile) -> None:
    """Refuse keys that would be ignored."""
    for key in provider(profile.provider).unused:
        origin = effective.origin(f"models.{name}.{key}")
        if origin != "default":
            raise ConfigError(
                f"{origin}: models.{name}.{key} means nothing to provider {profile.provider}",
                remedy="leave it out, or name another provider",
            )


def _nothing_configured(effective: Effective) -> bool:
    """No model, no endpoint and no key for the default one."""
    if not all(effective.is_default(key) for key in ("supervisor", "worker", "base_url")):
        return False
    from distill_core.models.credentials import key_for

    return key_for(effective.settings.base_url).value is None


def _embedded(role: Role) -> Choice:
    from distill_core.models import weights

    if importlib.util.find_spec("xllamacpp") is None:
        raise ConfigError(
            "no model is configured", found="no key, no endpoint, no local runtime", remedy=WAYS
        )
    if weights.find(weights.DEFAULT) is None:
        raise ConfigError(
            "no model is configured",
            found="no key and no endpoint; the local runtime is installed, its weights are not",
            remedy=f"{ENDPOINTS}, or fetch them: distill-tui models pull {weights.DEFAULT}",
        )
    why = "nothing is configured, and the embedded model is installed"
    return Choice(role=role, profile=ModelProfile(provider="embedded", model=weights.DEFAULT), why=why)


def _prices(profile: ModelProfile) -> Prices | None:
    if profile.price_prompt is None and profile.price_completion is None:
        return None
    return Prices(
        prompt=profile.price_prompt or 0.0,
        completion=profile.price_completion or 0.0,
        cached=profile.price_cached,
    )


SMALL = 8_000_000_000
"""Parameters below which a supervisor gets the compact prompt."""


def _style(profile: ModelProfile) -> Style:
    if profile.prompt_style is not None:
        return profile.prompt_style
    if provider(profile.provider).small:
        return "compact"
    size = parameters(profile.model)
    return "compact" if size is not None and size < SMALL else "full"


def parameters(model: str) -> float | None:
    """How many parameters a model's name says it has ("Qwen2.5-7B" → 7e9), None where it does not say."""
    import re

    sizes = re.findall(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)([bBmM])(?![A-Za-z0-9])", model)
    return float(sizes[-1][0]) * (1e9 if sizes[-1][1] in "bB" else 1e6) if sizes else None
