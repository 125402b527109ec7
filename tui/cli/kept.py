"""What the commands on a kept session share: which one is meant, and the settings and models it was made with."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.cli.options import SETTINGS, flags

if TYPE_CHECKING:
    from distill_core.config import Effective, Models
    from distill_core.record import Record
    from distill_core.rerunning import Divergence
    from sessions.kept import Kept

CHOSEN_THEN = (
    "supervisor",
    "worker",
    "base_url",
    "session.output_limit",
    "session.cache",
    "session.primitives",
)
"""Settings that a session which goes on keeps from its beginning, where nobody says otherwise now."""


def home_of(options: dict[str, Any]) -> Path:
    """Where sessions are kept."""
    from distill_core.config import home_path, load_settings

    given = {key: value for key, value in flags(options).items() if key == "home"}
    return home_path(load_settings(given, path=options.get("config")).settings)


def opened(name: str, options: dict[str, Any]) -> Kept:
    """The kept session called `name`, with its document.

    Raises:
        StoreError: there is none.
        LogError: it cannot be read.
    """
    from sessions.home import Home
    from sessions.kept import open_kept

    return open_kept(Home(home_of(options)).find(name))


def forked(wanted: Sequence[str] | None, options: dict[str, Any]) -> int:
    """Go on in the fork that the person asked for on the screen of a kept session, if they did.

    Args:
        wanted: the arguments of `distill-tui fork`.
    """
    if wanted is None:
        return 0
    from tui.cli.commands.fork import command as fork

    given = [("--config", options["config"]), ("--home", options["home"])]
    settings = [word for name, value in given if value is not None for word in (name, str(value))]
    status = fork.main([*wanted, *settings], standalone_mode=False)
    return status if isinstance(status, int) else 0


def settings_for(record: Record, options: dict[str, Any]) -> Effective:
    """Today's settings with the session's own choices over them, and over those what is said on the command line."""
    from distill_core.config import load_settings
    from distill_core.config.masking import MASK
    from distill_core.respecifying import settings_of

    chosen = settings_of(record)
    kept = {key: chosen[key] for key in CHOSEN_THEN if MASK not in str(chosen.get(key, MASK))}
    if record.started.supervisor == "playbook":
        kept["supervisor"] = "playbook"
    if options.get("playbook"):
        kept.pop("supervisor", None)
    if options.get("gguf"):
        kept.pop("worker", None)
    return load_settings({**kept, **flags(options)}, path=options.get("config"))


def same_models(record: Record, models: Models, options: dict[str, Any]) -> None:
    """See that the models are those of the session, unless others were asked for.

    Raises:
        ConfigError: a model is another, and nobody said so.
    """
    from distill_core.errors import ConfigError

    started = record.started
    for role, was, now in (
        ("supervisor", started.supervisor, models.supervisor.model),
        ("worker", started.worker, models.worker.model),
    ):
        named = options.get(role) or options.get("gguf") or (role == "supervisor" and options.get("playbook"))
        if was != now and not named:
            raise ConfigError(
                f"the session's {role} was {was}",
                found=f"today's settings give {now}",
                remedy=f"name one with --{role}",
            )


def limits_for(record: Record, effective: Effective) -> Any:
    """The session's bounds as they were at its end, with those of the command line over them."""
    import msgspec

    given = {
        key.removeprefix("limits."): getattr(effective.settings.limits, key.removeprefix("limits."))
        for key in SETTINGS.values()
        if key.startswith("limits.") and effective.origin(key) == "flag"
    }
    return msgspec.structs.replace(record.state.limits, **given)


def who(effective: Effective) -> str:
    """How the person signs."""
    return effective.settings.screen.name or getpass.getuser()


def reader(effective: Effective) -> str:
    """The annotator to whom others' judgements may be closed, see `sessions.curtain`; "" where no name is set."""
    return effective.settings.screen.name or ""


def difference_lines(differences: Sequence[Divergence]) -> list[str]:
    """What came out differently, both sides under one another."""
    from tui.differing import lines

    return [line for difference in differences for line in lines(difference)]
