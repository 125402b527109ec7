"""What is typed while a screen is put together."""

import os
import pty
import sys
import termios

import pytest

from tui.cli.hushed import hushed


@pytest.fixture
def terminal(monkeypatch):
    """A pseudo-terminal as stdin; gives its file descriptor."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield theirs
    os.close(ours)


def echoes(fd):
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def test_a_terminal_does_not_echo_until_the_screen_is_there(terminal):
    assert echoes(terminal)
    with hushed():
        assert not echoes(terminal)
    assert echoes(terminal)


def test_it_echoes_again_where_the_screen_could_not_be_made(terminal):
    with pytest.raises(ValueError, match="no such theme"), hushed():
        raise ValueError("no such theme")
    assert echoes(terminal)
