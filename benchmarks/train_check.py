"""A tiny model fine-tuned on the example sessions: do trainers learn from exports as they are?

python -m benchmarks.train_check [--steps 30] [--device cpu]

Needs the extra `train-check`. Everything is made on the spot: the sessions that come with the program are exported as
`prompt-completion`, `sft` and `preference`, a byte-level BPE tokenizer is trained on them, and a Llama of some 400,000
parameters starts from random weights. TRL's SFTTrainer learns from the first two, its DPOTrainer from the third; the
loss of each must go down, or the command fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
    "{% else %}{{ message['content'] }}<|end|>{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
"""A chat template that tells what the model wrote, as `assistant_only_loss` needs it."""
SPECIAL = ["<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|end|>"]
VOCABULARY = 4000
LENGTH = 4096
"""Tokens of an example at most: all single turns fit, the longest whole sessions are cut off."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=30, help="of each training")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    args = parser.parse_args()
    quiet()
    with tempfile.TemporaryDirectory() as folder:
        sets = {name: exported(Path(folder), name) for name in ("prompt-completion", "sft", "preference")}
        tokenizer = trained_tokenizer(texts(sets.values()))
        longest = max(len(tokenizer.encode(text)) for text in texts(sets.values()))
        print(f"tokenizer: {len(tokenizer)} tokens; the longest text has {longest}")
        sound = [
            told(name, losses(name, rows, tokenizer, args.steps, args.device, folder))
            for name, rows in sets.items()
        ]
    sys.exit(0 if all(sound) else 1)


def quiet() -> None:
    """No bars of the libraries between the lines told here."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.disable_progress_bar()


def exported(folder: Path, name: str) -> Any:
    """The examples exported in the format `name`, as `datasets` loads them."""
    from datasets import load_dataset

    from sessions.example_sessions import FOLDER
    from sessions.export import Plan, export, sources
    from sessions.export.formats import find
    from sessions.home import Home

    plan = Plan(format=find(name), sources=tuple(sources(Home(FOLDER).folders())))
    made = export(plan, str(folder / name))
    print(f"{name}: {made.total} rows of {made.sessions} sessions")
    return load_dataset(str(folder / name), split="train", cache_dir=str(folder / "cache"))


def texts(sets: Iterable[Any]) -> Iterator[str]:
    """Everything that is said in the rows."""
    for rows in sets:
        for row in rows:
            for column in ("prompt", "completion", "messages", "chosen", "rejected"):
                yield from (message["content"] for message in row.get(column) or ())


def trained_tokenizer(said: Iterable[str]) -> Any:
    """A byte-level BPE tokenizer of what is said."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(
        said,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=SPECIAL,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|end|>", pad_token="<|user|>")
    fast.chat_template = TEMPLATE
    return fast


def tiny_model(tokenizer: Any) -> Any:
    """A Llama with random weights, the same each time."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=LENGTH,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )


def losses(name: str, rows: Any, tokenizer: Any, steps: int, device: str, folder: str) -> list[float]:
    """The losses that TRL's trainer for the format reports, a step each."""
    from transformers import PrinterCallback
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    common = {
        "output_dir": folder,
        "max_steps": steps,
        "per_device_train_batch_size": 2,
        "learning_rate": 2e-3,
        "lr_scheduler_type": "constant",
        "logging_steps": 1,
        "max_length": LENGTH,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": device == "cpu",
        "bf16": False,
        "disable_tqdm": True,
        "seed": 1,
    }
    rows = rows.select_columns(
        [c for c in rows.column_names if c in ("prompt", "completion", "messages", "chosen", "rejected")]
    )
    model = tiny_model(tokenizer)
    if name == "preference":
        trainer = DPOTrainer(
            model,
            ref_model=tiny_model(tokenizer),
            args=DPOConfig(**common),
            train_dataset=rows,
            processing_class=tokenizer,
        )
    else:
        whole = name == "sft"
        trainer = SFTTrainer(
            model,
            args=SFTConfig(**common, assistant_only_loss=whole),
            train_dataset=rows,
            processing_class=tokenizer,
        )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def told(name: str, seen: list[float]) -> bool:
    """Say how the loss went; whether it went down: the mean of the last five against that of the first five."""
    few = min(5, len(seen) // 2)
    first, last = sum(seen[:few]) / few, sum(seen[-few:]) / few
    trainer = "DPOTrainer" if name == "preference" else "SFTTrainer"
    every = max(1, len(seen) // 6)
    print(f"{name} ({trainer}): loss {first:.3f} -> {last:.3f} in {len(seen)} steps")
    print("  " + "  ".join(f"{step}: {loss:.3f}" for step, loss in list(enumerate(seen, 1))[::every]))
    return last < first


if __name__ == "__main__":
    main()
