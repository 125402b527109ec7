"""The engine's own cost, beside two peers and a bare client, in one run on one scripted endpoint.

    python benchmarks/engine.py [--peers PYTHON]

PYTHON is an interpreter of an environment with `pip install rlms smolagents[openai] aiohttp`. A turn's overhead is
the slope between a short and a long run, less the time the endpoint sleeps: start-up falls out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from endpoint import TURN_SECONDS

HERE = Path(__file__).parent
SHORT, LONG = 5, 45
ROUNDS = 3


def measure(python: str, system: str, kind: str, number: int, url: str) -> float:
    """The median seconds of a few runs, each in a fresh process."""
    argv = [python, str(HERE / "systems.py"), system, kind, str(number), url]
    times = []
    for _ in range(ROUNDS):
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{system} failed:\n{done.stderr[-2000:]}")
        times.append(json.loads(done.stdout.splitlines()[-1]))
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers")
    options = parser.parse_args()
    server = subprocess.Popen([sys.executable, str(HERE / "endpoint.py")], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        systems = [("bare", sys.executable), ("distill", sys.executable)]
        if options.peers:
            systems += [("rlms", options.peers), ("smolagents", options.peers)]
        print("overhead of a turn (ms beyond the endpoint's own time)")
        for name, python in systems:
            short, long = (measure(python, name, "turns", n, url) for n in (SHORT, LONG))
            overhead = (long - short) / (LONG - SHORT) - TURN_SECONDS
            print(f"  {name:<12} {overhead * 1000:6.1f}", flush=True)
        print("1,000 worker calls of 50 ms, 64 in flight, logged (s)")
        bare = measure(sys.executable, "bare", "batch", 1000, url)
        print(f"  {'bare':<12} {bare:6.2f}")
        for name, python in systems[1:3]:
            took = measure(python, name, "batch", 1000, url)
            print(f"  {name:<12} {took:6.2f}   {took / bare:4.2f}x bare", flush=True)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
