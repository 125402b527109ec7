"""Safe text: the one function through which foreign text passes before it is drawn.

A terminal obeys what it is sent. A model's words, a document or the output of a cell may hold escape sequences that
set the clipboard, move the cursor or reverse the reading direction. `clean` puts one visible, harmless character in
the place of each such character, so that nothing is hidden, nothing is obeyed and positions stay the same.
"""

from __future__ import annotations

import json
import re

REPLACEMENT = "\ufffd"
_ZERO_WIDTH = "\u200c"

_REPLACED = (
    "\x80-\x9f"  # C1 controls: CSI and OSC as single characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029"  # line and paragraph separators
    "\u2065\u206a-\u206f\ufff0-\ufffb"  # deprecated format characters, annotations, and what is kept free for such
    "\U000e0000-\U000e0fff"  # tags and selectors without a look: a byte can be hidden in each
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # controls of shorthand and of music
    "\u115f\u1160\u3164\uffa0"  # fillers: blank, and of a width that terminals disagree on
    "\ud800-\udfff\ufffe\uffff"  # lone surrogates and noncharacters
)
_INVISIBLE = "\u034f\u17b4\u17b5\u180b-\u180f\u200b\u200d\u2060-\u2064\ufeff\U0001f3fb-\U0001f3ff"
_SELECTORS = "\ufe00-\ufe0d\ufe0f"
_HARMFUL = re.compile(f"[\x00-\x08\x0b-\x1f\x7f\xad{_SELECTORS}{_REPLACED}{_INVISIBLE}]")


def clean(text: str) -> str:
    """`text` with every character that a terminal could obey replaced by one that it only shows.

    Line feeds and tabs stay; whoever lays the text out deals with them. The result has the length of `text`:

    - control characters become their pictures (ESC is "␛"), C1 controls, bidirectional controls, tags and lone
      surrogates "\ufffd";
    - joiners, skin tones and invisible characters become the zero-width non-joiner and selectors the text selector,
      since terminals differ in the width of what these make; a soft hyphen becomes a hyphen.
    """
    return _HARMFUL.sub(_replacement, text)


def escaped(text: str) -> str:
    """JSON `text` with every such character spelled as JSON spells it, so that a terminal can be shown it unharmed.

    What it says as JSON is the same; a lone surrogate, which no file takes, becomes one that is spelled.
    """
    return _HARMFUL.sub(lambda match: json.dumps(match.group())[1:-1], text)


def _replacement(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if code == 0xAD:
        return "-"
    if _SELECTOR.match(char):
        return "\ufe0e"
    if _ZERO_WIDTHS.match(char):
        return _ZERO_WIDTH
    return REPLACEMENT


_SELECTOR, _ZERO_WIDTHS = re.compile(f"[{_SELECTORS}]"), re.compile(f"[{_INVISIBLE}]")
