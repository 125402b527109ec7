"""The inside of the embedded model's server process: one llama.cpp server from the `xllamacpp` wheel.

Run by path as `python -P local_runtime.py SETTINGS`, where SETTINGS is a JSON object (see `main`), with the key in
the environment, so that no process list shows it. Standard library and xllamacpp only. It serves until it is killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEY_VARIABLE = "DISTILL_EMBEDDED_KEY"

NO_RUNTIME = "cannot import xllamacpp"
NO_GOMP = "libgomp.so.1 is missing"
NO_LOAD = "cannot load the weights"
"""What the log's last line begins with when the server could not be started, for `local.py` to tell apart."""


def main(argv: list[str]) -> int:
    """Start the server and stay.

    `argv[0]` is a JSON object: `model` (path), `alias` (name it answers to), `port`, `slots`, `context` (tokens a
    slot), `threads`, `cache_mib` (memory for prompts of conversations that lost their slot).
    """
    settings = json.loads(argv[0])
    # Taken out, so that nothing this process may start inherits it.
    key = os.environ.pop(KEY_VARIABLE)
    try:
        import xllamacpp
    except ImportError as error:
        print(NO_GOMP if "libgomp" in str(error) else f"{NO_RUNTIME}: {error}", file=sys.stderr, flush=True)
        return 1
    try:
        server = xllamacpp.Server(_params(xllamacpp, settings, key))
    except (RuntimeError, ValueError, OSError) as error:
        print(f"{NO_LOAD}: {error}", file=sys.stderr, flush=True)
        return 1
    print(f"ready: {Path(settings['model']).name} on {server.listening_address}", file=sys.stderr, flush=True)
    signal.pause()  # a signal's default action ends the process, at once
    return 0


def _params(runtime: Any, settings: Mapping[str, Any], key: str) -> Any:
    params = runtime.CommonParams()
    params.model.path = settings["model"]
    params.model_alias = {settings["alias"]}
    params.hostnames = ["127.0.0.1"]
    params.port = settings["port"]
    params.api_keys = [key]
    params.n_parallel = settings["slots"]
    # One pool for all slots: a supervisor alone may use what its workers leave.
    params.kv_unified = True
    params.n_ctx = settings["slots"] * settings["context"]
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = params.cpuparams.n_threads
    params.cache_ram_mib = settings["cache_mib"]
    params.endpoint_slots = False
    params.ui = False
    return params


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
