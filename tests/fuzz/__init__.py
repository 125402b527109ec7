"""Fuzzing by hand: what takes longer than a test may."""
