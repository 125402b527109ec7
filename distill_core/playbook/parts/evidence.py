"""What a worker's reply is worth: reading answer and quote out of it, and finding the quote in the document."""

from __future__ import annotations

import re


def read_reply(reply: str) -> tuple[str, str] | None:
    """(answer, quote) of a worker's reply; the quote may be empty; None where it says that the text has no answer."""
    said = " ".join(reply.split())
    missing = (
        r"\b(does not|doesn't|do not|did not|no) (\w+ )?"
        r"(mention|say|contain|provide|specify|state|tell|information|answer)"
    )
    if not said or re.match(r"\W*(none|n/a|not (found|mentioned|stated))\b", said, re.I):
        return None
    quotes = re.findall(r'["“«]([^"”»]{12,}?)["”»]', reply)
    if not quotes and re.search(missing, said, re.I):
        return None
    quote = max(quotes, key=len) if quotes else ""
    rest = reply.replace(quote, " ") if quote else reply
    lines = [
        re.sub(r"^\W*(the )?(short )?(answer|quote|sentence|evidence)( is)?\s*:", "", line, flags=re.I)
        for line in rest.splitlines()
    ]
    lines = [line.strip(' \t"“”«»*`>-') for line in lines]
    lines = [line for line in lines if re.search(r"\w", line)]
    if not quote and len(lines) > 1:
        quote = max(lines[1:], key=len)
    return (lines[0] if lines else quote, quote)


def locate(quote: str, text: str, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Where `quote` stands in `text`, word for word; line breaks and the shape of quotation marks do not count."""
    alike = {
        **dict.fromkeys('"“”«»', '["“”«»]'),
        **dict.fromkeys("'‘’", "['‘’]"),
        **dict.fromkeys("-–—", "[-–—]"),
    }
    words = quote.strip(' .…"“”«»').split()[:80]
    if not words:
        return None
    pattern = r"\s+".join("".join(alike.get(c, re.escape(c)) for c in word) for word in words)
    match = re.compile(pattern, re.I).search(text, start, len(text) if end is None else end)
    return match.span() if match else None


def sentence_at(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of the sentence around text[start:end], at most 200 characters to either side."""
    before = max(
        [m.end() for m in re.finditer(r"[.!?]\s+|\n\s*\n", text[max(0, start - 200) : start])], default=0
    )
    left = max(0, start - 200) + before
    after = re.search(r"[.!?](?=\s|$)|\n\s*\n", text[end : end + 200])
    right = end + (after.end() if after else min(200, len(text) - end))
    return left, right


def support(
    answer: str, quote: str, text: str, start: int, end: int, terms: list[str]
) -> tuple[int, int] | None:
    """The span of `text` that bears the answer out: the quote where it stands there, else a sentence that holds
    the answer's own words, or all of its figures, and a term of the question; None where there is neither."""
    if len(quote) >= 12:
        span = locate(quote, text, start, end) or locate(quote, text)
        if span:  # a few words are shown in their sentence
            return span if span[1] - span[0] >= 60 else sentence_at(text, *span)
    known = [part for part in re.split(r"[,;\n]", answer) if len(part.strip()) > 1] or [answer]
    best: tuple[int, tuple[int, int]] | None = None
    for part in known[:5]:
        words = part.strip(" .").split()[:20]
        if not words:
            continue
        pattern = r"(?<!\w)" + r"\s+".join(map(re.escape, words)) + r"(?!\w)"
        for match in re.finditer(pattern, text[start:end], re.I):
            span = sentence_at(text, start + match.start(), start + match.end())
            hits = sum(term in text[span[0] : span[1]].lower() for term in terms)
            if hits and (best is None or hits > best[0]):
                best = (hits, span)
    figure = r"\d+(?:[.,:/-]\d+)*"
    figures = re.findall(figure, answer) if best is None else []
    for match in re.finditer(rf"(?<!\w){re.escape(figures[0])}(?!\w)", text[start:end]) if figures else ():
        span = sentence_at(text, start + match.start(), start + match.end())  # told in the worker's own words
        sentence = text[span[0] : span[1]].lower()
        if any(term in sentence for term in terms) and set(figures) <= set(re.findall(figure, sentence)):
            return span
    return best[1] if best else None
