"""A process beside a child that ends it with the host, however that goes: where the kernel does not see to it.

It stands outside every wall and runs nothing of a cell's, so that a cell can neither signal it nor outlive the host.
"""

from __future__ import annotations

import subprocess

_SHELL = "/bin/sh"
_WATCH = 'read -r nothing; kill -s KILL -- "-$1"'
"""Nobody ever writes into the pipe: reading ends when its last writer, the host, is gone."""


class Guardian:
    """Watches over a group of processes.

    Args:
        group: its id.
        life: reading end of a pipe that only the host can write to, and never does.
    """

    def __init__(self, group: int, life: int) -> None:
        self._process = subprocess.Popen(
            [_SHELL, "-c", _WATCH, "guardian", str(group)],
            stdin=life,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Watch no more. Comes before the group's first process is collected, whose number then is anybody's."""
        self._process.kill()
        self._process.wait()
