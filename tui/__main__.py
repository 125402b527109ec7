"""`python -m tui`: the program, where its script is not on the path."""

from tui.cli import main

main()
