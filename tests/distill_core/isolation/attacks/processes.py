"""Attacks on processes: making them, becoming another, signalling, tracing, and the namespaces around them."""

from __future__ import annotations

from tests.distill_core.isolation.attacks.writing import attack

ATTACKS = [
    attack("process-by-python", "every way in which Python makes a process", """
        import subprocess, multiprocessing, pty, concurrent.futures, asyncio
        refused(fork=lambda: os.fork() + 1, forkpty=lambda: os.forkpty(), pty=lambda: pty.fork(), spawn=lambda: os.posix_spawn(sys.executable, ['x'], {}),
                spawnp=lambda: os.posix_spawnp('true', ['true'], {}), spawnv=lambda: os.spawnv(os.P_NOWAIT, '/bin/true', ['true']), run=lambda: subprocess.run(['true']),
                shell=lambda: subprocess.check_output('id', shell=True), popen=lambda: os.popen('id').read(), system=lambda: os.WIFEXITED(s := os.system('exit 3')) and os.WEXITSTATUS(s) == 3,
                execv=lambda: os.execv('/bin/true', ['true']), fexec=lambda: os.execve(os.open('/proc/self/exe', os.O_RDONLY), ['x'], {}),
                loader=lambda: os.execv('/lib64/ld-linux-x86-64.so.2', ['ld', '/bin/true']))
        for method in ('fork', 'spawn', 'forkserver'):
            context = multiprocessing.get_context(method)
            def start():
                process = context.Process(target=print, args=('ESCAPED',)); process.start(); return process.pid
            refused(**{method: start})
        async def sub(): return (await asyncio.create_subprocess_exec('true')).pid
        refused(asyncio=lambda: asyncio.run(sub()))
        """),
    attack("process-by-pools", "pools of processes fail and do not hang", """
        import concurrent.futures, multiprocessing
        def pool():
            with concurrent.futures.ProcessPoolExecutor(2) as made: return list(made.map(abs, [-1]))
        try: print('ESCAPED', pool())
        except Exception as error: print('HELD', type(error).__name__)
        """, "contained"),
    attack("process-by-clone", "clone with all the flags that make no mere thread", """
        number = 56 if MACHINE == 'x86_64' else 220
        thread = 0x3D0F00
        flags = [0, 17, 0x100, 0x4111, 0x4000 | 0x100, 0x01200011, 0x8000, 0x1000, 0x2000, 0x100000000, 0x200000000, thread & ~0x10000, thread & ~0x800,
                 thread & ~0x100, thread & ~0x400, thread & ~0x200, thread | 17, thread | 0x8000, thread | 0x800000, thread | 0x1000, thread | 0x100000000]
        flags += [thread | ns for ns in (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)]
        for value in flags:
            result = sysc(number, value, 0, 0, 0, 0)
            if result == 0: os._exit(9)
            if -result != errno.EPERM: print('ESCAPED', hex(value), result)
        if MACHINE == 'x86_64':
            for vfork in (57, 58):
                result = sysc(vfork)
                if result == 0: os._exit(9)
                if -result != errno.EPERM: print('ESCAPED', vfork, result)
            for size in (64, 80, 88, 200):
                arguments = struct.pack('QQQQQQQQQQQ', 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
                result = sysc(435, arguments, size)
                if result == 0: os._exit(9)
                if -result != errno.ENOSYS: print('ESCAPED clone3', result)
        """),
    attack("process-in-a-race", "forks from many threads at the moment in which anything might be allowed", """
        import threading
        def work():
            end = time.monotonic() + 0.4
            while time.monotonic() < end:
                try:
                    pid = os.fork()
                    if pid == 0: os._exit(0)
                    print('ESCAPED', pid)
                except OSError: pass
        threads = [threading.Thread(target=work) for _ in range(4)]
        [t.start() for t in threads]; [t.join() for t in threads]
        """),
    attack("process-forking-as-the-cell-ends", "a thread that forks while the host takes its own copies", """
        import threading
        def work():
            while True:
                try:
                    if os.fork() == 0: os._exit(0)
                    os.write(1, b'ESC' b'APED fork')
                except OSError: pass
        for _ in range(3): threading.Thread(target=work, daemon=True).start()
        worker('x')
        """, "contained", post=("x = 1", "")),
    attack("process-exec-of-memory", "programs from memory and from handles", """
        if MACHINE == 'x86_64':
            fd = os.open('prog', os.O_RDWR | os.O_CREAT, 0o755); os.write(fd, b'#!/bin/true\\n')
            denied((59, b'prog', None, None), (322, fd, b'', None, None, 0x1000), (322, -100, b'/bin/true', None, None, 0), (134, b'/bin/true'))
        """),
    attack("process-becoming-root", "another account, more rights", """
        refused(uid=lambda: os.setuid(0) or 1, gid=lambda: os.setgid(0) or 1, groups=lambda: os.setgroups([0]) or 1, euid=lambda: os.seteuid(0) or 1,
                resuid=lambda: os.setresuid(-1, 0, -1) or 1, resgid=lambda: os.setresgid(-1, 0, -1) or 1, reuid=lambda: os.setreuid(0, 0) or 1, init=lambda: os.initgroups('root', 0) or 1)
        if MACHINE == 'x86_64':
            header = struct.pack('=Ii', 0x20080522, 0)
            denied((122, 0), (123, 0), (126, header, b'\\xff' * 24), (125, header, bytes(24)), (117, -1, 0, -1), (250, 0, 0), (250, 11, 1), (248, b'user', b'a', b'b', 1, -3),
                   (249, b'user', b'a', None, 0), (308, 3, 0), (272, 0x10000000), (272, 0))
        """),
    attack("process-namespaces", "namespaces in which one is master", """
        for flag in (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x10020000, 0x200, 0x400):
            if MACHINE == 'x86_64': denied((272, flag), (308, 0, flag))
        for name in ('user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'time', 'pid_for_children'):
            for process in ('@@VICTIM@@', '@@HOSTPID@@'): refused(**{name: lambda: os.open(f'/proc/{process}/ns/{name}', os.O_RDONLY)})
        """),
    attack("process-signals-by-every-way", "kill and its relatives, at everybody", """
        targets = (@@VICTIM@@, @@HOSTPID@@, os.getppid(), 1, 0, -1, -@@VICTIM@@, -os.getpgrp())
        info = struct.pack('iii116x', 9, 0, -1)
        for pid in targets:
            for signal in (0, 9, 15, 19, 64):
                refused(**{f'kill {pid} {signal}': lambda: os.kill(pid, signal) or 1})
                if MACHINE == 'x86_64':
                    denied((62, pid, signal), (200, pid, signal), (129, pid, signal, info), (297, pid, pid, signal, info))
                    if pid != os.getpid(): denied((234, pid, pid, signal))
        if MACHINE == 'x86_64': denied((234, @@VICTIM@@ | 1 << 32, @@VICTIM@@, 9), (234, os.getpid() | 1 << 31, @@VICTIM@@, 9))
        result = sysc(234, os.getpid(), @@VICTIM@@, 9) if MACHINE == 'x86_64' else -1
        if result >= 0: print('ESCAPED')
        refused(group=lambda: os.killpg(0, 9) or 1, session=lambda: os.setsid(), pgid=lambda: os.setpgid(0, @@VICTIM@@) or 1, tcset=lambda: os.tcsetpgrp(0, 1) or 1)
        """),
    attack("process-a-name-that-lies", "a thread whose name says that it is another process's, to whoever reads it in a table", """
        import threading
        def lying():
            for end in (b'\\r', b'\\v', b'\\n', b')'):
                for target in (@@HOSTPID@@, @@VICTIM@@, 1, 2, 3, *range(os.getpid() - 4, os.getpid() + 5)):
                    if target == os.getpid() or target < 1: continue
                    libc.prctl(15, end + b'NStgid:\\t%d' % target, 0, 0, 0)
                    result = sysc(234 if MACHINE == 'x86_64' else 131, target, target, 9)
                    if result >= 0 or -result not in (errno.EPERM, errno.EACCES): print('ESCAPED', end, target, result)
        thread = threading.Thread(target=lying); thread.start(); thread.join()
        """),
    attack("process-that-stops-itself", "a process that says nothing any more and does not end", """
        import signal, threading
        for stop in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            refused(stop=lambda: signal.pthread_kill(threading.get_ident(), stop) or 1, raised=lambda: signal.raise_signal(stop) or 1)
            if MACHINE == 'x86_64': denied((234, os.getpid(), os.getpid(), stop), (234, os.getpid(), os.getpid(), stop | 1 << 32))
        os.close(os.dup(0)); signal.pthread_kill(threading.get_ident(), signal.SIGCONT)
        """),
    attack("process-signals-queued", "signals that wait in a queue, of which the account has so and so many for all its programs", """
        import signal, threading
        signal.pthread_sigmask(signal.SIG_BLOCK, range(34, 65))
        n = 0
        try:
            while n < 1000: signal.pthread_kill(threading.get_ident(), 40); n += 1
        except OSError: pass
        while signal.sigtimedwait([40], 0): pass
        print('ESCAPED' if n > 500 else 'HELD', n)
        """),
    attack("process-signals-by-timer", "timers and queues that signal another", """
        if MACHINE == 'x86_64':
            event = struct.pack('QiiiI40x', 0, 9, 4, @@VICTIM@@, 0)
            for clock in (0, 1, 2, 7): denied((222, clock, event, bytes(8)))
            denied((244, 3, event), (283, 0, 0), (289, -1, bytes(8), 8, 0), (282, -1, bytes(8), 8), (206, 8, bytes(8)), (425, 8, bytes(120)))
        """),
    attack("process-tracing", "reading and writing other memory", """
        if MACHINE == 'x86_64':
            vector = struct.pack('QQ', ctypes.addressof(ctypes.create_string_buffer(64)), 64)
            for pid in (@@VICTIM@@, @@HOSTPID@@, os.getppid(), os.getpid()):
                denied((101, 16, pid, 0, 0), (101, 0x4206, pid, 0, 0), (101, 0, 0, 0, 0), (310, pid, vector, 1, vector, 1, 0), (311, pid, vector, 1, vector, 1, 0),
                       (312, pid, os.getpid(), 0, 0, 0), (256, pid, 1, None, None), (279, pid, 0, None, None, None, 0), (313, 3, b'', 0))
        """),
    attack("process-other-bounds", "priorities, processors and bounds of others", """
        import resource
        refused(nice=lambda: os.setpriority(os.PRIO_PROCESS, @@VICTIM@@, 19) or 1, user=lambda: os.setpriority(os.PRIO_USER, 0, 19) or 1, up=lambda: os.nice(-5) and 1,
                affinity=lambda: os.sched_setaffinity(@@VICTIM@@, {0}) or 1, own=lambda: os.sched_setaffinity(0, {0}) or 1,
                fifo=lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)) or 1, limits=lambda: resource.prlimit(@@VICTIM@@, resource.RLIMIT_NOFILE),
                cut=lambda: resource.prlimit(@@HOSTPID@@, resource.RLIMIT_NOFILE, (3, 3)))
        if MACHINE == 'x86_64': denied((251, 1, @@VICTIM@@, 0), (314, 0, bytes(48), 0), (302, @@VICTIM@@, 7, bytes(16), None), (302, 0, 4, bytes(16), None), (160, 7, bytes(16)))
        """),
    attack("process-told-by-number", "which processes there are, told by calls that take a number", """
        refused(processors=lambda: os.sched_getaffinity(@@VICTIM@@), own=lambda: os.sched_getaffinity(os.getpid()))
        number, head, size = (274 if MACHINE == 'x86_64' else 100), ctypes.c_void_p(), ctypes.c_size_t()
        for pid in (@@VICTIM@@, 1, os.getppid() or 2, 4_000_000):
            denied((number, pid, ctypes.byref(head), ctypes.byref(size)))
        print(len(os.sched_getaffinity(0)) > 0)
        """),
    attack("process-clocks-of-others", "what another process computes, told by its clock", """
        for pid in (1, @@VICTIM@@, @@HOSTPID@@, os.getppid()):
            for kind in (0, 1, 2, 4 | 2):
                clock = (~pid << 3) | kind
                refused(**{f'{pid} {kind}': lambda: time.clock_gettime(clock) + 1})
                if MACHINE == 'x86_64': denied((228, clock, bytes(16)), (229, clock, bytes(16)), (230, clock, 0, bytes(16), None), (228, clock & 0xFFFFFFFF, bytes(16)))
        assert time.process_time() >= 0 and time.thread_time() >= 0 and time.clock_gettime(time.CLOCK_BOOTTIME) > 0
        """),
    attack("process-priority-handed-on", "futexes that act on a thread of another process", """
        number = 202 if MACHINE == 'x86_64' else 98
        word = ctypes.c_uint(@@VICTIM@@ | 0x80000000)
        for operation in (2, 6, 7, 8, 11, 12, 13):
            for flags in (0, 128, 256, 128 | 256, 1 << 32):
                result = sysc(number, ctypes.addressof(word), operation | flags, 0, 0, 0, 0)
                if -result != errno.EPERM: print('ESCAPED', operation, flags, result)
        """),
    attack("process-keyrings", "keys of the session and the user", """
        if MACHINE == 'x86_64':
            for operation in range(33):
                for ring in (-1, -2, -3, -4, -5, -6, -7, -8): denied((250, operation, ring, 0, 0, 0))
        """),
    attack("process-core-dump", "a dump of memory handed to a program of root's, or left on the disk", """
        import resource
        if resource.getrlimit(resource.RLIMIT_CORE)[0] > 1: print('ESCAPED', resource.getrlimit(resource.RLIMIT_CORE))
        for value in ((0, 0), (0, 1), (1, 1), (-1, -1)):
            try: resource.setrlimit(resource.RLIMIT_CORE, value); print('ESCAPED', value)
            except (ValueError, OSError): pass
        ctypes.string_at(0)
        """, "contained", check=lambda seen: seen.killed),
]  # fmt: skip
