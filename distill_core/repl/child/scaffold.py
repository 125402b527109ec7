"""The names that every cell finds, whatever the last one did to them: worker, worker_batch, FINAL and the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from json.encoder import JSONEncoder
from types import FunctionType
from typing import Any

from .channel import Channel

_dump = JSONEncoder(ensure_ascii=False, default=str).encode
_LARGEST = 1 << 63
_GROUP = 10_000


class WorkerError(Exception):
    """A worker call that gave no text. As a value it says so, and is no string."""

    def __str__(self) -> str:
        return f"[no answer, the worker call failed: {' '.join(map(str, self.args))}]"


class PrimitiveError(Exception):
    """A primitive that failed on the host's side."""


class Finished(BaseException):
    """Carries control out of a cell after FINAL; not an Exception, so that `except Exception` lets it pass."""


for _shown in (WorkerError, PrimitiveError, Finished):
    _shown.__module__ = "__main__"


class Answer:
    """The first answer of a cell, told to the host the moment it is given.

    Args:
        channel: the line to the host.
        limit: characters that an answer may have.
    """

    def __init__(self, channel: Channel, limit: int) -> None:
        self._channel = channel
        self.limit = limit
        self.given = False

    def give(self, value: Any) -> None:
        """Make `value` the answer of this cell, unless it has one.

        Raises:
            ValueError: it is too long.
        """
        if self.given:
            return
        scalar, text = as_answer(value)
        if len(text) > self.limit:
            raise ValueError(f"an answer may have {self.limit:,} characters, this one has {len(text):,}")
        self._channel.send({"op": "final", "value": scalar, "text": text})
        self.given = True


def as_answer(value: Any) -> tuple[Any, str]:
    """`value` as JSON can hold it, and as text: containers become JSON text, what JSON lacks becomes `str`."""
    if value is None or isinstance(value, bool):
        return value, str(value)
    if type(value) is int and -_LARGEST <= value < _LARGEST:
        return value, str(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value), str(float(value))
    text = _as_json(value) if isinstance(value, dict | list | tuple) else str(value)
    return text, text


def _as_json(value: Any) -> str:
    try:
        return _dump(value)
    except (TypeError, ValueError, RecursionError):
        return str(value)


def build(channel: Channel, answer: Answer, query: str, primitives: list[dict[str, str]]) -> dict[str, Any]:
    """The scaffold: name to value.

    Args:
        channel: the line to the host.
        answer: where FINAL puts what it is given.
        query: the question.
        primitives: `name` and `doc` of each function that the host offers.
    """
    names: dict[str, Any] = {"query": query, "WorkerError": WorkerError, "PrimitiveError": PrimitiveError}
    names["worker"], names["worker_batch"] = _workers(channel)
    names["FINAL"] = _final(answer)
    names["budget"] = budget
    names |= functions_of_host(channel, primitives)
    for name, value in names.items():
        if isinstance(value, FunctionType):
            value.__name__ = value.__qualname__ = name
    return names


def functions_of_host(channel: Channel, primitives: list[dict[str, str]]) -> dict[str, Any]:
    """The functions that the host offers, by name; `primitives` holds `name` and `doc` of each."""
    offered = {}
    for primitive in primitives:
        name = primitive["name"]
        offered[name] = function = _primitive(channel, name, primitive["doc"])
        function.__name__ = function.__qualname__ = name
    return offered


def budget() -> dict[str, Any]:
    """What is left of each budget; empty where there is none."""
    return {}


def _workers(channel: Channel) -> tuple[Callable[[str], str], Callable[..., list[Any]]]:
    def ask(prompts: list[str], batch: bool) -> list[Any]:
        reply = channel.request({"op": "worker", "batch": batch, "prompts": prompts})
        results = reply["texts"]
        for index, error in reply["errors"]:
            results[index] = WorkerError(error)
        return results  # type: ignore[no-any-return]

    def worker(prompt: str) -> str:
        """Ask the worker model; returns its text.

        Raises:
            WorkerError: the call failed.
        """
        if not isinstance(prompt, str):
            raise TypeError(
                f"worker(prompt) takes one string, got {type(prompt).__name__}; "
                "for several prompts use worker_batch(prompts)"
            )
        result = ask([prompt], False)[0]
        if isinstance(result, WorkerError):
            raise result
        return result  # type: ignore[no-any-return]

    def worker_batch(prompts: Iterable[str], errors: str = "return") -> list[Any]:
        """Ask the worker model several things at once; as many results as prompts, in their order.

        A call that failed is a WorkerError in its place; with errors="raise" the first of them is raised.
        """
        if errors not in ("return", "raise"):
            raise ValueError(f'errors is "return" or "raise", got {errors!r}')
        if isinstance(prompts, str):
            raise TypeError(
                "worker_batch(prompts) takes a list of strings, got one string; use worker(prompt)"
            )
        asked = list(prompts)
        for index, prompt in enumerate(asked):
            if not isinstance(prompt, str):
                raise TypeError(
                    f"worker_batch(prompts) takes strings, prompt {index} is {type(prompt).__name__}"
                )
        results: list[Any] = []
        for group in _groups(asked, channel.frame_bytes // 8):
            results += ask(group, True)
        if errors == "raise":
            for result in results:
                if isinstance(result, WorkerError):
                    raise result
        return results

    return worker, worker_batch


def _groups(prompts: list[str], chars: int) -> Iterable[list[str]]:
    """Prompts in runs of at most `chars` characters and 10,000 prompts, so that each run fits a frame."""
    group: list[str] = []
    size = 0
    for prompt in prompts:
        if group and (size + len(prompt) > chars or len(group) == _GROUP):
            yield group
            group, size = [], 0
        group.append(prompt)
        size += len(prompt)
    if group:
        yield group


def _final(given: Answer) -> Callable[[Any], None]:
    def FINAL(answer: Any) -> None:
        """Give the answer and end."""
        given.give(answer)
        raise Finished

    return FINAL


def _primitive(channel: Channel, name: str, doc: str) -> Callable[..., Any]:
    def primitive(*args: Any, **kwargs: Any) -> Any:
        try:
            reply = channel.request({"op": "primitive", "name": name, "args": args, "kwargs": kwargs})
        except TypeError as error:
            raise TypeError(f"{name}() takes JSON values only: {error}") from None
        if "error" in reply:
            raise PrimitiveError(reply["error"])
        return reply["value"]

    primitive.__doc__ = doc
    return primitive
