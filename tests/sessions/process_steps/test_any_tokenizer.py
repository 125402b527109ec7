"""Ids decode to the text of their spans in thousands of texts, with tokenizers of every kind."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from sessions.process_steps import Span, SpanTokenizer
from sessions.process_steps.conversations import Turn
from sessions.process_steps.rows import RowMaker
from tests.sessions.process_steps.conftest import WORDS
from tests.sessions.process_steps.test_rows import FIELDS, check

CASES = 1200
NAMES = ["read_file", "web.search", "worker_batch", "f", "Lookup-7", "naïve_Tool"]
PIECES = [
    *(
        "the fee is",
        "2448.2",
        "XEHM4B",
        "New York",
        "a } b",
        "é",
        "日本語",
        "\\",
        '\\"',
        "\t",
        "[1, {",
        "'",
        "fi ▁ x",
    ),
    *(
        "I will use ",
        "so: ",
        "```json\n",
        "1,234.50",
        "\u200d👩‍🔬",
        "ends\n\n",
        "  two  spaces",
        "</tool_call",
        "UPPER",
    ),
]


def value(source: random.Random, depth: int = 0) -> Any:
    kind = source.randrange(7 if depth < 2 else 5)
    match kind:
        case 0:
            return source.choice([True, False, None])
        case 1:
            return source.randrange(-999, 10 ** source.randrange(1, 9))
        case 2:
            return round(source.uniform(-5, 5000), source.randrange(4))
        case 5:
            return [value(source, depth + 1) for _ in range(source.randrange(3))]
        case 6:
            return {word(source): value(source, depth + 1) for _ in range(source.randrange(3))}
    return word(source)


def word(source: random.Random) -> str:
    return "".join(source.choice(PIECES) for _ in range(source.randrange(1, 4)))


def written(source: random.Random) -> tuple[str, int]:
    """A text with calls in one form or another, and how many."""
    calls = source.randrange(1, 4)
    text = ""
    for _ in range(calls):
        arguments = {word(source): value(source) for _ in range(source.randrange(4))}
        call = json.dumps(
            {"name": source.choice(NAMES), "arguments": arguments}, ensure_ascii=source.random() < 0.5
        )
        prose = word(source).translate(str.maketrans("", "", "{}[]\"'<>"))
        form = source.choice(["{}", "<tool_call>{}</tool_call>", "<tool_call>\n{}\n</tool_call>\n"])
        text += prose + form.replace("{}", call)
    return text, calls


def cases(seed: int) -> Iterator[tuple[Turn, int]]:
    source = random.Random(seed)
    for _ in range(CASES):
        text, calls = written(source)
        yield Turn(prompt="", text=text, results=(value(source), "2448.2 miles, XEHM4B")), calls


def saved(tokenizer: Tokenizer, trainer: Any, path: Path) -> SpanTokenizer:
    texts = [*WORDS, *PIECES, *(turn.text for turn, _ in list(cases(0))[:200])]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(path / "tokenizer.json"))
    return SpanTokenizer(path)


@pytest.fixture(scope="module")
def metaspace(tmp_path_factory: pytest.TempPathFactory) -> SpanTokenizer:
    """As SentencePiece makes them: white space is a sign of its own, other letters fall back to bytes."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1),
        ]
    )
    raw = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    return saved(
        tokenizer,
        trainers.BpeTrainer(vocab_size=900, special_tokens=raw, show_progress=False),
        tmp_path_factory.mktemp("metaspace"),
    )


@pytest.fixture(scope="module")
def wordpiece(tmp_path_factory: pytest.TempPathFactory) -> SpanTokenizer:
    """As BERT has it: case, accents and white space are lost."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return saved(
        tokenizer,
        trainers.WordPieceTrainer(vocab_size=900, special_tokens=["[UNK]"], show_progress=False),
        tmp_path_factory.mktemp("wordpiece"),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_bytes_give_every_text_back(byte_tokenizer: Path, seed: int) -> None:
    tokenizer = SpanTokenizer(byte_tokenizer)
    maker = RowMaker(tokenizer, prose=seed == 1, least=0.0)
    for turn, calls in cases(seed):
        row = maker.row(turn, {})
        assert row is not None
        check(row, tokenizer)
        assert len(row["metadata"]["tools"]) == calls
        assert row["metadata"]["exact"]
    assert maker.counts["rows"] == CASES


def by_span(row: dict[str, Any], tokenizer: SpanTokenizer) -> Iterator[tuple[str, str]]:
    """The text of each span, and what its own ids, as they stand in the row, decode to."""
    for ids, (mask, name) in FIELDS.items():
        at = 0
        for span in row["metadata"]["spans"][name]:
            tokens = tokenizer.tokens(row["teacher_text"], [Span(*span)])
            assert tokens is not None
            mine = row[ids][at : at + len(tokens.ids)]
            assert tuple(mine) == tokens.ids
            at += len(mine)
            yield Span(*span).of(row["teacher_text"]), tokenizer.decode(mine)
        assert at == len(row.get(ids, ())) == len(row.get(mask, ()))


def test_signs_for_white_space_give_every_span_back(metaspace: SpanTokenizer) -> None:
    maker = RowMaker(metaspace, least=0.0)
    exact = 0
    for turn, calls in cases(3):
        row = maker.row(turn, {})
        assert row is not None
        assert len(row["metadata"]["tools"]) == calls
        same = [text == told for text, told in by_span(row, metaspace)]
        assert all(same) == row["metadata"]["exact"]
        exact += all(same)
        for text, told in by_span(row, metaspace):
            # The sign itself, where it stands in a text, is taken for white space.
            assert told == text or "▁" in text
    assert exact > CASES // 2
    assert maker.counts["rows"] == CASES


def test_a_tokenizer_that_loses_case_and_white_space_gives_the_rest_back(wordpiece: SpanTokenizer) -> None:
    normal = normalizers.BertNormalizer()
    maker = RowMaker(wordpiece, least=0.0)
    for turn, calls in cases(4):
        row = maker.row(turn, {})
        if row is None:
            continue
        assert len(row["metadata"]["tools"]) == calls
        for text, told in by_span(row, wordpiece):
            wanted = normal.normalize_str(text).replace("▁", "")
            assert "".join(told.replace("▁", "").split()) == "".join(wanted.split())
            assert "[UNK]" not in told
        assert not row["metadata"]["exact"]
    left = maker.counts["texts that the tokenizer does not give back left out"]
    assert maker.counts["rows"] + left == CASES
    assert maker.counts["rows"] > CASES // 2
