"""The layers of configuration, laid over one another: defaults, file, `.env`, environment, flags.

Each layer is a flat mapping from key to value; a key is the path through the tables, since a profile's name may hold
dots. A wrong one is told with the place it stands in, the key, what
was found and what is allowed.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin

import msgspec

from distill_core.config.settings import AnnotationSettings, ModelProfile, Settings
from distill_core.environment import dotenv
from distill_core.errors import ConfigError

ENVIRONMENT = {
    "SUPERVISOR_MODEL": "supervisor",
    "WORKER_MODEL": "worker",
    "BASE_URL": "base_url",
    "LOG_DIR": "session.log_dir",
    "DISTILL_HOME": "home",
}
"""Variables that are honoured, and the keys they set. API keys are read where they are used, and nowhere else."""

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]*)`")


Key: TypeAlias = tuple[str, ...]
S = TypeVar("S", bound=msgspec.Struct)


class Layer(msgspec.Struct, frozen=True):
    """Settings from one place. `name` is said where one of them is wrong."""

    name: str
    values: Mapping[Key, Any]


class Value(msgspec.Struct, frozen=True):
    """An effective value and the name of the layer it came from."""

    key: str
    value: Any
    origin: str


class Effective(msgspec.Struct, frozen=True):
    """What is in force: the settings, and for every value where it came from."""

    settings: Settings
    values: tuple[Value, ...]

    def origin(self, key: str) -> str:
        """Where the value of dotted `key` came from; "default" where nobody set it."""
        return next((v.origin for v in self.values if v.key == key), "default")

    def is_default(self, key: str) -> bool:
        """Whether nobody set `key`."""
        return self.origin(key) == "default"


def config_path(explicit: str | Path | None = None) -> Path:
    """The configuration file: the one named, else `$DISTILL_CONFIG`, else the platform's place."""
    named = explicit or os.environ.get("DISTILL_CONFIG")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_config_path("distill-tui") / "config.toml"


def home_path(settings: Settings) -> Path:
    """Where sessions are kept.

    Raises:
        ConfigError: there is something else than a folder.
    """
    if settings.home:
        home = Path(settings.home).expanduser()
    else:
        import platformdirs

        home = platformdirs.user_data_path("distill-tui")
    if home.exists() and not home.is_dir():
        raise ConfigError(
            f"the home {home} is no folder",
            found="a file" if home.is_file() else None,
            remedy="name a folder with --home or DISTILL_HOME",
        )
    return home


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    path: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Effective:
    """The effective settings.

    Args:
        flags: values given on the command line, by dotted key; None in one means not given.
        path: the configuration file.
        environ: stands in for `os.environ`.
        folder: stands in for the working directory, where `.env` is looked for.

    Raises:
        ConfigError: a value is wrong, in one line that names place, key, what was found and what is allowed.
    """
    layers = [
        _file(config_path(path), explicit=path is not None or "DISTILL_CONFIG" in os.environ),
        _variables(".env", dotenv(folder)),
        _variables("environment", os.environ if environ is None else environ),
        Layer("flag", {tuple(k.split(".")): v for k, v in (flags or {}).items() if v is not None}),
    ]
    return merge(layers)


def merge(layers: list[Layer]) -> Effective:
    """`layers` over the defaults, later ones over earlier ones.

    Raises:
        ConfigError: a value is wrong.
    """
    tree: dict[str, Any] = {}
    origin: dict[Key, str] = {}
    for layer in layers:
        for key, value in layer.values.items():
            _put(tree, key, value, layer.name)
            origin[key] = layer.name
    profiles = tree.get("models")
    for name, table in profiles.items() if isinstance(profiles, dict) else ():
        profile = _checked(table, ModelProfile, ("models", name), origin)
        _known_provider(profile, name, origin)
        _reachable(profile.base_url, ("models", name, "base_url"), origin)
        _names_a_variable(profile.api_key_env, ("models", name, "api_key_env"), origin)
    settings = _checked(tree, Settings, (), origin)
    for named in ("supervisor", "worker", "base_url"):
        if tree.get(named) == "":
            raise ConfigError(f"{origin[(named,)]}: {named} is empty", remedy="name one, or leave it out")
    _vocabulary(settings.annotation, origin)
    _reachable(settings.base_url, ("base_url",), origin)
    effective = [
        Value(".".join(key), value, origin.get(key, "default"))
        for key, value in _flat(msgspec.to_builtins(settings))
    ]
    for value in effective:
        _in_range(value)
    return Effective(settings, tuple(effective))


