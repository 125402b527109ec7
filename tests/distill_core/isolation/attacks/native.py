"""Attacks by machine code: numbers and conventions of system calls, and the limits of what a filter sees."""

from __future__ import annotations

from functools import partial

from distill_core.isolation.inside.machines import NUMBERS
from tests.distill_core.isolation.attacks.writing import attack

_ALLOWED = sorted(numbers[0] for numbers in NUMBERS.values() if numbers[0] is not None)
_CODE = """
import mmap
def run(code, at_low=False):
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | (0x40 if at_low else 0)
    page = mmap.mmap(-1, 8192, flags, 7)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    page.write(code(address) if callable(code) else code)
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)()
if MACHINE != 'x86_64': raise SystemExit
"""

_in_code = partial(attack, setup=_CODE)

ATTACKS = [
    attack("native-every-other-number", "all system calls that have no rule", f"""
        allowed = {_ALLOWED}
        if MACHINE == 'x86_64':
            for number in range(1200):
                # 335 and 336 are the kernel's own returns from probes: no filter sees them, and they kill the caller.
                if number not in (*allowed, 335, 336): denied((number, 0, 0, 0, 0, 0, 0), (number, -1, -1, -1, -1, -1, -1))
        """, timeout=8),
    attack("native-x32-numbers", "the other convention that shares this machine's token", """
        if MACHINE == 'x86_64':
            for number in [*range(700), 0x3FFFFFFF]:
                for value in (number | 0x40000000, number | 0x60000000, (number | 0x40000000) - (1 << 32)):
                    result = sysc(value, 0, 0, 0, 0, 0, 0)
                    if -result not in (errno.EPERM, errno.ENOSYS): print('ESCAPED', hex(value), result)
        """, timeout=8),
    attack("native-high-bits", "numbers with bits that the kernel drops", """
        if MACHINE == 'x86_64':
            for number in (41, 42, 49, 56, 57, 58, 59, 62, 101, 165, 250, 272, 319, 321, 322, 425, 435):
                for high in (1 << 32, 1 << 40, 1 << 62, 0xFFFFFFFF << 32):
                    value = number | high
                    denied((value if value < 1 << 63 else value - (1 << 64), 17, 0, 0, 0, 0, 0))
        """),
    attack("native-negative-numbers", "numbers below zero", """
        for number in (-1, -2, -41, -100, -(1 << 31), (1 << 31) - 1, 1 << 31, (1 << 63) - 1):
            denied((number, 0, 0, 0, 0, 0, 0))
        """),
    _in_code("native-int-80", "the 32-bit entry, by its own instruction", """
        print('ESCAPED', run(b'\\xb8\\x66\\x00\\x00\\x00\\xcd\\x80\\xc3'))  # socketcall
        """, "contained", check=lambda seen: seen.killed or "SystemExit" in (seen.tb or "")),
    _in_code("native-int-80-harmless-call", "the 32-bit entry with a number that is allowed in the table of 64 bits", """
        print('ESCAPED', run(b'\\xb8\\x27\\x00\\x00\\x00\\xcd\\x80\\xc3'))  # 39: getpid there, mkdir here
        """, "contained", check=lambda seen: seen.killed or "SystemExit" in (seen.tb or "")),
    _in_code("native-compatibility-mode", "a far return into 32-bit code, then a call", """
        def code(address):
            inner = address + 64
            far = b'\\x48\\x83\\xec\\x08\\xc7\\x44\\x24\\x04\\x23\\x00\\x00\\x00\\xc7\\x04\\x24' + struct.pack('<I', inner) + b'\\xcb'
            return far.ljust(64, b'\\x90') + b'\\xb8\\x0b\\x00\\x00\\x00\\xcd\\x80\\x0f\\x0b'
        print('ESCAPED', run(code, at_low=True))
        """, "contained", check=lambda seen: seen.killed or "SystemExit" in (seen.tb or "")),
    _in_code("native-sysenter", "the fast 32-bit entry", """
        run(b'\\xb8\\x0b\\x00\\x00\\x00\\x0f\\x34\\xc3'); print('survived')
        """, "contained"),
    _in_code("native-syscall-instruction", "machine code, not the C library, asks for a socket", """
        code = b'\\x48\\xc7\\xc0\\x29\\x00\\x00\\x00\\x48\\xc7\\xc7\\x02\\x00\\x00\\x00\\x48\\xc7\\xc6\\x01\\x00\\x00\\x00\\x48\\x31\\xd2\\x0f\\x05\\xc3'
        got = run(code)
        print('ESCAPED' if got >= 0 else 'HELD', got)
        """, "contained"),
    attack("native-vsyscall-page", "the page of old entries at the top of memory", """
        if MACHINE == 'x86_64':
            for address in (0xffffffffff600000, 0xffffffffff600400, 0xffffffffff600800):
                ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_void_p)(address)(0)
        """, "contained"),
    attack("native-own-memory-unmapped", "everything unmapped", """
        libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
        libc.munmap(4096, (1 << 47) - 8192)
        """, "contained", check=lambda seen: seen.killed),
    attack("native-none-rewritten", "objects of the interpreter written over", """
        ctypes.memset(id(None), 0, 16)
        """, "contained"),
    attack("native-type-rewritten", "a type's inside written over, so that what comes next fails", """
        ctypes.memset(id(str) + 24, 0x41, 128)
        """, "contained"),
    attack("native-stack-overflow", "the stack of C used up", """
        ctypes.CDLL(None).qsort.restype = None
        compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        sys.setrecursionlimit(10 ** 9)
        def f(a, b): libc.qsort(b'ba', 2, 1, compare(f)); return 0
        f(0, 0)
        """, "contained", timeout=6),
    attack("native-signals-at-oneself", "faults, one after the other, caught and not", """
        import signal, faulthandler
        faulthandler.disable()
        for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE):
            signal.signal(number, signal.SIG_IGN)
        ctypes.string_at(1)
        """, "contained", timeout=2),
    _in_code("native-signal-frame", "a return from a signal that never came", """
        run(b'\\x48\\xc7\\xc0\\x0f\\x00\\x00\\x00\\x0f\\x05\\xc3')
        """, "contained"),
    attack("native-filter-removed", "filters changed, and calls sent elsewhere", """
        if MACHINE == 'x86_64':
            program = struct.pack('HBBI', 6, 0, 0, 0x7fff0000)
            pointer = ctypes.create_string_buffer(program)
            sock = struct.pack('HxxxxxxQ', 1, ctypes.addressof(pointer))
            for operation, flags in ((0, 0), (1, 0), (1, 1), (1, 8), (1, 16), (2, 0), (3, 0)): denied((317, operation, flags, sock))
            denied((157, 22, 2, ctypes.addressof(ctypes.create_string_buffer(sock)), 0, 0), (157, 59, 1, 0, 0, 0), (444, None, 0, 1), (445, 3, 1, None, 0), (446, 3, 0))
        """),
    attack("native-lists-of-locks", "pointers that the kernel follows when a thread ends", """
        import threading
        def end():
            head = ctypes.create_string_buffer(struct.pack('QqQ', 0x4141414141414141, 0, 0x4242424242424242))
            sysc(273 if MACHINE == 'x86_64' else 99, ctypes.addressof(head), 24)
            sysc(218 if MACHINE == 'x86_64' else 96, 0x4343434343434343)
        for _ in range(5):
            thread = threading.Thread(target=end); thread.start(); thread.join()
        """, "contained"),
]  # fmt: skip
