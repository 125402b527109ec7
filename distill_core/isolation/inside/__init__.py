"""The part of isolation that runs in the child: it locks its own process down, and then tries the doors.

Standard library only, and little of it: this is on the way to every first cell. Nothing here is imported by way of
`distill_core`, so that no object of the application enters the child.
"""