def _vocabulary(annotation: AnnotationSettings, origin: Mapping[Key, str]) -> None:
    """See that labels can be typed one after another, with commas between them, and told apart."""
    key: Key = ("annotation", "labels")
    labels = annotation.labels
    for label in labels:
        if not label.strip() or label != label.strip() or "," in label or "\n" in label:
            remedy = "a label is words without a comma, and without space around them"
        elif labels.count(label) > 1:
            remedy = "each label stands there once"
        else:
            continue
        raise ConfigError(
            f"{origin.get(key, 'default')}: annotation.labels is wrong", found=repr(label), remedy=remedy
        )
    if not labels:
        raise ConfigError(
            f"{origin.get(key, 'default')}: annotation.labels is wrong",
            found="[]",
            remedy="name one label or more",
        )


def _known_provider(profile: ModelProfile, name: str, origin: Mapping[Key, str]) -> None:
    from distill_core.config.providing import names

    if profile.provider not in names():
        where = origin.get(("models", name, "provider"), "configuration")
        raise ConfigError(
            f"{where}: models.{name}.provider is wrong",
            found=repr(profile.provider),
            remedy="allowed are " + ", ".join(names()),
        )


def _reachable(base_url: str | None, key: Key, origin: Mapping[Key, str]) -> None:
    """Refuse an endpoint that no request can be sent to."""
    from distill_core.models.credentials import why_no_endpoint

    why = why_no_endpoint(base_url) if base_url else None
    if why is not None:
        raise ConfigError(
            f"{origin.get(key, 'configuration')}: {'.'.join(key)} is no URL of an endpoint",
            found=why,
            remedy="it begins with http:// or https:// and mostly ends with /v1",
        )


def _names_a_variable(name: str | None, key: Key, origin: Mapping[Key, str]) -> None:
    """Refuse what cannot be a variable's name, without showing it: somebody may have put the key itself there."""
    if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ConfigError(
            f"{origin.get(key, 'configuration')}: {'.'.join(key)} is no name of an environment variable",
            remedy="put the key into a variable, and the variable's name here",
        )


_ABOVE_ZERO = re.compile(
    r"limits\.turns|repl\.(?!checkpoints|checkpoint_bytes).+|session\.(output_limit|worker_ctx_k)|models\..+\.(concurrency|timeout|max_tokens|context_k)"
)
"""Numbers that mean nothing at zero. No other number here means anything below it, a seed excepted."""

RATINGS = (2, 9)
"""What the highest rating may be: one rating is no scale, and a rating is given by a digit."""


_LEAST = {
    "repl.memory_bytes": 1 << 20,
    "repl.frame_bytes": 4096,
    "repl.open_files": 16,
    "repl.start_seconds": 1,
}
"""With less than this no REPL gets ready."""


def _in_range(value: Value) -> None:
    """Refuse a number that nothing could be done with.

    Raises:
        ConfigError: it is too small, too large, or no number.
    """
    number = value.value
    if isinstance(number, bool) or not isinstance(number, int | float) or value.key.endswith("seed"):
        return
    if number < _LEAST.get(value.key, number):
        fits, allowed = False, f"{_LEAST[value.key]:,} or more"
    elif value.key == "annotation.best":
        least, most = RATINGS
        fits, allowed = least <= number <= most, f"{least} to {most}"
    elif _ABOVE_ZERO.fullmatch(value.key):
        fits, allowed = number > 0, "1 or more" if isinstance(number, int) else "more than 0"
    else:
        fits, allowed = number >= 0, "0 or more"
    if fits and math.isfinite(number):
        return
    raise ConfigError(
        f"{value.origin}: {value.key} is wrong", found=repr(number), remedy=f"allowed is {allowed}"
    )


