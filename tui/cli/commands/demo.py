"""`distill-tui demo`: a real question of a bundled document, with the embedded model."""

from __future__ import annotations

from typing import Any

import click

from tui.cli.launch import launch
from tui.cli.options import config_options, model_options, session_options
from tui.cli.pulling import pull_with_notice
from tui.saying import say


@click.command("demo")
@session_options
@model_options
@config_options
def command(**options: Any) -> int:
    """Answer a question of a bundled document, with the embedded model.

    The embedded model (Qwen2.5-Coder 1.5B, about 1.1 GB) is fetched first where it is missing. With --playbook the
    supervisor is the playbook and the model only the worker. --gguf, --supervisor and --worker name other models.
    """
    from distill_core.examples import DEFAULT, examples
    from distill_core.models import weights

    elsewhere = options["gguf"] or options["worker"] or options["base_url"]
    if not elsewhere:
        pull_with_notice(weights.DEFAULT)
        options["worker"] = "embedded"
        if options["supervisor"] is None and not options["playbook"]:
            options["supervisor"] = "embedded"
    example = examples()[DEFAULT]
    text = example.text()
    say(f"{example.title}, {len(text):,} characters. {example.question}")
    return launch(example.document, text, example.question, options)
