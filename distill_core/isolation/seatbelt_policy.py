"""What a child may do on macOS, as data. Nothing here acts; `seatbelt` makes a profile of it.

What is not named is denied. Operations and filters: the profiles that macOS brings along (/System/Library/Sandbox),
sandbox-exec(1), and what programs that run on Macs every day hand to it; the tests say which name stands where. None
of this has ever run on a Mac: that a child is held is for its probes to show.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """Operations that are allowed.

    Args:
        operations: their names.
        filters: what they are allowed on, each as it stands in a profile.
        paths: kinds of paths besides, each as (filter, kind); the paths of a kind are parameters.
        newer: further operations, that older versions of macOS have no name for.
    """

    operations: tuple[str, ...]
    filters: tuple[str, ...] = ()
    paths: tuple[tuple[str, str], ...] = ()
    newer: tuple[str, ...] = ()


LOADER = "/System/Library/Sandbox/Profiles/dyld-support.sb"
"""What the loader of this version of macOS needs, by Apple's own word: reading the root folder and the system's shared
cache of libraries. Imported where it is there (from macOS 13 on)."""

DENIED = ("process-info*", "nvram*", "iokit-get-properties", "file-map-executable")
"""Operations that a denial by default does not reach."""

FACTS = (
    "hw.activecpu",
    "hw.busfrequency_compat",
    "hw.byteorder",
    "hw.cacheconfig",
    "hw.cachelinesize",
    "hw.cachelinesize_compat",
    "hw.cpufamily",
    "hw.cpufrequency_compat",
    "hw.cpusubtype",
    "hw.cputype",
    "hw.l1dcachesize",
    "hw.l1dcachesize_compat",
    "hw.l1icachesize",
    "hw.l1icachesize_compat",
    "hw.l2cachesize",
    "hw.l2cachesize_compat",
    "hw.l3cachesize",
    "hw.l3cachesize_compat",
    "hw.logicalcpu",
    "hw.logicalcpu_max",
    "hw.machine",
    "hw.memsize",
    "hw.ncpu",
    "hw.nperflevels",
    "hw.packages",
    "hw.pagesize",
    "hw.pagesize_compat",
    "hw.physicalcpu",
    "hw.physicalcpu_max",
    "hw.tbfrequency_compat",
    "hw.vectorunit",
    "kern.argmax",
    "kern.hostname",
    "kern.maxfilesperproc",
    "kern.osproductversion",
    "kern.osrelease",
    "kern.ostype",
    "kern.osvariant_status",
    "kern.osversion",
    "kern.secure_kernel",
    "kern.usrstack64",
    "kern.version",
    "machdep.cpu.brand_string",
    "sysctl.proc_cputype",
    "sysctl.proc_translated",
)
"""What may be asked of the kernel by name: facts about the machine, none about other processes. Without the machine's
name os.uname fails, and with it much that only wants to know the system."""
FACTS_BY_PREFIX = ("hw.optional.", "hw.perflevel")
_EXISTENCE = ("file-test-existence",)
"""access(2) with F_OK, which reading does not comprise where it has a name of its own."""

RULES = (
    # sandbox-exec becomes the interpreter; a cell that does the same once more gains nothing by it.
    Rule(("process-exec",), paths=(("literal", "PROGRAM"),)),
    Rule(("process-info*",), ("(target self)",)),
    Rule(
        ("sysctl-read",),
        (
            *(f'(sysctl-name "{name}")' for name in FACTS),
            *(f'(sysctl-name-prefix "{name}")' for name in FACTS_BY_PREFIX),
        ),
    ),
    # The loader of macOS 26 ends a program that cannot read the root folder. By the other a process sees which
    # descriptors it has itself.
    Rule(("file-read*",), ('(literal "/")', '(literal "/dev/fd")'), newer=_EXISTENCE),
    # What looking a path up goes through: folders, and links to other folders.
    Rule(("file-read-metadata",), paths=(("literal", "ABOVE"),), newer=_EXISTENCE),
    Rule(("file-read*",), paths=(("literal", "LIST"),), newer=_EXISTENCE),
    Rule(("file-read*", "file-map-executable"), paths=(("subpath", "READ"),), newer=_EXISTENCE),
    # Programs for the other processor, as they were translated for this one. What is there is mapped and not read.
    Rule(("file-map-executable",), ('(subpath "/private/var/db/oah")',)),
    Rule(("file-read*", "file-write-data"), paths=(("literal", "DEVICE"),), newer=_EXISTENCE),
    # Not modes, flags, owners, times and attributes: a file that nobody can remove would be one thing made of them.
    Rule(
        ("file-read*", "file-write-create", "file-write-data", "file-write-unlink"),
        paths=(("subpath", "SCRATCH"),),
        newer=_EXISTENCE,
    ),
)

SYSTEM = (
    "/usr/lib",
    "/usr/share/locale",
    "/usr/share/zoneinfo",
    "/usr/share/zoneinfo.default",
    "/var/db/timezone",
    "/etc/localtime",
    "/System/Library/Frameworks",
    "/System/Library/PrivateFrameworks",
    "/System/Library/SubFrameworks",
    "/System/Library/CoreServices/.SystemVersionPlatform.plist",
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
