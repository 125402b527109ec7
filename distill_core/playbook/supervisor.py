"""The handler that stands in for a supervisor model: it reads the conversation and writes the next program."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from distill_core.errors import ModelError
from distill_core.models.base import LMResponse, Message, ModelHandler, Usage
from distill_core.playbook.brief import Brief
from distill_core.playbook.catalogue import load
from distill_core.playbook.choosing import choose
from distill_core.playbook.transcript import Transcript, read
from distill_core.playbook.writing import OPENING
from distill_core.plurals import count

GIVE_UP = """\
# playbook: as_it_stands
# What was read so far, without weighing it.

try:
    notes = sorted(found, key=lambda note: -note["verified"])
except NameError:
    notes = []
for note in notes[:8]:
    print(note)
FINAL(notes[0]["answer"] + "\\n\\nEvidence:\\n- “" + notes[0]["quote"] + "”" if notes else "Not found.")
"""
"""The program of last resort: it uses no function that could fail."""


class PlaybookSupervisor(ModelHandler):
    """No model: programs from named strategies, chosen by the document's size and the question. Deterministic.

    Args:
        room: characters of document text that fit one worker prompt; None takes what the system prompt says.
        piece: characters of a piece when searching.
        read: pieces that a search reads.
        most: pieces that any one step lets the worker read, at most.
    """

    model = "playbook"
    primitives = ("worker_yes",)
    cacheable = False
    metered = False

    def __init__(
        self, *, room: int | None = None, piece: int = 4_000, read: int = 10, most: int = 200
    ) -> None:
        self._room = room
        self._piece = piece
        self._read = read
        self._most = most
        self.total_usage = Usage()

    def chat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        """The next step: why, in a sentence or two, and a program in a ```repl block. `kwargs` change nothing.

        Raises:
            ModelError: the worker has answered nothing at all, so that there is nothing to conclude from.
        """
        started = time.perf_counter()
        talk = read(messages)
        _somebody_reads(talk)
        known = load()
        brief = Brief(
            question=talk.question,
            facts=talk.facts,
            room=self._room or talk.room or 21_000,
            piece=self._piece,
            read=self._read,
            most=self._most,
            guidance="\n".join(turn.guidance for turn in talk.turns if turn.guidance),
        )
        choice = choose(talk, brief, known)
        code = "\n\n".join(known[name].write(brief) for name in choice.names) or GIVE_UP
        usage = Usage(calls=1)
        self.total_usage = self.total_usage + usage
        return LMResponse(
            text=f"{OPENING} ({', '.join(choice.names) or 'as_it_stands'}): {choice.why}\n\n```repl\n{code}```\n",
            usage=usage,
            model=self.model,
            elapsed=time.perf_counter() - started,
            finish_reason="stop",
        )

    def chat_batch(self, message_batches: Sequence[Sequence[Message]], **kwargs: Any) -> list[LMResponse]:
        """One step for each conversation."""
        return [self.chat(messages, **kwargs) for messages in message_batches]

    def sampling(self) -> dict[str, Any]:
        """The settings its programs follow."""
        return {"room": self._room, "piece": self._piece, "read": self._read, "most": self._most}


def _somebody_reads(talk: Transcript) -> None:
    """Refuse to go on where no worker call was ever answered: "not found" would be said of a document nobody read."""
    asked = [turn.report.get("asked") for turn in talk.turns]
    failed = [turn.report.get("failed") for turn in talk.turns]
    calls = sum(n for n in asked if isinstance(n, int))
    if calls and asked == failed:
        raise ModelError(
            "the playbook cannot go on",
            found=f"the worker answered none of {count(calls, 'call')}",
            remedy="see that it can be reached: distill-tui models",
        )
    if not calls and any(turn.report.get("may") == 0 for turn in talk.turns):
        raise ModelError(
            "the playbook cannot go on",
            found="no worker calls are left, so nothing of the document was read",
            remedy="allow more worker calls",
        )