def _file(path: Path, *, explicit: bool) -> Layer:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if explicit:
            raise ConfigError(
                f"no configuration file {path}", remedy="write one: distill-tui config init"
            ) from None
        return Layer(str(path), {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read the configuration file {path}", found=str(error)) from error
    return Layer(str(path), dict(_flat(table)))


def _variables(name: str, environ: Mapping[str, str]) -> Layer:
    found = {tuple(key.split(".")): environ[var] for var, key in ENVIRONMENT.items() if environ.get(var)}
    return Layer(name, found)


def _flat(table: Mapping[str, Any], above: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Keys and their values. An empty table is a value, so that it is not lost; so is `engine`, which is free-form."""
    for name, value in table.items():
        # An action's id may stand in quotes: `"decide.approve" = "y"` under `[keys]`.
        key = (*above, *name.split(".")) if above == ("keys",) else (*above, name)
        if isinstance(value, Mapping) and value and name != "engine":
            yield from _flat(value, key)
        else:
            yield key, value


def _put(tree: dict[str, Any], key: Key, value: Any, layer: str) -> None:
    at = tree
    for name in key[:-1]:
        at = at.setdefault(name, {})
        if not isinstance(at, dict):
            found = f"{name} is {at!r}, not a table"
            raise ConfigError(f"{layer}: {'.'.join(key)} cannot be set", found=found)
    at[key[-1]] = value


_EXPECTED = re.compile(r"Expected `(?P<kinds>[^`]+)`(?P<bound>( [<>]=? [-\d.]+)?)")
_KINDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "words in quotation marks",
    "array": "a list in brackets",
    "object": "a table",
}


def _checked(tree: Any, kind: type[S], above: Key, origin: Mapping[Key, str]) -> S:
    """`tree` as a `kind`; `above` is where it stands.

    Raises:
        ConfigError: in msgspec's words, with the place the value came from and what was found there.
    """
    try:
        return msgspec.convert(tree, kind, strict=True)
    except msgspec.ValidationError as error:
        words = str(error)
    place = _PLACE.search(words)
    inner = _spelled_out(tree, kind, place["path"]) if place else ()
    words = _PLACE.sub("", words)
    unknown = _UNKNOWN.search(words)
    names = _names(_kind_at(kind, inner))
    inner = (*inner, unknown["name"]) if unknown else inner
    key = (*above, *inner)
    where = next((name for k, name in origin.items() if k[: len(key)] == key), "configuration")
    if unknown:
        near = difflib.get_close_matches(unknown["name"], names, n=1)
        hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(names)
        raise ConfigError(f"{where}: there is no setting {'.'.join(key)}", remedy=hint)
    choices = _choices(_kind_at(kind, inner))
    hint = "allowed are " + ", ".join(choices) if choices else _in_words(words)
    if key[:1] == ("keys",) and len(key) == 2:
        hint = "an action has two parts, as decide.approve; distill-tui config keys lists them"
    raise ConfigError(f"{where}: {'.'.join(key)} is wrong", found=repr(_at(tree, inner)), remedy=hint)


def _spelled_out(tree: Any, kind: Any, path: str) -> Key:
    """The key that msgspec's `path` means, which says `[...]` for any entry of a table: the first that is wrong."""
    key: Key = ()
    for part in re.sub(r"\[\d+\]", "", path).replace("[...]", "[]").lstrip(".").split("."):
        name, *entries = part.split("[]")
        key = (*key, name)
        for _ in entries:
            entries_are, table = get_args(_kind_at(kind, key))[-1:], _at(tree, key)
            wrong = (
                [n for n, v in table.items() if not _is(v, entries_are)] if isinstance(table, dict) else []
            )
            key = (*key, *wrong[:1])
    return key


def _is(value: Any, kinds: tuple[Any, ...]) -> bool:
    try:
        return bool(kinds) and msgspec.convert(value, kinds[0], strict=True) is not None
    except msgspec.ValidationError:
        return False


def _in_words(told: str) -> str:
    """What msgspec says of a wrong value, for a person who writes TOML: "Expected `int | null`, got `str`"."""
    found = _EXPECTED.match(told)
    if found is None:
        return told
    kinds = [_KINDS[kind] for kind in found["kinds"].split(" | ") if kind in _KINDS]
    bound = found["bound"].replace(">=", "of at least").replace("<=", "of at most")
    return f"give {' or '.join(kinds)}{bound}" if kinds else told


def _at(tree: Any, key: Key) -> Any:
    for name in key:
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree


def _kind_at(kind: Any, key: Key) -> Any:
    """The type of the field at `key` of a struct type, and of entries of its tables."""
    for name in key:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
            continue
        fields = {f.encode_name: f.type for f in msgspec.structs.fields(kind)} if _is_struct(kind) else {}
        kind = fields.get(name)
    return kind


def _names(kind: Any) -> list[str]:
    return [f.encode_name for f in msgspec.structs.fields(kind)] if _is_struct(kind) else []


def _choices(kind: Any) -> list[str]:
    """The words that a Literal type allows; none for other types."""
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    return [choice for part in get_args(kind) for choice in _choices(part)]


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
