"""The door that closes behind the child, after it has its document and before any cell runs."""

from __future__ import annotations

import sys
from typing import Any


def lock_down(orders: dict[str, Any] | None, keep: tuple[int, ...]) -> dict[str, Any]:
    """Give up every right that a cell does not need, and find out what that comes to.

    Args:
        orders: what the host wants: `code` (the folder of the package that does it), `paths`, `threads`,
            `address_bytes`, `witness`, `host`, `forbidden_bytes`; None to stay as the process is.
        keep: descriptors that stay open.

    Returns:
        `level` that is proven, `probes` as [name, shut, detail], and the `problem` there was, if any.
    """
    if orders is None:
        return {"level": "none", "probes": [], "problem": None}
    sys.path.insert(0, orders["code"])
    from inside.lockdown import lock_down as lock  # type: ignore[import-not-found]
    from inside.policy import Bounds, Paths  # type: ignore[import-not-found]
    from inside.probes import Witness  # type: ignore[import-not-found]

    del sys.path[0]
    attestation = lock(
        Paths(*map(tuple, orders["paths"])),
        Bounds(orders["threads"], orders["address_bytes"]),
        keep,
        Witness(orders["witness"], orders["host"], orders["forbidden_bytes"]),
    )
    return dict(attestation._asdict())
