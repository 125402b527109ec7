"""A session told from the outside: events in their order, numbered at the end, prompts stored once.

What a conversation and a trajectory have in common; nothing here knows either form.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.conversation import message_id
from distill_core.models.base import Message

NOT_KEPT = ev.DocumentRef(sha256=hashlib.sha256(b"").hexdigest(), kind="str", chars=0, name="(not kept)")
"""The document of a session whose form does not tell it."""
IMPORT = "policy:import"
"""Who decided, where the form only tells that it was decided so."""
_DATED = re.compile(r"(\d{8}-\d{6})-")
_QUESTION = ("query", "question")


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A session that was read from an exported file.

    Args:
        events: numbered from 1.
        notes: what of the file a session cannot hold.
    """

    session_id: str
    events: tuple[ev.Event, ...]
    notes: tuple[str, ...] = ()


class Prompts:
    """The prompts of one session, as the log has them: each message once, each call what it adds to one before."""

    def __init__(self) -> None:
        self._stored: set[str] = set()
        self._last: tuple[str, tuple[str, ...]] | None = None

    def call(
        self,
        messages: Sequence[Message],
        *,
        step: int,
        timestamp: datetime,
        copied: bool = False,
        **fields: Any,
    ) -> Iterator[ev.Event]:
        """The events of a call that sends `messages`. `fields`: `call_id`, `model`, `params`, `candidate`."""
        common: dict[str, Any] = {"step": step, "timestamp": timestamp, "copied": copied}
        names = tuple(message_id(message) for message in messages)
        for name, message in zip(names, messages, strict=True):
            if name not in self._stored:
                self._stored.add(name)
                yield ev.MessageAdded(**common, message_id=name, message=dict(message))
        extends, before = self._last or (None, ())
        if names[: len(before)] != before:
            extends, before = None, ()
        yield ev.SupervisorCalled(**common, extends=extends, message_ids=names[len(before) :], **fields)
        self._last = (fields["call_id"], names)


def numbered(events: Iterable[ev.Event]) -> tuple[ev.Event, ...]:
    """The events with their numbers."""
    return tuple(msgspec.structs.replace(event, seq=seq) for seq, event in enumerate(events, 1))


def began(session_id: str) -> datetime:
    """When a session began, as far as its id tells; the epoch where it does not."""
    found = _DATED.match(session_id)
    if found is None:
        return ev.EPOCH
    try:
        return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return ev.EPOCH


def question(messages: Iterable[Mapping[str, Any]]) -> str:
    """The question as the first user message tells it: after "Query:" or "Question:", else the whole of it."""
    said = next((words(m.get("content"))[0] for m in messages if m.get("role") == "user"), "")
    for line in said.splitlines():
        name, colon, rest = line.strip(" *#").partition(":")
        if colon and name.lower() in _QUESTION and rest.strip(" *"):
            return rest.strip(" *")
    return said


def words(content: Any) -> tuple[str, bool]:
    """A message's content as text, and whether that is all of it; pictures and the like are not."""
    if content is None:
        return "", True
    if isinstance(content, str):
        return content, True
    if not isinstance(content, list):
        return str(content), False
    texts = [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "\n".join(texts), len(texts) == len(content)
