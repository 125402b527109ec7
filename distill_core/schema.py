"""JSON Schema of the log's lines, on stdout: `python -m distill_core.schema > docs/event.schema.json`."""

from __future__ import annotations

import json
import sys

from distill_core.events import json_schema

if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=1) + "\n")
