"""Colour themes: TOML palettes and their loader. Knows no screen.

A theme is one TOML file in this folder, or in a folder of the person's own; nothing else has to be touched.
"""

from themes.palette import Palette, available, load

__all__ = ["Palette", "available", "load"]
