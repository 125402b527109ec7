"""Seeing that what a family puts on the disk, takes of memory, and computes while nobody asks it to, stays small."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator

from distill_core.repl.handle import headless
from distill_core.repl.node import Node
from distill_core.repl.process import Child

_LOOK = 0.25
"""Seconds between two looks."""
_END_SECONDS = 5.0
_IDLE_LOOKS = 4
"""Looks in a row at which a process had no order, after which it is frozen until the next: what its cells left running
would go on computing as long as the REPL is there."""


class House:
    """Keeps house for a family.

    Args:
        child: its first process, as it was started.
        nodes: its processes, as they come and go.
        root: the first of them.
        copied: tells whether cells run in copies of the first one, and never in that.
    """

    def __init__(self, child: Child, nodes: set[Node], root: Node, copied: Callable[[], bool]) -> None:
        self.tidying = asyncio.Lock()
        self._child = child
        self._nodes = nodes
        self._root = root
        self._copied = copied
        self._idle: dict[Node, int] = {}
        self._headless: set[Node] = set()

    async def keep(self) -> None:
        """Look now and then, and end those that took too much. Does not come to an end by itself."""
        child = self._child
        while True:
            await asyncio.sleep(_LOOK)
            self._rest()
            self._end_headless()
            for node in self._running() if child.bounds_memory else ():
                if await asyncio.to_thread(child.overweight, node.process.pid):
                    node.violate("it took more memory than it may have")
            if child.bounds_scratch and await self._overfull():
                async with self.tidying:
                    await self._end(self._running())
                    await asyncio.to_thread(child.empty_scratch)
                    if await self._overfull():  # kept states hold files that have no name any more
                        await self._end(self._writing())

    def _rest(self) -> None:
        idle = {node: self._idle.get(node, 0) + 1 for node in self._running() if node.idle}
        for node, looks in idle.items():
            if looks > _IDLE_LOOKS:
                node.freeze()
        self._idle = idle

    def _end_headless(self) -> None:
        """End those that cannot be looked at. One that is just ending is no such thing: by the next look it is gone."""
        found = {node for node in self._running() if headless(node.process.pid)}
        for node in found & self._headless:
            node.violate("its main thread has ended")
        self._headless = found

    async def _overfull(self) -> bool:
        child, pids = self._child, [node.process.pid for node in self._nodes]
        try:
            if await asyncio.to_thread(child.overfull, pids):
                return True
            if not child.filling:
                return False
            with self._at_rest() as stopped:
                return await asyncio.to_thread(child.certainly_overfull, pids, stopped)
        except (OSError, ValueError):
            return True  # what cannot be looked at counts as too much

    @contextlib.contextmanager
    def _at_rest(self) -> Iterator[list[int]]:
        """Let none of those run meanwhile that may write; which they are."""
        resting = self._running()
        for node in resting:
            node.process.freeze()
        try:
            yield [node.process.pid for node in resting]
        finally:
            for node in resting:
                if not node.frozen:
                    node.process.thaw()

    def _running(self) -> list[Node]:
        """Those of them that are not frozen."""
        return [node for node in self._writing() if not node.frozen]

    def _writing(self) -> list[Node]:
        """The processes that run cells, or did: any of them may have written."""
        return [node for node in self._nodes if node is not self._root or not self._copied()]

    async def _end(self, nodes: Iterable[Node]) -> None:
        writing = list(nodes)
        for node in writing:
            node.violate("it put more into its scratch folder than that may hold; the folder was emptied")
        if writing:
            await asyncio.wait([node.gone for node in writing], timeout=_END_SECONDS)
