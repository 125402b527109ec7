"""What the home screen shows and asks, without a widget: sessions, examples, the form of a new session, folders."""
