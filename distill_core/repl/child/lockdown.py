"""The door that closes behind the child, after it has its document and before any cell runs."""

from __future__ import annotations

import os
import sys
from typing import Any


def lock_down(orders: dict[str, Any] | None, keep: tuple[int, ...], hatch: int) -> dict[str, Any]:
    """Give up every right that a cell does not need, and find out what that comes to.

    Args:
        orders: what the host wants: `code` (the folder of the package that does it), `wall` ("seatbelt" where one
            stands already), `paths`, `threads`, `address_bytes`, `witness`, `host`, `forbidden_bytes`; None to stay as
            the process is.
        keep: descriptors that stay open.
        hatch: socket through which the host gets the descriptor by which it is asked about system calls; closed.

    Returns:
        `level` that is proven, `probes` as [name, shut, detail], the `problem` there was, if any, and why there can be
        `no_copies` of this process, None if there can.
    """
    if orders is None:
        os.close(hatch)
        return {"level": "none", "probes": [], "problem": None, "no_copies": None}
    sys.path.insert(0, orders["code"])
    if orders["wall"] == "seatbelt":
        os.close(hatch)
        return _looked_around(orders, keep)
    from inside.lockdown import lock_down as lock  # type: ignore[import-not-found]
    from inside.policy import Bounds, Paths  # type: ignore[import-not-found]
    from inside.probes import Witness  # type: ignore[import-not-found]

    del sys.path[0]
    attestation = lock(
        Paths(*map(tuple, orders["paths"])),
        Bounds(orders["threads"], orders["address_bytes"]),
        (*keep, hatch),
        Witness(orders["witness"], orders["host"], orders["forbidden_bytes"]),
        lambda listener: _hand_over(listener, hatch),
    )
    return dict(attestation._asdict())


def _looked_around(orders: dict[str, Any], keep: tuple[int, ...]) -> dict[str, Any]:
    """What the wall comes to that this process was started behind."""
    from inside.probes import Witness
    from inside.walled import lock_down as look  # type: ignore[import-not-found]

    del sys.path[0]
    witness = orders["witness"]
    return dict(look(keep, Witness(witness, orders["host"], None, witness))._asdict())


def _hand_over(listener: int, hatch: int) -> None:
    """Pass a descriptor to the host, wait until it listens, and shut the hatch."""
    import _socket

    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, hatch)
    try:
        line.sendmsg([b"."], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, listener.to_bytes(4, sys.byteorder))])
        line.recv(1)
    finally:
        line.close()
