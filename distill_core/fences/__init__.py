"""Code from prose: the blocks of a supervisor's reply that are meant to run, or the name of what is wrong.

`extract_blocks(text)` is the way in. A fence is what CommonMark calls one, and Python's own parser has the
last word on where a block ends.
"""

from distill_core.fences.blocks import Block, Extraction, extract_blocks
from distill_core.fences.problems import Problem

__all__ = ["Block", "Extraction", "Problem", "extract_blocks"]
