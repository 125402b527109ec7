"""What can be set, with its defaults. The names are those of the TOML file.

A docstring's "Args" say what each key means; `distill-tui config` shows what is in force.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from distill_core.approval import PolicyName
from distill_core.events import Limits
from distill_core.models.openai import DEFAULT_BASE_URL
from distill_core.repl.values import ReplLimits

Style: TypeAlias = Literal["full", "compact"]

SUPERVISOR = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
WORKER = "meta-llama/Llama-3.1-8B-Instruct-Turbo"


LABELS = (
    "correct",
    "partly correct",
    "wrong",
    "unsupported",
    "incomplete",
    "off topic",
    "wasteful",
    "elegant",
    "exemplary",
)
"""Labels where no others are configured."""
DEFINITIONS = {
    "correct": "What it says is right, all of it.",
    "partly correct": "Some of what it says is right, and some is wrong or missing.",
    "wrong": "What it says is not so.",
    "unsupported": "The document does not say what it claims.",
    "incomplete": "It leaves out something that was asked for.",
    "off topic": "It answers another question.",
    "wasteful": "It reads, calls or computes far more than it needs.",
    "elegant": "It gets there with little, and in a way that is easy to follow.",
    "exemplary": "An example of how it should be done.",
}
"""What those labels mean."""


class ModelProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model under a name of the person's own: a `[models.NAME]` table.

    Args:
        provider: "openai" is any OpenAI-compatible endpoint; "vllm" runs a model here; "embedded" is the small
            model of the `local` extra; "playbook" is no model.
        model: what the endpoint calls it; for "vllm" and "embedded" a path or a name.
        base_url: the endpoint; default: the `base_url` setting.
        api_key_env: environment variable (or `.env` entry) that holds its key; default: chosen by the host.
        temperature: sampling temperature.
        max_tokens: tokens that a reply may have.
        seed: sampling seed.
        timeout: seconds that the server may be silent.
        concurrency: calls in flight.
        managed: for "vllm", a server of its own instead of the engine in this process.
        engine: for "vllm", arguments of the engine.
        prompt_style: how the supervisor is told its job; "compact" suits models of a few billion parameters.
        context_k: its context window in thousands of tokens.
        price_prompt: US dollars per million tokens read; `price_completion` written, `price_cached` read from cache.
    """

    provider: str = "openai"
    model: str = ""
    base_url: str | None = None
    api_key_env: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    timeout: float | None = None
    concurrency: int | None = None
    managed: bool = True
    engine: dict[str, Any] = msgspec.field(default_factory=dict)
    prompt_style: Style | None = None
    context_k: int | None = None
    price_prompt: float | None = None
    price_completion: float | None = None
    price_cached: float | None = None


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[session]` table.

    Args:
        output_limit: characters of a cell's output that the supervisor is shown.
        worker_ctx_k: the worker's context window in thousands of tokens, where its profile does not say.
        isolation: how strong a wall to insist on; "auto" takes the strongest there is. None at all is asked for on the
            command line only.
        dialect: "rlm" offers the names that RLM-trained models were taught beside ours.
        primitives: Python files whose functions the code may call; they run outside the wall, with all your rights.
        approve: who decides on steps; see `approval.POLICIES`. Live sessions start with it.
        cache: whether equal model calls are answered from the cache on disk.
        log_dir: folder of the next session; default: a new one in the home.
        seed: of `random` in the REPL.
    """

    output_limit: int = 2000
    worker_ctx_k: int = 8
    isolation: Literal["auto", "strong", "good", "seatbelt"] = "auto"
    dialect: Literal["distill", "rlm"] = "distill"
    primitives: list[str] = msgspec.field(default_factory=list)
    approve: PolicyName = "ask"
    cache: bool = True
    log_dir: str | None = None
    seed: int = 0


class ScreenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[screen]` table.

    Args:
        theme: a palette's name; default: the one chosen last.
        name: how decisions are signed; default: the login.
        alert: how a person is called to a decision: the terminal's bell, its desktop notification (OSC 9), or both.
    """

    theme: str | None = None
    name: str | None = None
    alert: Literal["none", "bell", "desktop", "both"] = "none"


class AnnotationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[annotation]` table.

    Args:
        labels: the vocabulary that labels are chosen from.
        definitions: what labels mean, a sentence each; for whoever judges, and for whoever reads a data set's card.
        rubric: a TOML file of criteria, see `config.rubric`; default: the one that comes with the program.
        best: the highest rating, 2 to 9, since a rating is given by a digit; the lowest is 1.
    """

    labels: list[str] = msgspec.field(default_factory=lambda: list(LABELS))
    definitions: dict[str, str] = msgspec.field(default_factory=dict)
    rubric: str | None = None
    best: int = 5


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings.

    Args:
        supervisor: name of a profile, or a model as `base_url` calls it, or "playbook".
        worker: name of a profile, or a model as `base_url` calls it.
        base_url: the endpoint of models that have no profile.
        home: where sessions are kept; default: the platform's place for a program's data.
        keys: key or keys of an action of the screens, by the two parts of its id: `[keys.decide]`, `approve = "y"`.
    """

    supervisor: str = SUPERVISOR
    worker: str = WORKER
    base_url: str = DEFAULT_BASE_URL
    home: str | None = None
    models: dict[str, ModelProfile] = msgspec.field(default_factory=dict)
    limits: Limits = Limits()
    repl: ReplLimits = ReplLimits()
    session: SessionSettings = SessionSettings()
    screen: ScreenSettings = ScreenSettings()
    annotation: AnnotationSettings = AnnotationSettings()
    keys: dict[str, dict[str, str | list[str]]] = msgspec.field(default_factory=dict)
