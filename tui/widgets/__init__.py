"""The widgets of the screens: they draw lines and send messages, and know nothing of sessions."""
