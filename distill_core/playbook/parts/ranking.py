"""Which pieces speak of what is asked: the question's terms, and a BM25 score over pieces."""

from __future__ import annotations

import math
import re
import unicodedata


def fold(text: str) -> str:
    """`text` in lower case and without accents, for comparing."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    return re.sub("[\u0300-\u036f]", "", plain)


def terms_of(question: str) -> list[str]:
    """What to look for: quoted phrases, and the question's words without common ones and without endings."""
    common_words = """
        a about above all also an and any are as at be been being below between both but by can context
        could did do document does each every find following for from give given had has have her here
        him his how if in information into is it its list many me mention mentioned most much must name
        not of on one only or other our out provided question return say said says she should show so
        some state stated tell text than that the their them then there these they this those time times
        to was were what when where which who whom whose why will with word would you your
    """
    common = set(common_words.split())
    terms = [fold(" ".join(quoted.split())) for quoted in re.findall(r'["“«]([^"”»]{2,80})["”»]', question)]
    for word in re.findall(r"[^\W_]+(?:[-'’.][^\W_]+)*", question):
        word = re.sub(r"['’]s?$", "", fold(word))
        if word in common or (len(word) < 3 and not word.isdigit()):
            continue
        for ending in ("ies", "ings", "ing", "ed", "es", "s", "y", "e"):
            if (
                "-" not in word
                and not word.endswith("ss")
                and word.endswith(ending)
                and len(word) - len(ending) >= 4
            ):
                word = word[: -len(ending)]
                break
        terms.append(word)
    return list(dict.fromkeys(term for term in terms if term))[:24]


def rank(pieces: list[tuple[int, str]], terms: list[str]) -> list[tuple[float, int]]:
    """(score, index) of each piece that holds a term, best first: BM25, a rare term weighing more than a common one."""
    if not pieces or not terms:
        return []
    folded = [fold(piece) for _, piece in pieces]
    mean = sum(map(len, folded)) / len(folded)
    scores = [0.0] * len(pieces)
    for term in terms:
        counts = [text.count(term) for text in folded]
        holding = sum(1 for count in counts if count)
        weight = math.log(1 + (len(pieces) - holding + 0.5) / (holding + 0.5))
        for index, count in enumerate(counts):
            length = 0.25 + 0.75 * len(folded[index]) / mean
            scores[index] += weight * count * 2.2 / (count + 1.2 * length)
    return sorted(
        ((score, index) for index, score in enumerate(scores) if score > 0), key=lambda s: (-s[0], s[1])
    )


def holding_rarest(pieces: list[tuple[int, str]], terms: list[str]) -> tuple[str, list[int]]:
    """The term that the fewest pieces hold (but some do), and the indices of those pieces."""
    best, holders = "", list(range(len(pieces)))
    folded = [fold(piece) for _, piece in pieces]
    for term in terms:
        holding = [index for index, text in enumerate(folded) if term in text]
        if holding and (not best or len(holding) < len(holders)):
            best, holders = term, holding
    return best, holders if best else []
