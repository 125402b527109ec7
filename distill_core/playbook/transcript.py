"""Reading the conversation: what was asked, what the programs reported, and what a person or a notice said since.

Nothing is kept between turns: everything stands in the messages, so that a session can be forked or resumed anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from distill_core.models.base import Message
from distill_core.playbook.brief import Facts
from distill_core.playbook.writing import OPENING, REPORT

Outcome: TypeAlias = Literal["reported", "silent", "failed", "rejected", "sent_back"]

_REPORT = re.compile(rf"^{REPORT} (\{{.*\}})$", re.M)
_OPENING = re.compile(rf"^{re.escape(OPENING)} \(([\w, ]+)\): ")
_QUESTION = "The question, also in the variable `query`:\n"
_NOTICE = re.compile(r"\n\nThis is turn (\d+)(?: of (\d+))?\.[^\n]*\s*$")
_ROOM = re.compile(r"at most (\d[\d,]*) characters of (?:the document|text)")
_REJECTED = "read your code and did not run it"
_FOLLOW_UP = "accepted your answer and asks another question"
_SENT_BACK = "read your answer and did not accept it"
_WORDS = re.compile(r"They say:\n\n(.*?)\n\n(?:Write new code that follows this|Go on with this)", re.S)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One reply of the supervisor and what came back.

    Args:
        names: the strategies whose programs the reply proposed, whatever a person made of them.
        outcome: "reported" where a program said what it did, "silent" where it ran but did not.
        report: what the last program reported; empty without one.
        guidance: a person's words on it.
    """

    names: tuple[str, ...] = ()
    outcome: Outcome = "silent"
    report: dict[str, Any] = {}
    guidance: str = ""


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation so far.

    Args:
        question: as the first message gives it; "" where it gives none.
        room: characters of document that fit one worker prompt, as the system prompt says; None where it does not.
        turns: the turns that are over.
        left: turns left, the coming one included; None where that is not limited or not said.
    """

    question: str = ""
    room: int | None = None
    turns: tuple[Turn, ...] = ()
    left: int | None = None

    @property
    def facts(self) -> Facts | None:
        """What the latest probe found."""
        for turn in reversed(self.turns):
            if turn.report.get("did") == "probe":
                try:
                    return msgspec.convert(turn.report, Facts)
                except msgspec.ValidationError:
                    return None  # a person rewrote the probe; what it prints is theirs
        return None


def read(messages: Sequence[Message]) -> Transcript:
    """The transcript of `messages`: system, first user message, then replies with what followed each."""
    system = "\n".join(_text(m) for m in messages if m.get("role") == "system")
    room = _ROOM.search(system)
    turns: list[Turn] = []
    opening = ""
    reply: str | None = None
    words: list[str] = []
    for message in messages:
        if message.get("role") == "assistant":
            turns += [_turn(reply, "\n\n".join(words))] if reply is not None else []
            reply, words = _text(message), []
        elif message.get("role") == "user" and reply is None:
            opening += _text(message)
        elif message.get("role") == "user" and _FOLLOW_UP in _text(message):
            # A new question starts over: what was found for the one before was found for other words.
            turns, opening, reply, words = [], _text(message), None, []
        elif message.get("role") == "user":
            words.append(_text(message))
    turns += [_turn(reply, "\n\n".join(words))] if reply is not None else []
    last = next((_text(m) for m in reversed(messages) if m.get("role") == "user"), "")
    return Transcript(
        question=_NOTICE.sub("", opening).rpartition(_QUESTION)[2].strip() if _QUESTION in opening else "",
        room=int(room[1].replace(",", "")) if room else None,
        turns=tuple(turns),
        left=_left(last),
    )


def proposed(reply: str) -> tuple[str, ...]:
    """The strategies whose programs a reply of the playbook proposes; empty for anybody else's."""
    opening = _OPENING.search(reply)
    return tuple(opening[1].split(", ")) if opening else ()


def _left(message: str) -> int | None:
    notice = _NOTICE.search("\n\n" + message)
    return int(notice[2]) - int(notice[1]) + 1 if notice and notice[2] else None


def _turn(reply: str, words: str) -> Turn:
    reports = [found for line in _REPORT.findall(words) if (found := _json(line))]
    report = reports[-1] if reports else {}
    guidance = _WORDS.search(words)
    outcome: Outcome = "reported" if report else "silent"
    if _REJECTED in words:
        outcome = "rejected"
    elif _SENT_BACK in words:
        outcome = "sent_back"
    elif not report and re.search(
        r"\bfailed with an exception|was (stopped|killed|interrupted)|Traceback \(", words
    ):
        outcome = "failed"
    return Turn(
        names=proposed(reply),
        outcome=outcome,
        report=report,
        guidance=guidance[1].strip() if guidance else "",
    )


def _json(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}  # cut, or text of the document that looks like a report
    return found if isinstance(found, dict) else {}


def _text(message: Message) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
