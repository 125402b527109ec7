"""A small tokenizer that needs no network, with a chat template that says what the model wrote."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sessions.export.formats import find
from sessions.export.rows import Options

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
    "{% else %}{{ message['content'] }}<|end|>{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
ROLES = ["<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|end|>"]


@cache
def tokenizer() -> Any:
    """Byte-level BPE over nothing but bytes, so that any text is told again exactly."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(role, special=True) for role in ROLES])
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|end|>", pad_token="<|end|>")
    fast.chat_template = TEMPLATE
    return fast


@cache
def tokenizer_file() -> str:
    """The same as a `tokenizer.json`."""
    path = Path(tempfile.mkdtemp()) / "tokenizer.json"
    tokenizer().backend_tokenizer.save(str(path))
    return str(path)


def options_for(name: str) -> Options:
    """Options with which the format called `name` makes rows."""
    return Options(tokenizer=tokenizer_file() if find(name).tokenizer else "")
