"""What a locked child says about itself: never more than its probes prove."""

from __future__ import annotations

from typing import NamedTuple

from .probes import Probe

NONE, GOOD, STRONG, SEATBELT = "none", "good", "strong", "seatbelt"


class Attestation(NamedTuple):
    """What the child found out about itself.

    Args:
        level: "strong", "good", "seatbelt" or "none": the strongest that the probes prove.
        probes: all that was tried.
        problem: the step that could not be taken, if there was one.
        no_copies: why the host cannot be asked to let this process be copied; None if it can.
    """

    level: str
    probes: tuple[Probe, ...]
    problem: str | None
    no_copies: str | None
