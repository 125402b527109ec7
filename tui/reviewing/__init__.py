"""The review queue without a widget: what is judged about a session, and how that and the queue look in lines."""
