"""Seeing that what a family puts on the disk, and takes of memory, stays small where the kernel does not see to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator

from distill_core.repl.node import Node
from distill_core.repl.process import Child

_LOOK = 0.25
"""Seconds between two looks."""
_END_SECONDS = 5.0


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

    async def keep(self) -> None:
        """Look now and then, and end those that took too much. Does not come to an end by itself."""
        child = self._child
        while child.bounds_scratch or child.bounds_memory:
            await asyncio.sleep(_LOOK)
            for node in self._running() if child.bounds_memory else ():
                if await asyncio.to_thread(child.overweight, node.process.pid):
                    node.violate("it took more memory than it may have")
            if child.bounds_scratch and await self._overfull():
                async with self.tidying:
                    await self._end(self._running())
                    await asyncio.to_thread(child.empty_scratch)
                    if await self._overfull():  # kept states hold files that have no name any more
                        await self._end(self._writing())

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
