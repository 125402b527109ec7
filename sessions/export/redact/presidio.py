"""Names of people, places and more, by Microsoft's presidio with a language model of its own (extra `presidio`).

Nothing is fetched: the language model must be installed, and what presidio looks up in lists on the net (whether an
address ends in a known domain) is left to this program's own patterns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from distill_core.errors import ExportError
from sessions.export.redact.redactor import Finder, Found

LANGUAGE = "en"
MIN_SCORE = 0.5
"""How sure presidio must be."""
NOT_ASKED = frozenset({"EMAIL_ADDRESS", "URL", "PHONE_NUMBER", "CREDIT_CARD", "DATE_TIME"})
"""What has patterns here, needs the net, or points to nobody."""
_PREFERRED = ("lg", "trf", "md", "sm")
"""Sizes of spaCy's models, those first that find most."""


def finder(analyzer: Any = None) -> Finder:
    """A finder that asks presidio.

    Args:
        analyzer: an `AnalyzerEngine`; default one with the best English model of spaCy that is installed.

    Raises:
        ExportError: presidio or a language model is not installed.
    """
    engine = analyzer if analyzer is not None else _engine()
    asked = [kind for kind in engine.get_supported_entities(language=LANGUAGE) if kind not in NOT_ASKED]

    def find(text: str) -> Iterator[Found]:
        found = engine.analyze(text=text, language=LANGUAGE, entities=asked, score_threshold=MIN_SCORE)
        for result in sorted(found, key=lambda one: (-one.score, one.start, -one.end)):
            yield Found(result.start, result.end, result.entity_type.lower())

    return find


def _engine() -> Any:
    try:
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider
        from spacy.util import get_installed_models
    except ImportError as error:
        raise ExportError(
            "presidio is not installed", remedy='pip install "distill-tui[presidio]" and a spaCy model'
        ) from error
    name = best_model(get_installed_models())
    if name is None:
        # Presidio itself would try to download one.
        raise ExportError(
            "presidio has no language model",
            found="no English model of spaCy is installed",
            remedy="python -m spacy download en_core_web_lg",
        )
    models = [{"lang_code": LANGUAGE, "model_name": name}]
    try:
        nlp = NlpEngineProvider(
            nlp_configuration={"nlp_engine_name": "spacy", "models": models}
        ).create_engine()
        return AnalyzerEngine(nlp_engine=nlp, supported_languages=[LANGUAGE])
    except (OSError, ValueError) as error:
        raise ExportError(f"presidio cannot use {name}", found=str(error).splitlines()[0]) from error


def best_model(installed: list[str]) -> str | None:
    """Of spaCy's models the English one that finds most; None where there is none."""
    english = sorted(name for name in installed if name.startswith(f"{LANGUAGE}_"))

    def rank(name: str) -> int:
        parts = name.split("_")
        return next((place for place, size in enumerate(_PREFERRED) if size in parts), len(_PREFERRED))

    return min(english, key=rank, default=None)
