"""What points to a person: e-mail addresses, telephone and card numbers, home folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sessions.export.redact import escapes
from sessions.export.redact.glance import NUMBER, Glance, glance, what_is_left
from sessions.export.redact.redactor import Finder, Found, Hinted
from sessions.export.redact.sweep import literal

# Looked for from the @ on (%40 in an URL): a scan for the part before it would be tried at every letter.
# Letters are those of alphabets. Others, such as Chinese, follow each other without spaces: an address among them would
# take in the words around it.
_ALPHABETS = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u037d\u037f-\u0481\u048a-\u0556\u0561-\u0587"
    "\u05d0-\u05ea\u0620-\u064a\u0671-\u06d3\u1e00-\u1fff"
)
"""Latin, Greek, Cyrillic, Armenian, Hebrew and Arabic letters beyond ASCII, and Latin's combining marks."""
_LETTER = f"A-Za-z{_ALPHABETS}"
_AT = re.compile(
    rf"(?:@|%40)(?=[{_LETTER}0-9])(?:[{_LETTER}0-9-]+\.)+"
    rf"(?:xn--[A-Za-z0-9-]{{1,59}}|[{_LETTER}]{{2,24}})(?![{_LETTER}0-9_])"
)
_LOCAL = 64
"""Letters of the part before it, at most."""
# Up to where that begins: made of what addresses are in practice; RFC 5322 would also take the `=` and `{` of code.
_before = re.compile(rf"(?s:.*[^{_LETTER}0-9._%+-])?(?:{escapes.REST})?[._%+-]*").match

_FIRM = "\u00a0\u2007\u202f\u2011"
"""Spaces and a hyphen at which no line is broken: between two of them stands one number."""
_GAP = f" {_FIRM}"
# International with a plus, or North American with its separators; digits alone are numbers, not telephones.
_PHONE = re.compile(
    rf"(?:(?<![\w.+/-])|{escapes.BEHIND})"
    r"(?:"
    rf"\+[0-9]{{1,3}}(?:[{_GAP}.-]?\(?[0-9]{{1,4}}\)?){{2,5}}"
    rf"|(?:1[{_GAP}.-])?(?:\([0-9]{{3}}\)[{_GAP}]?|[0-9]{{3}}[{_FIRM}.-])[0-9]{{3}}[{_FIRM}.-][0-9]{{4}}"
    r")(?![\w-]|[.,/]\d)"
)
_NUMBERS = re.compile(rf"[0-9][0-9{_GAP}.()-]{{6,}}[0-9]")
"""Where such numbers can be at all; it is quick to find, and only there is looked closely."""
_CARD = re.compile(rf"(?:(?<![\w.-])|{escapes.BEHIND})" rf"[0-9](?:[{_GAP}-]?[0-9]){{12,18}}(?![\w-]|\.\d)")
_NAME = r"[^\s/\\:\"'<>|*?,;()\[\]{}]+"
_FURTHER = rf"(?: (?=[A-Z\u00c0-\u00de]){_NAME}){{1,2}}"
# A name on Windows may hold spaces. It is told from words behind it where the path goes on, with as many backslashes as
# it is written with, or where its next word begins like a name and ends the quotation that the path begins.
_HOME = re.compile(
    rf"(?:/home/|/Users/){_NAME}"
    rf"|[A-Za-z]:(?:(?<=([\"']).:))?(\\+)Users\\+{_NAME}"
    rf"(?:(?: {_NAME}){{1,3}}(?=\2(?!\\))|{_FURTHER}(?=\\*\1))?"
)
_PUBLIC = frozenset(
    {"Public", "Shared", "Default", "Default User", "All Users", "runner", "user", "username", "you", "$USER"}
)


def shows_address(look: Glance) -> bool:
    """Whether a text can hold an e-mail address."""
    return holds_address(look.text)


