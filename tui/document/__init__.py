"""The document pane: rows of a text of any size, search in it, and the quotations that stand in it."""
