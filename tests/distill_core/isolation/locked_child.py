"""A process that locks itself down and then runs what it is given. Started by tests: no module of the tests' own.

argv: the folder of the package `inside`; JSON with paths, witness file, host and bounds; the program.
"""

from __future__ import annotations

import json
import sys

folder, settings, program = sys.argv[1:4]
sys.path.insert(0, folder)

from inside.lockdown import lock_down  # type: ignore[import-not-found]  # noqa: E402
from inside.policy import Bounds, Paths  # type: ignore[import-not-found]  # noqa: E402
from inside.probes import Witness  # type: ignore[import-not-found]  # noqa: E402

del sys.path[0]
given = json.loads(settings)
attestation = lock_down(
    Paths(*(tuple(group) for group in given["paths"])),
    Bounds(given["threads"], given["address_bytes"]),
    (0, 1, 2),
    Witness(given["witness"], given["host"], given["forbidden_bytes"]),
)
print(json.dumps(attestation))
sys.stdout.flush()
exec(program, {"__name__": "__main__", "witness": given["witness"], "host": given["host"]})
