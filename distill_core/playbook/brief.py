"""What a strategy is told before it writes its program: the question, read for its kind, and the document's facts."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import msgspec

from distill_core.playbook.parts.ranking import terms_of

Kind: TypeAlias = Literal["fact", "list", "choice", "computed", "summary"]

_CHOICE = re.compile(r"^\s*\(?(?:\d|[A-Ha-h])[.)]\s+\S", re.M)
_SUMMARY = re.compile(
    r"\bsummar|\b(main|central|overall) (idea|theme|point|argument|message|topic)|\boverview\b|\bgist\b"
    r"|\bwhat (is|are) (this|the) (\w+ )?(document|text|book|article|report|paper|story) about",
    re.I,
)
_COMPUTED = re.compile(
    r"\b(combined|altogether|in total|total|sum|difference|average|mean|median|ratio|percentage|compared?"
    r"|how (many|much) more|(older|younger|longer|shorter|later|earlier|larger|smaller) than)\b"
    r"|\bhow (many|much)\b.*\band\b",
    re.I | re.S,
)
_LIST = re.compile(
    r"\b(all|every|each)\b|^\W*(list|enumerate|name)\b|\b(what|which)( \w+){0,3} (are|were)\b", re.I
)
_BARE = re.compile(
    r"\b(return|reply|answer|respond|output|print|give)( with)?( me)? (only|just|nothing but)\b", re.I
)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the probe printed.

    Args:
        kind: type of `context` in the REPL.
        chars: characters of it as one text.
        items: entries of a list or dict; 0 for a str.
        lines: lines of it as one text.
        terms: each of the question's terms with how often the document holds it.
    """

    kind: str = "str"
    chars: int = 0
    items: int = 0
    lines: int = 0
    terms: dict[str, int] = {}


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """All that a strategy may base its program on.

    Args:
        question: the question as asked; "" where it is not known when the program is written.
        facts: what the probe found; None before it has run.
        room: characters of document text that fit one worker prompt.
        piece: characters of a piece when searching; small pieces rank and read better.
        read: pieces that a search reads.
        most: pieces that any one step reads at most.
        guidance: a person's words on the step before, if any.
    """

    question: str = ""
    facts: Facts | None = None
    room: int = 21_000
    piece: int = 4_000
    read: int = 10
    most: int = 200
    guidance: str = ""

    @property
    def kind(self) -> Kind:
        """What kind of answer the question wants."""
        if len(_CHOICE.findall(self.question)) >= 2:
            return "choice"
        if _SUMMARY.search(self.question):
            return "summary"
        if _COMPUTED.search(self.question):
            return "computed"
        return "list" if _LIST.search(self.question) else "fact"

    @property
    def bare(self) -> bool:
        """Whether the question forbids anything beside the answer, evidence included."""
        return bool(_BARE.search(self.question))

    @property
    def terms(self) -> list[str]:
        """What to search for: a person's quoted words first, then the question's terms that the document holds."""
        stem = _CHOICE.split(self.question)[0] if self.kind == "choice" else self.question
        known = [term for term, count in self.facts.terms.items() if count] if self.facts else []
        quoted = re.findall(r'["“]([^"”]+)["”]', self.guidance)
        wanted = [term for words in quoted for term in (terms_of(f'"{words}"'))]
        return list(dict.fromkeys([*wanted, *(known or terms_of(stem))]))

    @property
    def keys(self) -> list[str]:
        """The terms that are names of one thing: quoted, hyphenated, or with a digit in them."""
        quoted = set(
            terms_of(" ".join(f'"{q}"' for q in re.findall(r'["“«]([^"”»]{2,80})["”»]', self.question)))
        )
        phrases = {term for term in quoted if " " in term}
        return [
            term
            for term in self.terms
            if term in phrases or "-" in term or re.search(r"[^\W\d].*\d|\d.*[^\W\d]", term)
        ]


class Fit(msgspec.Struct, frozen=True):
    """How well a strategy suits a brief, 0 to 1, and why in a clause that ends "…, so"."""

    score: float
    why: str
