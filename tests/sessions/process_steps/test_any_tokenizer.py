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


def saved(tokenizer: Tokenizer, trainer: Any, path: Path) -> Path:
    texts = [*WORDS, *PIECES, *(turn.text for turn, _ in list(cases(0))[:200])]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(path / "tokenizer.json"))
    return path / "tokenizer.json"


@pytest.fixture(scope="module")
def metaspace_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
def wordpiece_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
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


@pytest.fixture(scope="module")
def metaspace(metaspace_tokenizer: Path) -> SpanTokenizer:
    return SpanTokenizer(metaspace_tokenizer)


@pytest.fixture(scope="module")
def wordpiece(wordpiece_tokenizer: Path) -> SpanTokenizer:
    return SpanTokenizer(wordpiece_tokenizer)


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


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("kind", ["byte_tokenizer", "metaspace_tokenizer", "wordpiece_tokenizer"])
def test_padding_and_truncation_stored_with_a_tokenizer_are_not_applied(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, folder: bool
) -> None:
    plain: Path = request.getfixturevalue(kind)
    batched = Tokenizer.from_file(str(plain))
    batched.enable_padding(length=128, pad_token="[PAD]")
    batched.enable_truncation(64)
    batched.save(str(tmp_path / "tokenizer.json"))
    kept = json.loads((tmp_path / "tokenizer.json").read_text())
    assert kept["padding"]
    assert kept["truncation"]
    tokenizer = SpanTokenizer(tmp_path if folder else tmp_path / "tokenizer.json")
    text = "I look. " * 200 + '{"name": "read_file", "arguments": {"path": "config.json"}}'
    turn = Turn(prompt="", text=text)
    row = RowMaker(tokenizer).row(turn, {})
    assert row is not None
    assert row == RowMaker(SpanTokenizer(plain)).row(turn, {})
    assert all(first < last for places in row["metadata"]["positions"].values() for first, last in places)


def test_a_tokenizer_that_cannot_take_a_text_leaves_it_out(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({"f": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    maker = RowMaker(SpanTokenizer(tmp_path))
    for text in ('{"name": "other", "arguments": {}}', 'Prose. {"name": "f", "arguments": {}}'):
        assert maker.row(Turn(prompt="", text=text), {}) is None
    assert maker.counts["texts that the tokenizer does not give back left out"] == 2


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
