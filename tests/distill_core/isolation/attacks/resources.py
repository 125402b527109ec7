"""Attacks on the machine's means: memory of every kind, disk, threads, time, and on the patience of the host."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

from tests.distill_core.isolation.attacks.writing import attack

_MAPS = """
NO_MAP = (None, 2 ** 64 - 1)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
libc.mprotect.argtypes = libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
"""

_with_maps = partial(attack, setup=_MAPS)


def _stopped(seen: SimpleNamespace) -> bool:
    return seen.status in ("interrupted", "killed")


ATTACKS = [
    attack("memory-private-maps", "pages mapped and touched, one map after the other", """
        import mmap
        kept = []
        for _ in range(64):
            kept.append(mmap.mmap(-1, 256 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
            kept[-1].write(bytes(16 << 20))
        print('ESCAPED')
        """, "contained"),
    attack("memory-shared-maps", "anonymous memory that is shared, and so is not counted with the private", """
        import mmap
        kept = [mmap.mmap(-1, 256 << 20) for _ in range(64)]
        for m in kept: m.write(bytes(64 << 20))
        print('ESCAPED')
        """, "contained"),
    attack("memory-of-all", "pages that the machine keeps for others, and pages shared with whoever has the same in them", """
        import mmap
        refused(huge=lambda: mmap.mmap(-1, 2 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000))
        own = mmap.mmap(-1, 1 << 20)
        refused(locked=lambda: mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x2000))
        refused(merged=lambda: own.madvise(12) or True, poisoned=lambda: own.madvise(100) or True, out=lambda: own.madvise(21) or True)
        """),
    _with_maps("memory-kept-by-one-page", "shared memory of which all is unmapped but a page, and all stays", """
        size, total = 64 << 20, 0
        for fd in (-1, -1, os.open('/dev/zero', os.O_RDONLY)):
            for flags in (0x21, 0x1, 0x3, 0x4021):
                while total < 4 << 30 and (at := libc.mmap(None, size, 3, flags if fd < 0 else flags & ~0x20, fd, 0)) not in NO_MAP:
                    ctypes.memset(at, 1, size); libc.munmap(at + 4096, size - 4096); total += size
        refused(zero=lambda: os.open('/dev/zero', os.O_RDWR) + 1)
        print('ESCAPED' if total else 'HELD', total >> 20)
        """),
    _with_maps("memory-kept-by-small-parts", "large pages of which all is unmapped but a small part", """
        import resource
        size = 2 << 20
        at = libc.mmap(None, 2 * size, 3, 0x22, -1, 0)
        at = (at + size - 1) // size * size
        libc.madvise(at, size, 14)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        ctypes.memset(at, 1, size)
        pages = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        print('HELD' if pages >= size // os.sysconf('SC_PAGE_SIZE') else 'ESCAPED', pages)
        """),
    _with_maps("memory-made-read-only", "memory that counts as a cell's own only as long as it can be written", """
        for n in range(40):
            at = libc.mmap(None, 64 << 20, 3, 0x22, -1, 0)
            if at in NO_MAP: time.sleep(2); break
            ctypes.memset(at, 1, 64 << 20); libc.mprotect(at, 64 << 20, 1); time.sleep(0.05)
        print('ESCAPED', n)
        """, "contained"),
    _with_maps("memory-on-stacks", "memory that is said to be a stack", """
        for n in range(40):
            at = libc.mmap(None, 64 << 20, 3, 0x122, -1, 0)
            if at in NO_MAP: time.sleep(2); break
            ctypes.memset(at, 1, 64 << 20); time.sleep(0.05)
        print('ESCAPED', n)
        """, "contained"),
    attack("memory-of-watches", "files watched by hundreds of thousands, at the kernel's and the account's expense", """
        import select, socket, asyncio, selectors
        refused(watch=lambda: select.epoll())
        if MACHINE == 'x86_64': denied((213, 1), (291, 0), (291, 0o2000000), (233, 3, 1, 1, bytes(12)), (232, 3, bytes(12), 1, 0), (281, 3, bytes(12), 1, 0, None, 8))
        async def ordinary():
            a, b = socket.socketpair(); a.setblocking(False); b.setblocking(False)
            await asyncio.get_running_loop().sock_sendall(a, b'x')
            return await asyncio.get_running_loop().sock_recv(b, 1)
        assert asyncio.run(ordinary()) == b'x'
        with selectors.DefaultSelector() as chosen: print(type(chosen).__name__)
        """),
    attack("memory-maps-without-reserve", "maps that promise not to need anything", """
        import mmap
        kept, total = [], 0
        for flags in (0x4000, 0x40000, 0x100, 0x20000, 0x8000, 0x4000 | 1):
            for _ in range(64):
                try: kept.append(mmap.mmap(-1, 512 << 20, flags | 0x20 | (0 if flags & 1 else 2))); total += 512
                except (OSError, MemoryError, ValueError): break
        if total > 8000: print('ESCAPED', total)
        """, "contained"),
    attack("memory-of-the-c-library", "malloc, brk and growing maps", """
        libc.malloc.restype = ctypes.c_void_p
        total = 0
        while libc.malloc(64 << 20) and total < 16 << 10: total += 64
        if total > 8000: print('ESCAPED', total)
        libc.sbrk.restype = ctypes.c_void_p
        total = 0
        while libc.sbrk(ctypes.c_long(64 << 20)) != 2 ** 64 - 1 and total < 16 << 10: total += 64
        if total > 8000: print('ESCAPED brk', total)
        """, "contained"),
    attack("memory-of-pipes-and-sockets", "bytes that wait in buffers of the kernel", """
        import socket
        total = 0
        try:
            for _ in range(400):
                a, b = socket.socketpair(); a.setblocking(False); globals()[f'k{_}'] = (a, b)
                try:
                    while True: total += a.send(bytes(65536))
                except BlockingIOError: pass
        except OSError: pass
        for n in range(400): globals().pop(f'k{n}', None)
        print('ESCAPED' if total > 256 << 20 else 'HELD', total >> 20)
        """, "contained"),
    attack("memory-of-pipes", "pipes, filled and widened", """
        import fcntl
        total, kept = 0, []
        try:
            for _ in range(400):
                r, w = os.pipe(); kept += [r, w]; os.set_blocking(w, False)
                try:
                    fcntl.fcntl(w, 1031, 1 << 20); print('ESCAPED wider')
                except OSError: pass
                try:
                    while True: total += os.write(w, bytes(65536))
                except BlockingIOError: pass
        except OSError: pass
        for fd in kept: os.close(fd)
        print('ESCAPED' if total > 64 << 20 else 'HELD', total >> 20)
        """, "contained"),
    attack("memory-by-compression", "a small input that becomes a large one", """
        import zlib
        data = zlib.compress(bytes(50 << 20), 1)
        kept = []
        while True: kept.append(zlib.decompress(data))
        """, "contained", timeout=6),
    attack("memory-in-threads", "memory taken by many at a time", """
        import threading
        kept = []
        def take():
            while True: kept.append(bytearray(8 << 20))
        threads = [threading.Thread(target=take) for _ in range(20)]
        [t.start() for t in threads]; [t.join() for t in threads]
        raise MemoryError
        """, "contained", timeout=6),
    attack("memory-below-the-bound-and-kept", "what may be had is had, and the next cell runs all the same", """
        kept = bytearray(500 << 20)
        """, "contained"),
    attack("threads-in-machine-code", "threads of the C library, with small stacks", """
        started = 0
        entry = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
        pause = ctypes.cast(libc.pause, ctypes.c_void_p)
        attributes = ctypes.create_string_buffer(64); libc.pthread_attr_init(attributes); libc.pthread_attr_setstacksize(attributes, ctypes.c_size_t(16384))
        thread = ctypes.c_ulong()
        while started < 5000 and libc.pthread_create(ctypes.byref(thread), attributes, pause, None) == 0: started += 1
        print('ESCAPED' if started > 1000 else 'HELD', started)
        """, "contained"),
    attack("scratch-names-without-end", "files with nothing in them: no bytes, but names and inodes", """
        n = 0
        while True:
            os.close(os.open(f'n{n}', os.O_CREAT | os.O_WRONLY)); n += 1
            if n > 400_000: print('ESCAPED', n); break
        """, "contained", timeout=15),
    attack("scratch-names-moved-away", "files without end in a folder that is never where it is looked for", """
        import threading
        os.makedirs('a/x'); os.mkdir('b')
        def move():
            while True: os.rename('a/x', 'b/x'); os.rename('b/x', 'a/x')
        threading.Thread(target=move, daemon=True).start()
        n = 0
        while True:
            try: os.close(os.open(f'{"ab"[n % 2]}/x/{n}', os.O_CREAT | os.O_WRONLY))
            except FileNotFoundError: pass
            n += 1
            if n > 600_000: print('ESCAPED'); break
        """, "contained", timeout=15),
    attack("scratch-folders-without-end", "folders in folders", """
        n = 0
        while True:
            os.mkdir('d'); os.chdir('d'); n += 1
            if n > 200_000: print('ESCAPED', n); break
        """, "contained", timeout=3),
    attack("scratch-links-without-end", "links to nowhere", """
        n = 0
        while True:
            os.symlink('x' * 50, f'l{n}'); n += 1
            if n > 100_000: print('ESCAPED', n); break
        """, "contained", timeout=3),
    attack("scratch-filled", "files up to the brim", """
        n = 0
        while True:
            with open(f'f{n}', 'wb') as file: file.write(bytes(8 << 20))
            n += 1
            if n > 100: print('ESCAPED'); break
        """, "contained", timeout=8),
    attack("scratch-removed-and-held", "files without a name that are held open", """
        held = []
        for n in range(80):
            file = open('f', 'wb', buffering=0); os.unlink('f'); file.write(bytes(16 << 20)); held.append(file)
            time.sleep(0.05)
        print('ESCAPED')
        """, "contained", timeout=8),
    attack("scratch-through-a-map", "a file with holes, filled through memory", """
        import mmap
        files = []
        for n in range(40):
            fd = os.open(f'm{n}', os.O_RDWR | os.O_CREAT); os.ftruncate(fd, 32 << 20)
            m = mmap.mmap(fd, 32 << 20)
            for at in range(0, 32 << 20, 4096): m[at] = 1
            m.flush(); files.append(m); os.close(fd); time.sleep(0.02)
        print('ESCAPED')
        """, "contained", timeout=8),
    attack("scratch-held-by-maps", "files without a name and without a descriptor, that a mapping of one page keeps", """
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
        for n in range(40):
            fd = os.open('f\\rf', os.O_RDWR | os.O_CREAT); os.write(fd, bytes(16 << 20))
            if libc.mmap(None, 4096, 1, n % 2 + 1, fd, 0) in (None, 2 ** 64 - 1): raise OSError('no mapping')
            os.unlink('f\\rf'); os.close(fd); time.sleep(0.05)
        print('ESCAPED')
        """, "contained", timeout=8),
    attack("scratch-without-a-main-thread", "what the first thread holds is what is looked at: it ends, and another goes on", """
        import threading
        def fill():
            time.sleep(0.2); held = []
            for n in range(40):
                file = open('f', 'wb', buffering=0); os.unlink('f'); file.write(bytes(16 << 20)); held.append(file); time.sleep(0.05)
            os.write(1, b'ESC' b'APED')
        threading.Thread(target=fill).start()
        sysc(60 if MACHINE == 'x86_64' else 93, 0)
        """, "contained", timeout=8),
    attack("scratch-one-large-file", "a file larger than one may be", """
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        fd = os.open('big', os.O_RDWR | os.O_CREAT)
        for size in (1 << 30, 1 << 40, 1 << 62):
            try: os.ftruncate(fd, size); print('ESCAPED', size)
            except OSError: pass
        os.pwrite(fd, b'x', 1 << 34); print('ESC' 'APED')
        """, "contained"),
    attack("scratch-locked-away", "folders that their owner may not enter, for the one who clears up", """
        os.umask(0o777)
        for n in range(20):
            os.mkdir(f'x{n}'); os.close(os.open(f'y{n}', os.O_CREAT | os.O_WRONLY, 0))
        """, "contained"),
    attack("scratch-swapped-while-looked-at", "folders that turn into links under the one who measures them", """
        import threading
        os.makedirs('a/b'); end = time.monotonic() + 1
        while time.monotonic() < end:
            try:
                os.rename('a', 'c'); os.symlink('/', 'a'); os.unlink('a'); os.rename('c', 'a')
            except OSError: pass
        """, "contained"),
    attack("bounds-raised", "a higher bound of any kind", """
        import resource
        for what in range(16):
            try: soft, hard = resource.getrlimit(what)
            except (ValueError, OSError): continue
            for value in ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (hard, hard + 1) if hard >= 0 else (-1, -1)):
                if hard == resource.RLIM_INFINITY: continue
                try: resource.setrlimit(what, value); print('ESCAPED', what, value)
                except (ValueError, OSError): pass
        """),
    attack("bounds-lowered", "bounds so low that nothing works", """
        import resource
        for what in (resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_STACK, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
            try: resource.setrlimit(what, (0, 0))
            except (ValueError, OSError): pass
        """, "contained"),
    attack("time-in-c", "a loop in C that no signal handler of Python interrupts", "sum(range(10 ** 13))", "contained", timeout=1, check=_stopped),
    attack("time-in-big-numbers", "arithmetic that takes for ever", "x = 7 ** (7 ** 9)\nx = x * x * x", "contained", timeout=1),
    attack("time-in-an-expression", "a regular expression that goes back and forth", "import re\nre.match('(a|a)*b', 'a' * 200)", "contained", timeout=1, check=_stopped),
    attack("time-in-an-iterator", "an iterator without end, consumed in C", """
        import collections, itertools
        collections.deque(itertools.repeat(0), maxlen=0)
        """, "contained", timeout=1, check=_stopped),
    attack("time-while-waiting", "threads that compute behind a call that is not charged", """
        import hashlib, threading
        def burn():
            while True: hashlib.pbkdf2_hmac('sha256', b'x', b'y', 200_000)
        for _ in range(4): threading.Thread(target=burn, daemon=True).start()
        while True: worker('SLOW')
        """, "contained", timeout=1, check=_stopped),
    attack("time-in-threads-left-behind", "calls and loops of threads that outlive their cell", """
        import threading
        def ask():
            while True:
                try: worker('late')
                except Exception: pass
        def spin():
            while True: pass
        for work in [ask] * 6 + [spin] * 2: threading.Thread(target=work, daemon=True).start()
        """, "contained"),
    attack("time-in-finalizers", "code that runs when nobody asked for it", """
        import atexit, gc, weakref, threading
        class Undying:
            def __del__(self): self.again = Undying()
        class Slow:
            def __del__(self):
                while True: time.sleep(1)
        keep = [Undying() for _ in range(100)]; slow = Slow()
        atexit.register(lambda: time.sleep(600)); threading._register_atexit(lambda: time.sleep(600))
        threading.Thread(target=time.sleep, args=(600,)).start()
        gc.set_threshold(1)
        del slow
        """, "contained", timeout=2),
    attack("time-by-alarm", "signals at oneself, as fast as they come", """
        import signal
        def again(*_): signal.setitimer(signal.ITIMER_REAL, 1e-6)
        for number, timer in ((signal.SIGALRM, signal.ITIMER_REAL), (signal.SIGPROF, signal.ITIMER_PROF), (signal.SIGVTALRM, signal.ITIMER_VIRTUAL)):
            signal.signal(number, lambda *_: None); signal.setitimer(timer, 1e-5, 1e-5)
        time.sleep(0.3)
        """, "contained"),
    attack("time-interrupt-handler-replaced", "an interrupt that is caught, ignored and answered with more work", """
        import signal
        def more(*_):
            while True: pass
        signal.signal(signal.SIGINT, more)
        while True: pass
        """, "contained", timeout=1, check=_stopped),
    attack("time-in-the-answer", "an answer whose text never comes to an end", """
        class Answer(str):
            def __str__(self):
                while True: pass
            __len__ = __format__ = __iter__ = __str__
        FINAL(Answer('x'))
        """, "contained", timeout=1),
    attack("time-in-the-traceback", "an error that cannot be shown", """
        class Odd(Exception):
            def __str__(self):
                while True: pass
            __repr__ = __str__
            @property
            def __cause__(self):
                while True: pass
            __context__ = __notes__ = __traceback__ = __cause__
        raise Odd
        """, "contained", timeout=1),
    attack("time-in-the-collector", "code that runs whenever memory is looked through, and does not come back", """
        import gc
        def evil(*a): raise SystemExit('evil')
        def hang(*a):
            while True: pass
        gc.callbacks[:] = [evil, hang]
        gc.set_threshold(1)
        """, "contained", timeout=1),
    attack("time-in-a-long-chain", "errors that caused each other, without end", """
        error = None
        for n in range(50_000):
            new = ValueError('x' * 50); new.__cause__ = error; error = new
        raise error
        """, "contained", timeout=6),
    attack("time-for-the-compiler", "source that takes the compiler apart", """
        try: compile('(' * 100_000 + ')' * 100_000, 'x', 'eval')
        except (SyntaxError, MemoryError, RecursionError): pass
        try: compile('-' * 100_000 + '1', 'x', 'eval')
        except (SyntaxError, MemoryError, RecursionError): pass
        try: eval('lambda: ' * 5000 + '0')
        except (SyntaxError, MemoryError, RecursionError): pass
        """, "contained", timeout=6),
    attack("output-on-the-raw-pipes", "output that nobody can keep, on both pipes at once", """
        import threading
        def flood(fd):
            while True: os.write(fd, b'\\xff\\xfee\\x1b[2J' * 8000)
        for fd in (1, 2): threading.Thread(target=flood, args=(fd,), daemon=True).start()
        time.sleep(600)
        """, "contained", serial=True, timeout=1),
    attack("output-after-the-cell", "output of a thread that lives on", """
        import threading
        def flood():
            while True: os.write(1, b'x' * 65536)
        threading.Thread(target=flood, daemon=True).start()
        worker('hello')
        """, "contained", serial=True),
    attack("output-of-one-character", "as many writes as there can be, each of nothing much", """
        import sys
        for n in range(3_000_000): sys.stdout.write('x'); sys.stderr.write('y')
        """, "contained", serial=True, timeout=2),
]  # fmt: skip
