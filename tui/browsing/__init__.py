"""Kept sessions as lines: the list, what is at its cursor in full, statistics. Knows no screen."""
