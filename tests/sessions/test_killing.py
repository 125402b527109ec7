"""Killed while it writes, judges and rebuilds, nothing seen is missing and the index is as if made again."""

import random

import pytest

from tests.sessions.killing import kill


@pytest.mark.timeout(300)
def test_killed_at_random_moments_everything_is_whole():
    assert kill(6, random.randrange(2**32)) > 100
