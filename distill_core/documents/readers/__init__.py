"""One module a format, each a `distill_core.documents.source.Reader`. A new one is found by being here."""
