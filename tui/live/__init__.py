"""What the live screen shows, as pure functions from the session's state to lines. Knows no widget."""
