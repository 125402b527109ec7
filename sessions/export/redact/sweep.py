"""One pass over many texts at once, at which most of them need no other look: by RE2, where `google-re2` is installed.

RE2 looks at each byte once however many forms there are to be found, which `re` cannot and several passes of `glance`
take several times as long for. It is asked only whether there is any. Where it finds one, or is not installed, `glance`
tells what it may be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_LONGEST = 10_000
"""Letters of all forms, such as those of many keys, for which RE2's usual memory is enough; with less it is slow."""


def literal(word: str) -> str:
    """A form that stands wherever `word` does: its longest piece of ASCII, which is the same in any encoding."""
    return re.escape(max(re.split(r"[^\x00-\x7f]", word), key=len))


def sweep(forms: Iterable[str]) -> Callable[[bytes], bool] | None:
    """What tells whether one of some forms stands in a text; None where RE2 is not installed, or they are too long.

    Args:
        forms: regular expressions of ASCII in what RE2 and `re` have in common.
    """
    try:
        import re2
    except ImportError:
        return None
    pattern = "|".join(forms).encode()
    if len(pattern) > _LONGEST:
        return None
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.log_errors = False  # to stderr, on which the screen is drawn
    search = re2.compile(pattern, options).search
    return lambda text: search(text) is not None
