"""What a child may do on macOS, as data. Nothing here acts; `seatbelt` makes a profile of it.

What is not named is denied. Operations and filters: the profiles that macOS brings along (/System/Library/Sandbox) and
sandbox-exec(1). None of this has ever run on a Mac: that a child is held is for its probes to show.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """Operations that are allowed.

    Args:
        operations: their names.
        filters: what they are allowed on, each as it stands in a profile.
        paths: kinds of paths besides, each as (filter, kind); the paths of a kind are parameters.
    """

    operations: tuple[str, ...]
    filters: tuple[str, ...] = ()
    paths: tuple[tuple[str, str], ...] = ()


DENIED = ("process-info*", "nvram*", "iokit-get-properties", "file-map-executable")
"""Operations that a denial by default does not reach."""

FACTS = (
    "hw.activecpu",
    "hw.byteorder",
    "hw.cachelinesize",
    "hw.cachelinesize_compat",
    "hw.cpufamily",
    "hw.cputype",
    "hw.logicalcpu",
    "hw.logicalcpu_max",
    "hw.machine",
    "hw.memsize",
    "hw.ncpu",
    "hw.pagesize",
    "hw.pagesize_compat",
    "hw.physicalcpu",
    "hw.physicalcpu_max",
    "kern.argmax",
    "kern.maxfilesperproc",
    "kern.osproductversion",
    "kern.osrelease",
    "kern.ostype",
    "kern.osversion",
    "kern.usrstack64",
    "kern.version",
    "sysctl.proc_cputype",
)
"""What may be asked of the kernel by name: facts about the machine, none about other processes."""
FACTS_BY_PREFIX = ("hw.optional.", "hw.perflevel")

RULES = (
    # sandbox-exec becomes the interpreter; a cell that does the same once more gains nothing by it.
    Rule(("process-exec",), paths=(("literal", "PROGRAM"),)),
    Rule(("process-info-pidinfo", "process-info-setcontrol"), ("(target self)",)),
    Rule(
        ("sysctl-read",),
        (
            *(f'(sysctl-name "{name}")' for name in FACTS),
            *(f'(sysctl-name-prefix "{name}")' for name in FACTS_BY_PREFIX),
        ),
    ),
    # The loader of macOS 26 ends a program that cannot read the root folder.
    Rule(("file-read*",), ('(literal "/")',)),
    Rule(("file-read-metadata",), paths=(("literal", "ABOVE"),)),
    Rule(("file-read*",), paths=(("literal", "LIST"),)),
    Rule(("file-read*", "file-map-executable"), paths=(("subpath", "READ"),)),
    Rule(("file-read*", "file-write-data"), paths=(("literal", "DEVICE"),)),
    # Not modes, flags, owners, times and attributes: a file that nobody can remove would be one thing made of them.
    Rule(
        ("file-read*", "file-write-create", "file-write-data", "file-write-unlink"),
        paths=(("subpath", "SCRATCH"),),
    ),
)

SYSTEM = (
    "/usr/lib",
    "/usr/share/locale",
    "/usr/share/zoneinfo",
    "/usr/share/zoneinfo.default",
    "/private/var/db/timezone",
    "/private/etc/localtime",
    "/System/Library/Frameworks",
    "/System/Library/PrivateFrameworks",
    "/System/Library/CoreServices/SystemVersion.plist",
    "/System/Library/dyld",
    "/System/Cryptexes/OS",
    "/System/Volumes/Preboot/Cryptexes/OS",
    "/Library/Apple/System/Library",
    "/Library/Apple/usr/lib",
    "/opt/homebrew/Cellar",
    "/opt/homebrew/opt",
    "/usr/local/Cellar",
    "/usr/local/opt",
)
"""What the loader, the C library and extension modules read, where it exists: all of it is the system's or Homebrew's,
and the same for everybody."""
