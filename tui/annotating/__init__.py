"""Judging on screen: what is judged, the form that asks, where judgements are written."""
