"""Documents from disk or stdin, as the text, list or dict that a REPL holds.

`load(source)` is the way in. Each format has one file in `readers`; adding a file there adds a format.
"""

from distill_core.documents.loading import Document, load

__all__ = ["Document", "load"]