def holds_address(text: str) -> bool:
    """The same, of a text that nobody has looked at: one sign is found at once."""
    return "@" in text or ("%" in text and "%40" in text)


NUMBER_FORMS = (rf"[0-9](?:[ .()\-\x80\x87\x91\xa0\xaf\xc2\xe2]*[0-9]){{{NUMBER - 1}}}",)
"""What every number of a telephone or a card holds."""


def shows_number(look: Glance) -> bool:
    """Whether a text can hold the number of a telephone or a card."""
    return look.number()


def emails(text: str) -> Iterable[Found]:
    """E-mail addresses."""
    found = []
    for at, end in [match.span() for match in _AT.finditer(text)] if "%" in text else _at(text):
        before = _before(text, at - _LOCAL if at > _LOCAL else 0, at)
        if before is not None and before.end() < at:
            found.append(Found(before.end(), end, "email"))
    return found


def _at(text: str) -> Iterator[tuple[int, int]]:
    """Where the pattern stands in a text without %: its sign is found quicker than tried at every letter."""
    place = text.find("@")
    while place >= 0:
        match = _AT.match(text, place)
        if match is not None:
            yield place, match.end()
            place = match.end() - 1
        place = text.find("@", place + 1)


def phones(text: str) -> Iterable[Found]:
    """Telephone numbers, written so that they cannot be another sort of number."""
    return _phones(text) if shows_number(glance(text)) else ()


def _phones(text: str) -> Iterator[Found]:
    for match in _near_numbers(_PHONE, text):
        digits = sum(character.isdigit() for character in match[0])
        if 8 <= digits <= 15:
            yield Found(match.start(), match.end(), "phone")


def cards(text: str) -> Iterable[Found]:
    """Payment card numbers: 13 to 19 digits whose check digit is right (ISO/IEC 7812-1, the Luhn formula)."""
    return _cards(text) if shows_number(glance(text)) else ()


def _cards(text: str) -> Iterator[Found]:
    for match in _near_numbers(_CARD, text):
        digits = [int(character) for character in match[0] if character.isdigit()]
        if digits[0] in (2, 3, 4, 5, 6) and luhn(digits):
            yield Found(match.start(), match.end(), "card")


def _near_numbers(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    at = 0
    for near in _NUMBERS.finditer(text):
        # A plus or a bracket may stand before the first digit; what follows the last one is looked at, not taken.
        for match in pattern.finditer(text, max(at, near.start() - 2), min(len(text), near.end() + 2)):
            at = match.end()
            yield match


def luhn(digits: list[int]) -> bool:
    """Whether the last digit is the check digit of the others."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _usual_home(look: Glance) -> bool:
    rest = look.rest
    return (b"/m/" in rest and "/home/" in look.text) or (
        b"U" in rest and (b"/U/" in rest or b"\\U\\" in rest) and "Users" in look.text
    )


def of_homes(homes: Iterable[str]) -> Finder:
    """A finder of home folders: the usual ones by their form, and `homes`. What follows in the path is kept."""
    known = sorted(
        {home.rstrip("/\\") for home in homes if len(home.strip("/\\")) > 3}, key=len, reverse=True
    )
    own = re.compile("(?:" + "|".join(map(re.escape, known)) + r")(?![\w-])") if known else None

    def find(text: str) -> Iterator[Found]:
        if own is not None and any(home in text for home in known):
            for match in own.finditer(text):
                yield Found(match.start(), match.end(), "home")
        if _usual_home(glance(text)):
            for match in _HOME.finditer(text):
                if re.split(r"[/\\]", match[0])[-1] not in _PUBLIC:
                    yield Found(match.start(), match.end(), "home")

    words = [what_is_left(home) for home in known]

    def shows(look: Glance) -> bool:
        return _usual_home(look) or (bool(words) and any(word in look.rest for word in words))

    return Hinted(find, shows, forms=("/home/", "/Users/", r"\\Users\\", *map(literal, known)))
