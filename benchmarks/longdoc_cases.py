"""The long-document cases: reading them, applying their document transforms, and scoring answers.

A scorer says whether an answer is right by the rule that its case names. Answers may carry evidence under a line
"Evidence:"; rules that look at a single value look at what stands before it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One question on one document. `gold` has the shape that its scorer wants."""

    id: str
    kind: str
    document: str
    question: str
    gold: Any
    scorer: str
    document_chars: int
    document_transform: str = ""
    evidence: tuple[str, ...] = ()


def load_cases(folder: Path) -> list[Case]:
    """Every case of `cases.jsonl` in `folder`."""
    lines = (folder / "cases.jsonl").read_text("utf-8").splitlines()
    return [msgspec.json.decode(line, type=Case) for line in lines if line.strip()]


def document(case: Case, folder: Path) -> str:
    """The case's document, its transform applied.

    Raises:
        ValueError: the transform is none that is known here, or a plain document has not the size the case names.
    """
    text = (folder / case.document).read_text("utf-8")
    if case.document_transform:
        needles = re.match(
            r"insert (\S+): each text as a new line at int\(n_lines\*depth\)", case.document_transform
        )
        if needles is None:
            raise ValueError(f"{case.id}: unknown document_transform: {case.document_transform}")
        text = with_needles(text, json.loads((folder / needles[1]).read_text("utf-8")))
    elif len(text) != case.document_chars:
        raise ValueError(f"{case.id}: {len(text)} characters, the case names {case.document_chars}")
    return text


def with_needles(text: str, needles: list[dict[str, Any]]) -> str:
    """`text` with each needle's text as a line of its own at its depth, the highest depth first."""
    lines = text.split("\n")
    count = len(lines)
    for needle in sorted(needles, key=lambda n: -n["depth"]):
        lines.insert(int(count * needle["depth"]), needle["text"])
    return "\n".join(lines)


def correct(case: Case, answer: str) -> bool:
    """Whether `answer` is right.

    Raises:
        ValueError: the case names a scorer that is not known here.
    """
    name, _, argument = case.scorer.partition(":")
    scorer = _SCORERS.get(name.split(" ")[0])
    if scorer is None:
        raise ValueError(f"{case.id}: unknown scorer {case.scorer!r}, known: {', '.join(_SCORERS)}")
    return scorer(answer, case.gold, argument)


def _head(answer: str) -> str:
    return answer.split("\nEvidence:")[0].strip()


def _normalised(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+(?:[.,]\d+)*", plain))


def _mcq_number(answer: str, gold: Any, _: str) -> bool:
    number = re.search(r"\d+", _head(answer))
    return number is not None and number[0] == str(gold)


def _contains_any(answer: str, gold: Any, _: str) -> bool:
    return any(f" {_normalised(str(one))} " in f" {_normalised(_head(answer))} " for one in gold)


def _string_match_all(answer: str, gold: Any, _: str) -> bool:
    # RULER: the share of references that occur in the prediction; right here only if it is 1.
    return all(str(one).lower() in _head(answer).lower() for one in gold)


def _integer_exact(answer: str, gold: Any, _: str) -> bool:
    return re.fullmatch(r"[+-]?\d+", _head(answer).replace(",", "")) is not None and int(
        _head(answer).replace(",", "")
    ) == int(gold)


def _json_equal_on_keys(answer: str, gold: Any, keys: str) -> bool:
    try:
        given = json.loads(answer)
    except ValueError:
        return False
    wanted = keys.split(",")
    if not isinstance(given, list) or len(given) != len(gold) or not all(isinstance(g, dict) for g in given):
        return False
    return [[row.get(k) for k in wanted] for row in given] == [[row.get(k) for k in wanted] for row in gold]


_SCORERS: dict[str, Callable[[str, Any, str], bool]] = {
    "mcq_number": _mcq_number,
    "contains_any_normalised": _contains_any,
    "string_match_all": _string_match_all,
    "integer_exact": _integer_exact,
    "json_equal_on_keys": _json_equal_on_keys,
}
