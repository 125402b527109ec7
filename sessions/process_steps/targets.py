"""Characters to tokens: the ids of spans, by a tokenizer read from a file. `tokenizers` is loaded when used."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from distill_core.errors import ExportError
from sessions.process_steps.text import Span

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


class Tokens(msgspec.Struct, frozen=True):
    """Token ids and, for each, whether it counts (1) or not (0).

    `exact`: decoded span by span they are the text, letter by letter; otherwise they are it as the tokenizer writes it.
    """

    ids: tuple[int, ...]
    mask: tuple[int, ...]
    exact: bool = True


class SpanTokenizer:
    """Turns spans of a text into tokens.

    A span is encoded by itself, so that its tokens hold its text and nothing else: in the encoding of the whole text a
    token may reach over the span's edge (a quotation mark and a name in one). Where the span stands in that encoding
    is told by `positions`. Padding and truncation that are stored with the tokenizer are for batches, and not applied.

    Args:
        path: a `tokenizer.json`, or a folder that holds one.

    Raises:
        ExportError: it cannot be loaded.
    """

    def __init__(self, path: str | Path) -> None:
        self._tokenizer = _loaded(Path(path))

    def tokens(self, text: str, spans: Sequence[Span], counts: Sequence[bool] | None = None) -> Tokens | None:
        """The tokens of `spans`, one span after the other; None where decoding would not give their text back.

        A tokenizer that folds case or writes its own white space gives back what it can hold of a text; it is trusted
        where that is all but white space.

        Args:
            counts: for each span, whether its tokens count in the mask; default: all do.
        """
        ids: list[int] = []
        mask: list[int] = []
        exact = True
        for index, span in enumerate(spans):
            wanted = span.of(text)
            encoding = self._encoded(wanted)
            if encoding is None:
                return None
            own = encoding.ids
            told = self.decode(own)
            if told != wanted:
                exact = False
                if _letters(told) != _letters(self._normal(wanted)):
                    return None
            ids += own
            mask += [1 if counts is None or counts[index] else 0] * len(own)
        return Tokens(tuple(ids), tuple(mask), exact)

    def _normal(self, text: str) -> str:
        """A text in the tokenizer's own spelling."""
        normalizer = self._tokenizer.normalizer
        return str(normalizer.normalize_str(text)) if normalizer is not None else text

    def positions(self, text: str, spans: Sequence[Span]) -> list[tuple[int, int]] | None:
        """For each span the tokens (first, one behind the last) of the whole text's encoding that touch it.

        None where the tokenizer cannot encode the text.
        """
        encoding = self._encoded(text)
        if encoding is None:
            return None
        offsets = encoding.offsets
        starts, ends = [start for start, _ in offsets], [end for _, end in offsets]
        return [_touching(starts, ends, span) for span in spans]

    def _encoded(self, text: str) -> Encoding | None:
        """None where the tokenizer cannot: one without a token for what it does not know."""
        try:
            return self._tokenizer.encode(text, add_special_tokens=False)
        except Exception:  # noqa: BLE001  # the package raises nothing narrower
            return None

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))


def _letters(text: str) -> str:
    """A text without white space, and without the sign that stands for it in some vocabularies."""
    return "".join(text.replace("▁", " ").split())


def _touching(starts: Sequence[int], ends: Sequence[int], span: Span) -> tuple[int, int]:
    first, last = bisect_right(ends, span.start), bisect_left(starts, span.end)
    return (first, last) if first < last else (0, 0)


def _loaded(path: Path) -> Tokenizer:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ExportError(
            "tokens need the tokenizers package", remedy="pip install 'distill-tui[tokens]'"
        ) from error
    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        tokenizer = Tokenizer.from_str(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExportError(
            "cannot read the tokenizer",
            found=f"{file}: {error.strerror}",
            remedy="name a tokenizer.json or its folder",
        ) from error
    except Exception as error:  # the package raises nothing narrower
        raise ExportError(
            f"{file} is no tokenizer", found=str(error).splitlines()[0][:200], remedy="name a tokenizer.json"
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
