"""Which program comes next: what the last one suggested, else the strategy that fits best and has not failed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from distill_core.playbook.brief import Brief
from distill_core.playbook.catalogue import Strategy
from distill_core.playbook.transcript import Transcript

FIRST, LAST = "probe", "answer"


class Choice(msgspec.Struct, frozen=True):
    """The strategies whose programs make up the next cell, in order, and why, as a sentence; none: give up."""

    names: tuple[str, ...]
    why: str


def choose(talk: Transcript, brief: Brief, known: Mapping[str, Strategy]) -> Choice:
    """The next step for a conversation."""
    if talk.left is not None and talk.left <= 1:
        return _answer_now(talk, brief, known)
    if not talk.turns:
        return Choice(
            (FIRST,), "I look first at what the document is and which words of the question stand in it."
        )
    last = talk.turns[-1]
    if last.guidance:
        named = [name for name in known if name in last.guidance.lower()]
        if named:
            return Choice((named[0],), f"You named {named[0]}, so I use it.")
    suggested = str(last.report.get("next", ""))
    if last.outcome == "reported" and suggested in known and not _spoiled(talk, suggested):
        return Choice((suggested,), _after(last.report, suggested))
    if last.outcome == "silent" and last.names and last.names[-1] not in (FIRST, LAST):
        return Choice(
            (LAST,), "The cell was changed and reported nothing; I answer from what it left in `found`."
        )
    if last.outcome == "failed" and last.names[-1:] == (LAST,):
        return Choice((), "The step that weighs the evidence failed, so I give what was read as it stands.")
    opening = {
        "failed": f"The {_name(last.names)} program failed. ",
        "rejected": f"You did not run the {_name(last.names)} program. ",
        "sent_back": "You did not accept the answer. ",
    }.get(last.outcome, "")
    if last.guidance:
        opening += "I have no model to understand words with; I search for what you put in quotation marks. "
    best = _best(talk, brief, known)
    if best is None and last.outcome in ("rejected", "sent_back") and last.guidance:
        return Choice(("search",), opening + "I search once more with that.")
    if best is None:
        return Choice((LAST,), opening + "No other strategy is left, so I answer from what has been read.")
    name, why = best
    return Choice((name,), f"{opening}{why[0].upper()}{why[1:]}, so I use {name}: {known[name].description}.")


def _answer_now(talk: Transcript, brief: Brief, known: Mapping[str, Strategy]) -> Choice:
    done = {turn.report.get("did") for turn in talk.turns}
    if talk.turns and talk.turns[-1].outcome == "failed" and LAST in talk.turns[-1].names:
        return Choice(
            (),
            "It is the last turn and weighing the evidence has failed, so I give what was read as it stands.",
        )
    best = _best(talk, brief, known)
    if best is None or done - {FIRST, None}:
        return Choice((LAST,), "It is the last turn, so I answer from what has been read.")
    names = (best[0],) if best[0] == "count" else (best[0], LAST)
    return Choice(names, f"It is the last turn; {best[1]}, so I use {best[0]} and answer at once.")


def _best(talk: Transcript, brief: Brief, known: Mapping[str, Strategy]) -> tuple[str, str] | None:
    """Name and reason of the best fitting strategy that has not been used."""
    used = {name for turn in talk.turns for name in turn.names}
    fits = {name: strategy.fits(brief) for name, strategy in known.items() if name not in used}
    rated = [(fit.score, name, fit.why) for name, fit in fits.items() if fit is not None]
    return max(rated, key=lambda r: r[0])[1:] if rated else None


def _spoiled(talk: Transcript, name: str) -> bool:
    return any(turn.outcome in ("failed", "rejected") and name in turn.names for turn in talk.turns)


def _after(report: Mapping[str, object], suggested: str) -> str:
    found, verified = report.get("found", 0), report.get("verified", 0)
    said = f"{found} answer{'' if found == 1 else 's'} found, {verified} with a quote that stands in the document"
    if suggested == LAST:
        return f"{said}: I weigh them and answer."
    return f"{said}: not enough, so I use {suggested}."


def _name(names: tuple[str, ...]) -> str:
    return names[-1] if names else "last"
