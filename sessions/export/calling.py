"""Worker calls that went out and came back, of which nothing more is told: most of a session, and traced at once.

Their two events hold all that the fold would say of them. Calls that failed, were asked again, overridden or judged
are not among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from distill_core import events as ev
from distill_core.models.base import Usage
from sessions.export.trace import Call, Plain

Pairs: TypeAlias = Mapping[str, tuple[ev.WorkerCallStarted, ev.WorkerCallReturned]]
"""By name, how a call began and ended."""
_BOTH = (ev.WorkerCallStarted, ev.WorkerCallReturned)
_WORDY = frozenset((str, dict, list))
"""Parameters of these types may hold words."""


def plain(events: Iterable[ev.Event]) -> Pairs:
    """The plain calls among `events`, in the order in which they began."""
    begun: dict[str, ev.WorkerCallStarted] = {}
    ended: dict[str, ev.WorkerCallReturned] = {}
    others: set[str] = set()
    for event in events:
        if type(event) is ev.WorkerCallReturned:
            name = event.call_id
            if name in ended or name not in begun:
                others.add(name)
            ended[name] = event
        elif type(event) is ev.WorkerCallStarted:
            name = event.call_id
            if name in begun:
                others.add(name)
            begun[name] = event
            if event.retry_of is not None:
                others.update((name, event.retry_of))
        elif type(event) is ev.WorkerCallFailed or type(event) is ev.WorkerCallOverridden:
            others.add(event.call_id)
        elif type(event) is ev.Annotated and event.target.kind == "worker_call":
            others.add(event.target.id)
    if not others and len(begun) == len(ended):
        return dict(zip(begun, zip(begun.values(), map(ended.__getitem__, begun), strict=True), strict=True))
    return {
        name: (event, ended[name]) for name, event in begun.items() if name in ended and name not in others
    }


def without(events: Sequence[ev.Event], calls: Pairs) -> Sequence[ev.Event]:
    """`events` without those of `calls`."""
    if not calls:
        return events
    others = [one for one in events if type(one) not in _BOTH]
    if len(others) + 2 * len(calls) == len(events):
        return others
    return [one for one in events if not isinstance(one, _BOTH) or one.call_id not in calls]


def used(calls: Pairs) -> Usage:
    """What they took; copied ones were paid for elsewhere."""
    usages = [msgspec.structs.astuple(ended.usage) for _, ended in calls.values() if not ended.copied]
    return Usage(*map(sum, zip(*usages, strict=True)))


def traced(
    started: ev.WorkerCallStarted,
    returned: ev.WorkerCallReturned,
    prompt: str | None = None,
    response: str | None = None,
) -> Call:
    """A plain call.

    Args:
        prompt: as it may leave; default as it was sent.
        response: the same.
    """
    prompt = started.prompt if prompt is None else prompt
    response = returned.response if response is None else response
    return Call(
        call_id=started.call_id,
        cell_id=started.cell_id,
        step=started.step,
        copied=started.copied or returned.copied,
        prompt=prompt,
        response=response,
        override=None,
        text=response,
        error=None,
        reasoning=returned.reasoning,
        model=returned.model,
        params=started.params,
        purpose=started.purpose,
        batch_id=started.batch_id,
        index=started.index,
        attempt=returned.attempt,
        usage=returned.usage,
        elapsed=returned.elapsed,
        cached=returned.cached,
        finish_reason=returned.finish_reason,
        started=started.timestamp,
        events=(started.seq, returned.seq),
    )


def told(started: ev.WorkerCallStarted, returned: ev.WorkerCallReturned) -> Plain | Call:
    """A plain call as it was told, where prompt and response are all of its words."""
    if returned.reasoning is None and _WORDY.isdisjoint(map(type, started.params.values())):
        return Plain(started, returned, started.prompt, returned.response)
    return traced(started, returned)


def as_call(call: Plain | Call) -> Call:
    """The same, told as any call."""
    return (
        traced(call.started, call.returned, call.prompt, call.response) if isinstance(call, Plain) else call
    )
