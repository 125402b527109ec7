"""Exported files read back: what `sft` and `atif` hold of a session, told as the events of a session again.

Files of other programs in these forms are read too. What a form does not hold is not made up: the sessions say of
themselves that they were imported, and from what.
"""

from sessions.exported.files import holds_export, stories
from sessions.exported.story import Story

__all__ = ["Story", "holds_export", "stories"]
