"""Who answers the code's calls: the record where it has an answer, and the worker, through the gateway, elsewhere."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.errors import DistillError, DivergenceError
from distill_core.models.base import LMResponse
from distill_core.off_loop import off_loop, on_loop
from distill_core.record import Given, RecordedCell
from distill_core.recorder import Recorder
from distill_core.workers import WorkerGateway, yes_probability

GATED = "worker_yes"
"""The primitive that is made of worker calls: on record as those, not as a call of its own."""


class RecordedAnswers:
    """The answers that one cell got, given again: to equal prompts in the order of the record.

    Args:
        strict: whether a prompt beyond the record is a divergence; else it is nobody's here.
    """

    def __init__(self, cell: RecordedCell, *, strict: bool = True) -> None:
        self.strict = strict
        self.beyond: str | None = None
        self.waiting = 0
        self._calls: defaultdict[tuple[str, str], deque[Given]] = defaultdict(deque)
        self._primitives: defaultdict[bytes, deque[ev.PrimitiveCalled]] = defaultdict(deque)
        for call in cell.calls:
            self._calls[call.purpose, call.prompt].append(call.given)
        for primitive in cell.primitives:
            self._primitives[_asked(primitive.name, primitive.args, primitive.kwargs)].append(primitive)

    def take(self, purpose: str, prompt: str) -> Given | None:
        """The next answer to `prompt`; None where the record has none.

        Raises:
            DivergenceError: it has none, and must.
        """
        left = self._calls.get((purpose, prompt))
        if left:
            return left.popleft()
        if self.strict:
            self.beyond = self.beyond or prompt
            raise DivergenceError("the record has no reply to this prompt")
        return None

    def primitive(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> ev.PrimitiveCalled | None:
        """What the primitive gave when it was called so; None where the record does not tell.

        Raises:
            DivergenceError: it does not tell, and must.
        """
        left = self._primitives.get(_asked(name, args, kwargs))
        if left:
            return left.popleft()
        if self.strict:
            self.beyond = self.beyond or f"{name}{_shown(args, kwargs)}"
            raise DivergenceError(f"the record does not tell what {name} gave")
        return None

    @property
    def unasked(self) -> list[str]:
        """Prompts that were answered on record and not asked again."""
        return [prompt for (_, prompt), left in self._calls.items() for given in left if given.came]


class Answering:
    """The functions behind `worker`, `worker_batch` and the primitives of a session's REPL.

    `recorded` is set while a cell of the record runs.
    """

    def __init__(self, gateway: WorkerGateway, recorder: Recorder) -> None:
        self.recorded: RecordedAnswers | None = None
        self._gateway = gateway
        self._recorder = recorder

    async def call(self, prompt: str) -> str:
        """The reply to `prompt`.

        Raises:
            DistillError: the call failed, or failed when it was recorded.
        """
        given = self.recorded.take("answer", prompt) if self.recorded else None
        if given is None or not (given.came or self._waits()):
            return await self._gateway.call(prompt)
        return await self._again(given)

    async def batch(self, prompts: Sequence[str]) -> list[str | Exception]:
        """The replies to all `prompts`, an error in the place of each that failed; only the unrecorded are sent."""
        results: dict[int, str | Exception] = {}
        for index, given in self._taken("answer", prompts):
            try:
                results[index] = await self._again(given) if isinstance(given, Given) else given
            except DistillError as error:
                results[index] = error
        rest = [i for i in range(len(prompts)) if i not in results]
        if rest:
            fresh = await self._gateway.batch([prompts[i] for i in rest])
            results.update(zip(rest, fresh, strict=True))
        return [results[i] for i in range(len(prompts))]

    async def yes(self, prompts: list[str]) -> list[float | None]:
        """How probable the worker thinks "Yes" is as the first word of its reply, for each prompt.

        Returns a number from 0 to 1 a prompt; None where the call failed or the endpoint tells no probabilities.
        """
        results: dict[int, float | None] = {}
        for index, given in self._taken("gate", prompts):
            tells = isinstance(given, Given) and given.text is not None
            results[index] = (
                yes_probability(LMResponse(text=given.text or "", logprobs=given.logprobs))
                if isinstance(given, Given) and tells
                else None
            )
        rest = [i for i in range(len(prompts)) if i not in results]
        if rest:
            fresh = await self._gateway.yes([prompts[i] for i in rest])
            results.update(zip(rest, fresh, strict=True))
        return [results[i] for i in range(len(prompts))]

    def primitive(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function` for the REPL: answered from the record where that tells, else called and put on record."""
        if name == GATED:
            return function

        @functools.wraps(function)
        async def performed(*args: Any, **kwargs: Any) -> Any:
            known = self.recorded.primitive(name, args, kwargs) if self.recorded else None
            if known is not None:
                if known.error is not None:
                    raise DistillError(known.error)
                return known.value
            return await self._perform(name, function, args, kwargs)

        return performed

    # ------------------------------------------------------------ within

    def _waits(self) -> bool:
        """Whether a call that never came back is to be waited for in vain once more."""
        return self.recorded is not None and self.recorded.strict

    def _taken(self, purpose: str, prompts: Sequence[str]) -> list[tuple[int, Given | DistillError]]:
        """The places of `prompts` that the record settles, each with what it has."""
        if self.recorded is None:
            return []
        taken: list[tuple[int, Given | DistillError]] = []
        for index, prompt in enumerate(prompts):
            try:
                given = self.recorded.take(purpose, prompt)
            except DivergenceError as error:
                taken.append((index, error))
                continue
            if given is not None and (given.came or self._waits()):
                taken.append((index, given))
        return taken

    async def _again(self, given: Given) -> str:
        if given.text is not None:
            return given.text
        if given.error is not None:
            raise DistillError(given.error)
        # The cell was ended while it waited for this one; so it waits until it is ended again.
        answers = self.recorded
        if answers is not None:
            answers.waiting += 1
        await asyncio.Event().wait()
        raise DistillError("the call never came back")

    async def _perform(
        self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        place = self._gateway.place
        called = ev.PrimitiveCalled(
            step=place.step, cell_id=place.cell_id, name=name, args=args, kwargs=kwargs
        )
        try:
            if inspect.iscoroutinefunction(function):
                value = await on_loop(function, *args, **kwargs)
            else:
                value = await off_loop(function, *args, **kwargs)
                value = await value if inspect.isawaitable(value) else value
            value = msgspec.to_builtins(value)
            msgspec.json.encode(value)
        except Exception as error:
            words = str(error) if isinstance(error, DistillError) else f"{type(error).__name__}: {error}"
            self._recorder.emit(msgspec.structs.replace(called, error=" ".join(words.split())))
            raise
        self._recorder.emit(msgspec.structs.replace(called, value=value))
        return value


def _shown(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    return f"({', '.join([*map(repr, args), *(f'{k}={v!r}' for k, v in kwargs.items())])})"


def _asked(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode([name, list(args), dict(kwargs)], order="sorted")
