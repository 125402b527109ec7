"""The child's life: take configuration and document, lock down, say ready, then do what is ordered."""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
from types import ModuleType
from typing import Any

from . import bounds, document, files, lockdown, packages, semaphores, variables
from .cells import Cells
from .chance import random
from .channel import Channel
from .copying import Copying
from .dialects import DIALECTS
from .interrupts import Interrupts
from .output import Outlet
from .scaffold import Answer, budget, build, functions_of_host


def main(fd: int, life: int, hatch: int, host: int) -> None:
    """Serve the host behind socket `fd` until it is gone. Never returns."""
    fd, life, hatch = _low(fd), _low(life), _low(hatch)
    ties = bounds.die_with_host(host, life)
    interrupts = Interrupts()
    interrupts.install()
    channel = Channel(fd, interrupts)
    interpreter = Interpreter(channel, interrupts, channel.command(), fd, ties, hatch)
    while True:
        order = channel.command()
        interpreter.obey(order)


def _own_maps() -> None:
    from . import maps  # which loads what locking down loads anyway, and what other levels do without

    maps.install()


def _low(fd: int) -> int:
    """The descriptor under a low number: a host with many open hands over one beyond the bound on a cell's files."""
    low = os.dup(fd)
    os.close(fd)
    return low


class Interpreter:
    """All that runs in this process, by the orders that it takes.

    Args:
        channel: the line to the host.
        interrupts: what may strike a cell.
        config: the first order, with all that there is to set.
        line: descriptor of the line.
        ties: descriptors that end this process with the host, and copies with this process.
        hatch: see `lockdown.lock_down`.
    """

    def __init__(
        self,
        channel: Channel,
        interrupts: Interrupts,
        config: dict[str, Any],
        line: int,
        ties: tuple[int, ...],
        hatch: int,
    ) -> None:
        self._channel = channel
        channel.frame_bytes = config["frame_bytes"]
        copies = os.dup(1), os.dup(2)
        self._outlet = Outlet(*copies, config["output_chars"])
        channel.before_sending = self._outlet.flush
        faulthandler.enable(copies[1])
        random.seed(config["seed"])
        sys.dont_write_bytecode = True
        packages.offer(config["packages"], config["package_folders"])
        context = document.receive(**config["document"])

        module = ModuleType("__main__")
        self._hidden = set(module.__dict__) | {"__builtins__"}
        self._answer = Answer(channel, config["final_chars"])
        self._scaffold = build(channel, self._answer, config["query"], config["primitives"])
        self._offered = {primitive["name"] for primitive in config["primitives"]}
        dialects = [
            DIALECTS[name](module.__dict__, self._scaffold, self._answer) for name in config["dialects"]
        ]
        for dialect in dialects:
            self._scaffold |= dialect.names()
        self._scaffold |= {"__name__": "__main__", "__builtins__": sys.modules["builtins"]}
        module.__dict__["context"] = context
        self._hidden |= set(self._scaffold)

        bounds.apply(config["bounds"])
        descriptors = bounds.Files(config["bounds"]["open_files"])
        memory = bounds.Memory(config["bounds"]["memory_bytes"])
        if config["isolation"] is not None:
            semaphores.install()
            _own_maps()
        self._copying = Copying(channel, self._outlet, ties)
        proven = lockdown.lock_down(config["isolation"], (0, 1, 2, line, *ties, *copies), hatch)
        if config["isolation"] is not None:
            files.install(config["isolation"]["paths"][-1][0])
        self._cells = Cells(
            module,
            self._scaffold,
            dialects,
            channel=channel,
            outlet=self._outlet,
            interrupts=interrupts,
            memory=memory,
            files=descriptors,
            answer=self._answer,
            echo=config["echo"],
        )
        gc.freeze()  # what is here now stays: to look through it for garbage would be to write into all of it
        channel.send({"op": "ready", **proven, "python": sys.version.split()[0]})

    def obey(self, order: dict[str, Any]) -> None:
        """Do what is ordered, and say what came of it."""
        what = order["op"]
        if what == "execute":
            self._channel.send({"op": "begun", "cell": order["cell"]})
            self._cells.ask(order["query"])
            self._channel.send(self._cells.run(order["cell"], order["code"]))
        elif what == "variables":
            found = variables.look(self._cells.namespace, self._hidden)
            self._channel.send({"op": "variables", "variables": found})
        elif what == "copy":
            if self._copying.copy(order):
                self._cells.renew()
            elif order["rehearse"]:
                self._cells.rehearse()
        elif what == "bury":
            self._channel.send({"op": "buried", "ended": self._copying.bury()})
        else:
            self._configure(order)

    def _configure(self, order: dict[str, Any]) -> None:
        """Take on other bounds and other functions of the host, in a copy that is to go its own way."""
        self._channel.frame_bytes = order["frame_bytes"]
        self._outlet.limit = order["output_chars"]
        self._answer.limit = order["final_chars"]
        for name in self._offered:
            del self._scaffold[name]
            self._cells.namespace.pop(name, None)
        offered = functions_of_host(self._channel, order["primitives"])
        self._offered = set(offered)
        self._scaffold |= {"budget": budget, **offered}
        self._cells.namespace.update(self._scaffold)
        self._hidden |= self._offered
