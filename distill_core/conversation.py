"""The conversation with the supervisor: messages stored once, each call told as what it adds to an earlier one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from distill_core import events as ev
from distill_core.models.base import Message
from distill_core.recorder import Recorder

_canonical = msgspec.json.Encoder(order="deterministic")


def message_id(message: Message) -> str:
    """A name for a message that depends on nothing but what it holds."""
    return "m" + hashlib.sha256(_canonical.encode(message)).hexdigest()[:20]


class Conversation:
    """Grows with each turn and records what it adds.

    Args:
        recorder: gets a `message_added` for each message that is new.
        opening: the messages before the first reply.
        stored: ids of the messages that are on record already.
    """

    def __init__(self, recorder: Recorder, opening: Sequence[Message], *, stored: Iterable[str] = ()) -> None:
        self._recorder = recorder
        self._stored = set(stored)
        self._messages: list[Message] = []
        self._pending: list[Message] = list(opening)
        self._extends: str | None = None
        self._base: str | None = None
        self._added: tuple[str, ...] = ()

    @property
    def messages(self) -> list[Message]:
        """What the next call is sent, exactly."""
        return [*self._messages, *self._pending]

    def add(self, *messages: Message) -> None:
        """Put `messages` at the end, for the next call."""
        self._pending.extend(messages)

    def add_to_last(self, words: str) -> None:
        """Put `words` under the last message that has not been sent yet."""
        last = self._pending[-1]
        self._pending[-1] = {**last, "content": f"{last['content']}\n\n{words}"}

    def opens(self, call_id: str, *, step: int) -> tuple[str | None, tuple[str, ...]]:
        """Record the messages that call `call_id` adds: the call it extends, and the ids of what is new.

        Several calls with nothing added in between (candidates of one turn) extend the same call.
        """
        if self._pending:
            self._added = tuple(self._store(m, step) for m in self._pending)
            self._messages.extend(self._pending)
            self._pending.clear()
            self._base = self._extends
        extends = self._base
        self._extends = call_id
        return extends, self._added

    def adopt(self, call: ev.SupervisorCalled, messages: Sequence[Message]) -> None:
        """Take over what a call on record was sent, exactly, in the place of what would be sent now."""
        self._messages = list(messages)
        self._pending.clear()
        self._added, self._base, self._extends = call.message_ids, call.extends, call.call_id

    def chose(self, call_id: str) -> None:
        """Go on from the reply to `call_id`, one of several calls that extend the same one."""
        self._extends = call_id

    def _store(self, message: Message, step: int) -> str:
        name = message_id(message)
        if name not in self._stored:
            self._stored.add(name)
            self._recorder.emit(ev.MessageAdded(step=step, message_id=name, message=message))
        return name
