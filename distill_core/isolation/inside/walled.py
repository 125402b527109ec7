"""The child behind Seatbelt: locked from its first instruction, it lets go of descriptors and tries the doors.

macOS takes the policy before the program starts (sandbox-exec), so there is no step to carry out here, and whether one
was carried out is not believed: a level comes of the probes alone.
"""

from __future__ import annotations

from .attestation import NONE, SEATBELT, Attestation
from .descriptors import close_all_but
from .mac_doors import doors
from .probes import Probe, Witness, attest

_HARMLESS = frozenset(("list the root folder", "signal itself with kill"))
"""The names in the root folder are the same on every Mac, and the loader has to read them; a signal to itself ends
nobody else."""
_NO_COPIES = "Seatbelt cannot put single forks to the host"


def lock_down(keep: tuple[int, ...], witness: Witness) -> Attestation:
    """Find out what the wall around this process comes to.

    Args:
        keep: descriptors that stay open; all others are closed.
        witness: things of the host to try.
    """
    try:
        close_all_but(keep)
        problem = None
    except OSError as error:
        problem = str(error)
    probes = (*attest(witness), *doors(witness.host))
    return Attestation(NONE if problem else proven(probes), probes, problem, _NO_COPIES)


def proven(probes: tuple[Probe, ...]) -> str:
    """The level that the probes come to."""
    return SEATBELT if {probe.name for probe in probes if not probe.shut} <= _HARMLESS else NONE
