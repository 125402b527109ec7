"""The stand-in's server: takes vLLM's flags, answers as the scripted endpoint does, and prints how it was started."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

from tests.fakes.openai_server import FakeServer, Reply, _run

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--served-model-name", required=True)
parser.add_argument("--host", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--max-model-len", type=int)
parser.add_argument("--enforce-eager", action=argparse.BooleanOptionalAction)

if __name__ == "__main__":
    options = parser.parse_args()
    key = os.environ["VLLM_API_KEY"]
    print(
        json.dumps({"argv": sys.argv[1:], "module": sys.argv[0], "key_in_argv": key in sys.argv}), flush=True
    )
    if options.model.endswith("broken"):
        sys.exit("ValueError: no room for the weights")
    server = FakeServer(key=key, default=Reply(text="served"), served=(options.served_model_name,))
    server.port = options.port
    asyncio.run(_run(server, lambda: None, asyncio.Event()))
