"""Attacks by descriptors: those handed over, those that can be made, and what fcntl, ioctl and prctl do with them."""

from __future__ import annotations

from functools import partial

from tests.distill_core.isolation.attacks.writing import attack

_SOCKETS = """
import stat
def kind(fd):
    try: return stat.S_IFMT(os.fstat(fd).st_mode)
    except OSError: return 0
sockets = [fd for fd in range(3, 256) if kind(fd) == stat.S_IFSOCK]
"""

_with_sockets = partial(attack, setup=_SOCKETS)

ATTACKS = [
    _with_sockets("descriptor-inventory", "something of the host's that was left open", """
        null = os.stat('/dev/null').st_rdev
        for fd in range(1024):
            what = kind(fd)
            if what in (0, stat.S_IFIFO, stat.S_IFSOCK): continue
            if what == stat.S_IFCHR and os.fstat(fd).st_rdev == null: continue
            target = os.readlink(f'/proc/self/fd/{fd}')
            if target.startswith('anon_inode:[event'): continue
            print('ESCAPED', fd, oct(what), target)
        if len(sockets) > 1: print('ESCAPED', sockets)
        """, "contained"),
    attack("descriptor-reopened", "pipes of the host opened once more, the other way round", """
        kept = []
        for fd in range(64):
            for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
                try: kept.append(os.open(f'/proc/self/fd/{fd}', flags | os.O_NONBLOCK))
                except OSError: continue
                if os.readlink(f'/proc/self/fd/{fd}').startswith('pipe:'): print('ESCAPED', fd, flags)
        for fd in kept:
            try: os.read(fd, 10)
            except OSError: pass
            try: os.write(fd, b'garbage')
            except OSError: pass
        print(len(kept))
        """, "contained"),
    attack("descriptor-passing", "descriptors sent and received", """
        import socket, array
        a, b = socket.socketpair()
        refused(send=lambda: socket.send_fds(a, [b'x'], [0]) , receive=lambda: b.setblocking(False) or socket.recv_fds(b, 10, 10),
                creds=lambda: a.sendmsg([b'x'], [(1, 2, struct.pack('iII', 1, 0, 0))]))
        if MACHINE == 'x86_64':
            for fd in range(12): denied((46, fd, bytes(56), 0), (47, fd, bytes(56), 0x41), (307, fd, bytes(64), 1, 0), (299, fd, bytes(64), 1, 0x40, None))
        """),
    _with_sockets("descriptor-process-handles", "a handle on a process, however it is come by", """
        import socket
        refused(own=lambda: os.pidfd_open(os.getpid()), host=lambda: os.pidfd_open(@@HOSTPID@@), victim=lambda: os.pidfd_open(@@VICTIM@@))
        if MACHINE == 'x86_64':
            denied((434, os.getpid(), 0), (434, @@VICTIM@@, 0), (438, 3, 0, 0), (424, 3, 9, None, 0), (440, 3, 10, None, 0, 0), (448, 3, 0))
        for fd in sockets:
            line = socket.socket(fileno=fd)
            for option in (17, 31, 59, 76, 77, 78, 34, 55): refused(**{f'SO {option}': lambda: line.getsockopt(1, option, 64) and 1})
            line.detach()
        """),
    attack("descriptor-packets", "an output of one byte a piece, which the host would read for ever", """
        import fcntl, threading
        refused(packets=lambda: fcntl.fcntl(1, fcntl.F_SETFL, os.O_WRONLY | os.O_DIRECT) == 0)
        on = True
        def flood():
            while on: os.write(1, b'x')
        for _ in range(3): threading.Thread(target=flood, daemon=True).start()
        for _ in range(20): worker('a')
        on = False
        """, "contained"),
    attack("descriptor-fcntl", "having the kernel signal others, and changing what is shared", """
        import fcntl
        for fd in range(12):
            for command in (8, 9, 10, 11, 15, 16, 17, 1024, 1025, 1026, 1027, 1029, 1031, 1033, 1034, 1035, 1036, 1037, 1038):
                for argument in (@@VICTIM@@, -@@VICTIM@@, 9, 1):
                    result = sysc(72 if MACHINE == 'x86_64' else 25, fd, command, argument)
                    if -result not in (errno.EPERM, errno.EBADF): print('ESCAPED', fd, command, result)
                    result = sysc(72 if MACHINE == 'x86_64' else 25, fd, command | 1 << 32, argument)
                    if -result not in (errno.EPERM, errno.EBADF): print('ESCAPED high', fd, command, result)
            result = sysc(72 if MACHINE == 'x86_64' else 25, fd, 4, 0x2000 | 0x800)
            if -result not in (errno.EPERM, errno.EBADF): print('ESCAPED async', fd, result)
        """),
    attack("descriptor-ioctl", "typing into terminals, owning sockets, sharing blocks", """
        numbers = (0x5412, 0x541C, 0x540E, 0x5410, 0x5422, 0x5429, 0x5452, 0x8901, 0x8902, 0x8903, 0x8904, 0x8912, 0x8927, 0x8933, 0x40049409,
                   0x4020940D, 0xC0189436, 0x40086602, 0x4008660F, 0x401C5820, 0x125D, 0x1260, 0x4B3A, 0x4B4E, 0x5409, 0x5425, 0x5402, 0x5403, 0x5423,
                   0x5414, 0x541D, 0x5431, 0x80045430, 0x40045431, 0xC0045878, 0xAE01, 0x4004B707, 0xB701, 0xB702, 0xB703, 0xB704, 0x5421 | 1 << 31)
        for fd in range(12):
            for number in numbers:
                for high in (0, 1 << 32):
                    result = sysc(16 if MACHINE == 'x86_64' else 29, fd, number | high, b'\\0' * 64)
                    if -result != errno.EPERM and -result != errno.EBADF: print('ESCAPED', fd, hex(number), result)
        """),
    attack("descriptor-prctl", "every option of prctl but the harmless ones", """
        number = 157 if MACHINE == 'x86_64' else 167
        for option in [*range(0, 80), 0x53564D41 + 1, 0x59616D61, 0x4D4D4150, 0x41555856, 0x10000]:
            if option in (15, 16): continue
            for value in (0, 1, 9):
                for high in (0, 1 << 32):
                    result = sysc(number, option | high, value, 0, 0, 0)
                    if -result != errno.EPERM: print('ESCAPED', option, value, result)
        if MACHINE == 'x86_64': denied((158, 0x1001, 0), (158, 0x1002, 0), (158, 0x3001, 0), (158, 0x1023, 18))
        """),
    attack("descriptor-exhaustion", "all descriptors there are, of every kind that can be made", """
        import socket, select
        held = []
        for make in (lambda: os.pipe(), lambda: socket.socketpair(), lambda: select.epoll(), lambda: os.eventfd(0), lambda: os.open('/dev/null', 0)):
            try:
                while len(held) < 5000: held.append(make())
            except OSError: pass
        print('ESCAPED' if len(held) > 1000 else 'HELD', len(held))
        held.clear(); import gc; gc.collect()
        """, "contained"),
    _with_sockets("descriptor-lines-crossed", "the line put where the output goes, and the other way round", """
        os.dup2(1, sockets[0])
        print('into the line')
        """, "contained"),
    _with_sockets("descriptor-output-into-the-line", "output that is taken for frames", """
        os.dup2(sockets[0], 1); os.dup2(sockets[0], 2)
        os.write(1, struct.pack('>I', 2) + b'{}')
        """, "contained"),
    attack("descriptor-tables-of-threads", "a thread with a table of its own: as many descriptors once more, and seen by nobody", """
        import threading
        number = 436
        def apart():
            for flags in (2, 6, 2 | 1 << 32, 1, 8, 0xFFFFFFFF, -1):
                result = sysc(number, 1000, 1000, flags)
                if -result not in (errno.EPERM, errno.EINVAL): print('ESCAPED', flags, result)
        thread = threading.Thread(target=apart); thread.start(); thread.join()
        own = os.dup(0); os.closerange(own, own + 1)
        refused(still=lambda: os.fstat(own))
        """),
    attack("descriptor-queues-of-the-kernel", "pipes and barriers that are more than pipes and barriers", """
        pipe, barrier = (293, 324) if MACHINE == 'x86_64' else (59, 283)
        for flags in (0x80, 0x80 | 0o4000, 0o40000, 0o2, 0o2000, 0x80 | 1 << 32): denied((pipe, bytes(8), flags))
        for command in (1, 2, 4, 32, 64, 128, 256, 512, 8 | 1, 16 | 1 << 31): denied((barrier, command, 0, 0))
        for command in (0, 8, 16): denied((barrier, command, 1, 0))
        if sysc(barrier, 0, 0, 0) < 0 or sysc(barrier, 16, 0, 0) < 0 or sysc(barrier, 8, 0, 0) < 0: print('no barriers of its own')
        """),
    attack("descriptor-all-closed", "nothing left to talk through, and a loop", """
        os.closerange(0, 1024)
        while True: pass
        """, "contained", timeout=1),
    attack("descriptor-written-to", "garbage into whatever lies at 0 to 40", """
        for fd in range(41):
            for data in (b'\\0' * 64, b'\\xff' * 64, b'{"op":"final","value":1,"text":"1"}', struct.pack('>I', 35) + b'{"op":"final","value":1,"text":"1"}'):
                try: os.set_blocking(fd, False); os.write(fd, data)
                except OSError: break
        """, "contained"),
    attack("descriptor-life-line", "making the host's death unnoticed leaves the other watch in place", """
        import fcntl
        for fd in range(3, 64):
            try: fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
            except OSError: pass
        refused(owner=lambda: fcntl.fcntl(3, 8, 0) + 1)
        if MACHINE == 'x86_64': denied((157, 1, 0, 0, 0, 0))
        """, "contained"),
]  # fmt: skip
