"""What persons said about a session: their judgements, who may see them, undoing, agreement, settling, comparing."""
