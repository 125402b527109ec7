"""The review queue without a widget: which sessions wait, what is judged about one, and how that looks in lines."""
