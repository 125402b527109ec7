"""The child's life: take configuration and document, lock down, say ready, then run cells as they are ordered."""

from __future__ import annotations

import faulthandler
import os
import random
import sys
from types import ModuleType
from typing import Any

from . import bounds, document, lockdown, packages, semaphores, variables
from .cells import Cells
from .channel import Channel
from .dialects import DIALECTS
from .interrupts import Interrupts
from .output import Outlet
from .scaffold import Answer, build


def main(fd: int, life: int, host: int) -> None:
    """Serve the host behind socket `fd` until it is gone. Never returns."""
    bounds.die_with_host(host, life)
    interrupts = Interrupts()
    interrupts.install()
    channel = Channel(fd, interrupts)
    cells, hidden = _prepare(channel, interrupts, channel.command(), (fd, life))
    while True:
        order = channel.command()
        if order["op"] == "execute":
            channel.send({"op": "begun", "cell": order["cell"]})
            cells.ask(order["query"])
            channel.send(cells.run(order["cell"], order["code"]))
        else:
            channel.send({"op": "variables", "variables": variables.look(cells.namespace, hidden)})


def _prepare(
    channel: Channel, interrupts: Interrupts, config: dict[str, Any], lines: tuple[int, ...]
) -> tuple[Cells, set[str]]:
    channel.frame_bytes = config["frame_bytes"]
    copies = os.dup(1), os.dup(2), os.dup(2)
    outlet = Outlet(*copies[:2], config["output_chars"])
    channel.before_sending = outlet.flush
    faulthandler.enable(copies[2])
    random.seed(config["seed"])
    sys.dont_write_bytecode = True
    packages.offer(config["packages"], config["package_folders"])
    context = document.receive(**config["document"])

    module = ModuleType("__main__")
    hidden = set(module.__dict__) | {"__builtins__"}
    answer = Answer(channel, config["final_chars"])
    scaffold = build(channel, answer, config["query"], config["primitives"])
    dialects = [DIALECTS[name](module.__dict__, scaffold, answer) for name in config["dialects"]]
    for dialect in dialects:
        scaffold |= dialect.names()
    scaffold |= {"__name__": "__main__", "__builtins__": sys.modules["builtins"]}
    module.__dict__["context"] = context
    hidden |= set(scaffold)

    bounds.apply(config["bounds"])
    memory = bounds.Memory(config["bounds"]["memory_bytes"])
    if config["isolation"] is not None:
        semaphores.install()
    proven = lockdown.lock_down(config["isolation"], (0, 1, 2, *lines, *copies))
    cells = Cells(
        module,
        scaffold,
        dialects,
        channel=channel,
        outlet=outlet,
        interrupts=interrupts,
        memory=memory,
        answer=answer,
        echo=config["echo"],
    )
    channel.send({"op": "ready", **proven, "python": sys.version.split()[0]})
    return cells, hidden
