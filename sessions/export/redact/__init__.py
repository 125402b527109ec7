"""Redaction: what must not leave is found, and placeholders stand in its place.

A finder says where in a text something is and what kind of thing. The redactor gives each thing a placeholder, the same
one wherever it turns up in a session, and tells how the text moved, so that spans stay aligned.
"""

from __future__ import annotations

from sessions.export.redact.redactor import KINDS, Finder, Finders, Found, Hinted, Redactor, make_finders

__all__ = ["KINDS", "Finder", "Finders", "Found", "Hinted", "Redactor", "make_finders"]
