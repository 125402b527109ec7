"""Which encoding bytes are in that say nothing of it and are no UTF-8.

Text in Latin letters is told by alphabets: of the languages and the encodings each is kept in, the pair that
leaves fewest characters out of place wins, Western ones first where several do as well. A short text is
enough, which statistics over letters are not. Other scripts are left to charset-normalizer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

_SAMPLE = 1 << 16
"""Bytes that a guess is made from, whatever the size of the file."""

# An alphabet holds the letters outside ASCII that a language's own words are written with.
_WESTERN = (
    "àâæçéèêëîïôœùûüÿ",  # French
    "äöüßé",  # German
    "áéíñóúü",  # Spanish
    "ãáàâçéêíóôúü",  # Portuguese, whose õ is dealt with by itself
    "àèéìíîòóùú",  # Italian
    "áéèêëïóöü",  # Dutch
    "åäöéàü",  # Swedish, Finnish
    "æøåéôò",  # Danish, Norwegian
    "áéíóúýþæðö",  # Icelandic
    "àèéíïòóúüç",  # Catalan
    "àèìòùáéíóúâêîôûŵŷäëïöü",  # Irish, Gaelic, Welsh
)
_CENTRAL = (
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýž",  # Czech
    "áäčďéíĺľňóôŕšťúýž",  # Slovak
    "áéíóöőúüű",  # Hungarian
    "ăâîşţ",  # Romanian
    "čćđšž",  # Croatian, Slovenian
)
_TURKISH = ("çğıöşüâîûi\u0307",)
_BALTIC = ("ąčęėįšųūž", "āčēģīķļņšūž", "äöõüšž")  # Lithuanian, Latvian, Estonian

_ALPHABETS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cp1252", _WESTERN),
    ("cp1250", _CENTRAL),
    ("cp1254", _TURKISH),
    ("iso8859-2", _CENTRAL),
    ("cp1257", _BALTIC),
    ("iso8859-15", _WESTERN),
    ("mac_roman", _WESTERN),
    ("cp850", _WESTERN),
    ("cp852", _CENTRAL),
)

_OTHER_SCRIPTS = (
    *("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5", "mac_cyrillic", "cp1253", "cp1255", "cp1256"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949", "cp874"),
)

# Quotes, dots and marks that stand in Western text beside letters, which says nothing of its script.
_MARKS = re.compile(rb"[\x84\x85\x91-\x97\xa0\xa1\xab\xad\xbb\xbf]")
_RUNS = re.compile(rb"[\x80-\xff]{2,}")
_NOT_HEBREW = re.compile(rb"[\xc0-\xdf\xfb-\xff]")
_HEBREW = re.compile(rb"[\xe0-\xfa]")
_HIGH = re.compile(rb"[\x80-\xff]")
_ASCII_LETTER = re.compile(rb"[A-Za-z]")
_FREE = frozenset("’‘“”„‚‹›«»…–—•·™®©°†‡‰€\xa0\xad")
# Portuguese has õ before e only; elsewhere in Western text it is the Hungarian ő of another encoding.
_OE = re.compile(r"õ(?=e)", re.IGNORECASE)
_UNITS = re.compile(r"(?<![^\W\d_])([cdkmµ]?m)[²³]")


def guess(data: bytes) -> Iterator[str]:
    """Encodings to try for `data`, the likeliest first."""
    sample = _telling_sample(data)
    latin = _by_alphabet(sample, allowed=0.4 if _is_latin(sample) else 0.05)
    if latin:
        yield latin
    elif len(_HEBREW.findall(sample)) >= 40 and not _NOT_HEBREW.search(sample):
        # Statistics over letters take it for Cyrillic, which has capitals, and letters behind these.
        yield "cp1255"
    else:
        yield from _by_statistics(sample)
    yield from ("cp1252", "latin-1")


def _is_latin(sample: bytes) -> bool:
    """Whether bytes outside ASCII stand one by one between others, as accented letters do."""
    sample = _MARKS.sub(b" ", sample)
    high = len(_HIGH.findall(sample))
    return sum(map(len, _RUNS.findall(sample))) <= 0.6 * high


def _by_alphabet(sample: bytes, *, allowed: float) -> str | None:
    """The encoding in which the letters make a language; None where more than a part `allowed` is strange in all,
    or where hardly a letter is ASCII, as in no language that is written in Latin ones."""
    if 2 * len(_ASCII_LETTER.findall(sample)) < len(_HIGH.findall(sample)):
        return None
    best, fewest, of = None, float("inf"), 0
    for encoding, alphabets in _ALPHABETS:
        text = sample.decode(encoding, "replace")
        misplaced, letters = _characters_of(text)
        for alphabet in alphabets:
            strange = misplaced + sum(n for letter, n in letters.items() if letter not in alphabet)
            if strange < fewest:
                best, fewest, of = encoding, strange, misplaced + letters.total()
    return best if fewest <= allowed * of or of == 1 else None


def _characters_of(text: str) -> tuple[int, Counter[str]]:
    """How many characters outside ASCII cannot stand where they do, and the letters among the others."""
    text = _OE.sub("ô", _UNITS.sub(r"\1", text))
    misplaced = 0
    letters: Counter[str] = Counter()
    for found in re.finditer(r"[^\x00-\x7f]", text):
        char, before = found.group(), text[max(found.start() - 1, 0) : found.start()]
        if char == "\ufffd" or "\x80" <= char < "\xa0":
            misplaced += 1
        elif char.isalpha() and char not in "ªºµ":
            if char.isupper() and before.islower():
                misplaced += 1
            else:
                letters[char.lower()] += 1
        elif before.isalpha() and char not in _FREE:
            misplaced += 1
    return misplaced, letters


def _by_statistics(sample: bytes) -> Iterator[str]:
    from charset_normalizer import from_bytes

    for found in (from_bytes(sample, cp_isolation=list(_OTHER_SCRIPTS)).best(), from_bytes(sample).best()):
        if found and found.encoding != "ascii":
            yield found.encoding


def _telling_sample(data: bytes) -> bytes:
    """The lines with bytes outside ASCII, as far as a guess needs: the only ones that tell encodings apart."""
    parts, size, at = [], 0, 0
    while size < _SAMPLE and (found := _HIGH.search(data, at)):
        begin = max(data.rfind(b"\n", at, found.start()) + 1, at)
        end = data.find(b"\n", found.start(), found.start() + _SAMPLE)
        if end < 0:
            end = min(found.start() + _SAMPLE, len(data))
        begin = max(begin, found.start() - _SAMPLE)
        parts.append(data[begin:end])
        size += end - begin
        at = end
    return _whole_characters(b"\n".join(parts), cut=at < len(data))


def _whole_characters(sample: bytes, *, cut: bool) -> bytes:
    """Without what stands behind the last space or line end of a sample that was cut: half a character, maybe."""
    end = max(sample.rfind(b" "), sample.rfind(b"\n")) if cut else -1
    return sample[:end] if end > 0 else sample
