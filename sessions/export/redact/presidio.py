"""Names of people, places and more, by Microsoft's presidio with a language model of its own (extra `presidio`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from distill_core.errors import ExportError
from sessions.export.redact.redactor import Finder, Found

LANGUAGE = "en"
MIN_SCORE = 0.5
"""How sure presidio must be."""


def finder(analyzer: Any = None) -> Finder:
    """A finder that asks presidio.

    Args:
        analyzer: an `AnalyzerEngine`; default one with presidio's own settings.

    Raises:
        ExportError: presidio or its language model is not installed.
    """
    engine = analyzer if analyzer is not None else _engine()

    def find(text: str) -> Iterator[Found]:
        for result in engine.analyze(text=text, language=LANGUAGE, score_threshold=MIN_SCORE):
            yield Found(result.start, result.end, result.entity_type.lower())

    return find


def _engine() -> Any:
    try:
        from presidio_analyzer import AnalyzerEngine
    except ImportError as error:
        raise ExportError(
            "presidio is not installed", remedy='pip install "distill-tui[presidio]" and a spaCy model'
        ) from error
    try:
        return AnalyzerEngine()
    except (OSError, SystemExit) as error:
        raise ExportError(
            "presidio has no language model",
            found=str(error),
            remedy="python -m spacy download en_core_web_lg",
        ) from error
