"""Examples that come with the program: a document in the public domain, a question, and how to know a right answer.

One TOML file an example, beside its document. To add one, add the two files.
"""

from __future__ import annotations

import functools
import re
import tomllib
from importlib import resources
from pathlib import Path

import msgspec

from distill_core.errors import DocumentError

DEFAULT = "time_machine"


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question that the document answers in one place.

    Args:
        name: what it is called.
        title: of the document, with its author.
        document: name of the file that holds the text.
        question: what to ask.
        accepts: words (or phrases) of which a right answer holds at least one, whatever its case.
        evidence: the words of the document that settle it, verbatim but for line breaks.
        licence: under what the text may be passed on.
        provenance: where the text is from, and why it may be.
    """

    name: str
    title: str
    document: str
    question: str
    accepts: tuple[str, ...]
    evidence: str
    licence: str
    provenance: str

    def text(self) -> str:
        """The document."""
        return resources.files(__package__).joinpath(self.document).read_text(encoding="utf-8")

    def path(self) -> Path:
        """Where the document lies."""
        return Path(str(resources.files(__package__).joinpath(self.document)))

    def right(self, answer: str) -> bool:
        """Whether `answer` holds what it must. Generous: it does not look for what it must not hold."""
        return any(re.search(rf"\b{re.escape(word)}\b", answer, re.IGNORECASE) for word in self.accepts)


@functools.cache
def examples() -> dict[str, Example]:
    """All examples by name."""
    found = [
        msgspec.convert(tomllib.loads(entry.read_text(encoding="utf-8")), Example)
        for entry in resources.files(__package__).iterdir()
        if entry.name.endswith(".toml")
    ]
    return {example.name: example for example in sorted(found, key=lambda example: example.name)}


def example(name: str = DEFAULT) -> Example:
    """The example called `name`.

    Raises:
        DocumentError: there is none.
    """
    try:
        return examples()[name]
    except KeyError:
        raise DocumentError(
            f"no example is called {name!r}", remedy=f"known: {', '.join(examples())}"
        ) from None
