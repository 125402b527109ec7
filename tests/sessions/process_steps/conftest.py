"""Tokenizers made on the spot: one of bytes that gives every text back, one of words that does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

WORDS = [
    'I will use {"name": "read_file", "arguments": {"path": "config.json", "limit": 20}} now.',
    '<tool_call>\n{"name": "web.search", "arguments": {"query": "liability cap"}}\n</tool_call>',
    "The distance between New York and Los Angeles is approximately 2448.2 miles.",
    "worker_batch([piece + question for piece in pieces])",
]


@pytest.fixture(scope="session")
def byte_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `tokenizer.json` of byte-level BPE, as most of today's models have."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, special_tokens=["<s>"])
    tokenizer.train_from_iterator(WORDS * 20, trainer)
    path = tmp_path_factory.mktemp("bytes") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="session")
def word_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `tokenizer.json` that knows few words and forgets case."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "read_file": 1}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("words") / "tokenizer.json"
    path.write_text(json.dumps(json.loads(tokenizer.to_str())))
    return path
