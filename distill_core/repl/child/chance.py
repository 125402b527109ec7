"""`random` as it is, but for one thing: a copy of this process goes on with the sequence of its original.

The module has each fork seeded anew, which is what a pool of workers wants and a state to come back to does not. To
read the generator's state before a fork and set it after would be to touch more memory than all else that a copy does.
"""

from __future__ import annotations

import os
import threading  # noqa: F401 - which has things of its own to do after a fork

_register = os.register_at_fork
os.register_at_fork = lambda **_: None
try:
    import random
finally:
    os.register_at_fork = _register

__all__ = ["random"]
