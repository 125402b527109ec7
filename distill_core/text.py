"""Text that can always be written: lone surrogates spelled out, everything else untouched.

Text from a document, a model or a REPL may hold code points that UTF-8 cannot carry. Whatever goes into a log, a
request or a message passes here first.
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    r"""`text` with every lone surrogate replaced by its backslash escape (U+D800 becomes the six characters `\ud800`).

    The result encodes to UTF-8 without error. Text without surrogates comes back as the same object.
    """
    if text.isascii() or _SURROGATE.search(text) is None:
        return text
    return _SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
