"""Attacks on the file system: by name, by link, by what /proc and /dev offer, by libraries that open files."""

from __future__ import annotations

from tests.distill_core.isolation.attacks.writing import attack

ATTACKS = [
    attack("file-symlink-in-scratch", "a link in a folder of one's own to a secret outside", """
        def through(link, target):
            os.symlink(target, link)
            try: return open(link, 'rb').read()
            finally: os.unlink(link)
        refused(file=lambda: through('l1', '@@FILE@@'), folder=lambda: os.listdir(os.symlink('@@HOME@@', 'l2') or 'l2'),
                below=lambda: open('l2/id_ed25519').read(), relative=lambda: through('l3', '../' * 20 + '@@FILE@@'[1:]),
                chain=lambda: through('l4', '/proc/self/root' + '@@FILE@@'))
        """),
    attack("file-link-swapped-in-a-race", "a name that is one's own file when checked and a link when used", """
        import threading
        open('own', 'w').write('own'); stop = False
        def swap():
            while not stop:
                for target in ('own', '@@FILE@@'):
                    try: os.symlink(target, 't'); os.rename('t', 'r')
                    except OSError: pass
        thread = threading.Thread(target=swap); thread.start()
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            try: text = open('r').read()
            except OSError: continue
            if text not in ('own', ''): print('ESCAPED', text)
        stop = True; thread.join()
        """),
    attack("file-rename-tricks", "exchange, whiteout and no-replace renames across the border", """
        open('mine', 'w').write('x')
        for flags in (0, 1, 2, 4):
            for a, b in ((b'@@FILE@@', b'mine'), (b'mine', b'@@FILE@@'), (b'mine', b'@@WRITE@@'), (b'@@HOME@@', b'm')):
                if sysc(316 if MACHINE == 'x86_64' else 276, -100, a, -100, b, flags) == 0: print('ESCAPED', flags, a, b)
        """),
    attack("file-through-proc-links", "roots and working folders of processes as doors", """
        for process in ('self', 'thread-self', '1', str(os.getppid()), '@@HOSTPID@@', '@@VICTIM@@'):
            for door in ('root', 'cwd', 'cwd/..', 'root/proc/self/root', 'map_files'):
                base = f'/proc/{process}/{door}'
                # Its own working folder is the scratch folder, in which attacks before it may have left something.
                refused(**{base: lambda: open(base + '@@FILE@@', 'rb').read(),
                           base + '/': lambda: sorted(os.listdir(base)) != sorted(os.listdir('.'))})
        """, pre=["open('left', 'w').close()"]),
    attack("file-descriptors-of-others", "files that the host has open, by /proc", """
        for process in ('@@HOSTPID@@', '@@VICTIM@@'):
            for fd in range(40):
                name = f'/proc/{process}/fd/{fd}'
                refused(**{name: lambda: os.readlink(name), name + ' r': lambda: os.open(name, os.O_RDONLY),
                           name + ' w': lambda: os.open(name, os.O_WRONLY)})
        """),
    attack("file-descriptors-of-copies", "the pipes of other copies of this process, by /proc", """
        near = range(1, 400) if os.getpid() < 400 else range(os.getpid() - 60, os.getpid() + 60)
        for process in [*near, os.getppid()]:
            for fd in range(40):
                name = f'/proc/{process}/fd/{fd}'
                try: target = os.readlink(name)
                except OSError: continue
                if target == '/dev/null': continue
                refused(**{f'{name} {target} r': lambda: os.open(name, os.O_RDONLY | os.O_NONBLOCK),
                           f'{name} {target} w': lambda: os.open(name, os.O_WRONLY | os.O_NONBLOCK)})
        """, pre=["kept = 1", "kept = 2"]),
    attack("file-proc-of-oneself", "one's own process as a file", """
        for name in ('mem', 'maps', 'smaps', 'pagemap', 'environ', 'auxv', 'stack', 'syscall', 'status', 'cmdline', 'stat',
                     'mountinfo', 'mounts', 'cgroup', 'net/tcp', 'net/unix', 'net/route', 'limits', 'io', 'wchan', 'personality',
                     'attr/current', 'uid_map', 'gid_map', 'setgroups', 'oom_score_adj', 'timerslack_ns', 'comm', 'clear_refs',
                     'coredump_filter', 'sched', 'autogroup', 'projid_map', 'loginuid', 'fail-nth'):
            for process in ('self', 'self/task/%d' % os.getpid(), '@@VICTIM@@', '@@HOSTPID@@'):
                path = f'/proc/{process}/{name}'
                refused(**{path: lambda: open(path, 'rb').read() or 1, path + ' w': lambda: open(path, 'r+b') and 1})
        """),
    attack("file-proc-of-the-kernel", "settings and views of the machine", """
        for name in ('/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/kallsyms',
                     '/proc/kcore', '/proc/kmsg', '/proc/cmdline', '/proc/keys', '/proc/key-users', '/proc/locks', '/proc/modules',
                     '/proc/cpuinfo', '/proc/stat', '/proc/interrupts', '/proc/timer_list', '/proc/net/tcp', '/proc/sys/fs/binfmt_misc/register',
                     '/sys/kernel/notes', '/sys/fs/cgroup/cgroup.procs', '/sys/class/net', '/sys/power/state', '/sys/kernel/debug',
                     '/sys/kernel/security/lsm', '/sys/fs/bpf', '/sys/firmware', '/sys/devices/system/cpu/online'):
            refused(**{name: lambda: open(name, 'rb').read(1) or 1, name + ' w': lambda: open(name, 'wb') and 1,
                       name + ' l': lambda: os.listdir(name) or 1})
        """),
    attack("file-devices", "terminals, memory, disks and buses", """
        names = ['tty', 'console', 'ptmx', 'pts/0', 'pts/ptmx', 'tty0', 'tty1', 'vcs', 'vcsa', 'mem', 'kmem', 'port', 'kmsg', 'full',
                 'random', 'hwrng', 'fuse', 'kvm', 'vhost-net', 'net/tun', 'loop-control', 'loop0', 'sda', 'vda', 'nvme0', 'mapper/control',
                 'input/event0', 'uinput', 'snd/seq', 'dri/card0', 'nvidia0', 'nvidiactl', 'btrfs-control', 'autofs', 'cuse', 'ppp',
                 'rfkill', 'vsock', 'userfaultfd', 'mqueue/x', 'hugepages/x', 'shm/x', 'stdin', 'fd/0', 'log', 'initctl', 'bus/usb/001/001']
        for name in names:
            if name in ('stdin', 'fd/0'): continue  # /dev/null, if anything
            path = '/dev/' + name
            refused(**{path: lambda: os.open(path, os.O_RDONLY | os.O_NONBLOCK) + 1,
                       path + ' w': lambda: os.open(path, os.O_RDWR | os.O_NONBLOCK) + 1,
                       path + ' c': lambda: os.open(path, os.O_RDWR | os.O_CREAT) + 1})
        refused(list=lambda: os.listdir('/dev'), pts=lambda: os.listdir('/dev/pts'))
        """),
    attack("file-device-through-an-alias", "the same device files by other names", """
        refused(dotdot=lambda: open('/dev/null/../tty'), null=lambda: os.listdir('/dev/null/..'),
                openpty=lambda: __import__('pty').openpty(), ttyname=lambda: os.ttyname(0), ctermid=lambda: open(os.ctermid()),
                mknod=lambda: os.mknod('dev', 0o20666, os.makedev(1, 1)) or 1, block=lambda: os.mknod('blk', 0o60666, os.makedev(8, 0)) or 1,
                fifo=lambda: os.mkfifo('fifo') or 1, sock=lambda: os.mknod('sock', 0o140666) or 1)
        """),
    attack("file-handles", "handles and path descriptors instead of names", """
        refused(path=lambda: os.open('/proc/self/fd/%d' % os.open('@@FILE@@', os.O_PATH), os.O_RDONLY) + 1,
                at=lambda: os.open('id_ed25519', os.O_RDONLY, dir_fd=os.open('@@HOME@@', os.O_PATH)) + 1,
                root=lambda: os.open('etc/passwd', os.O_RDONLY, dir_fd=os.open('/', os.O_PATH)) + 1,
                tmpfile=lambda: os.open('@@HOME@@', os.O_TMPFILE | os.O_RDWR) + 1,
                directory=lambda: os.open('@@HOME@@', os.O_RDONLY | os.O_DIRECTORY) + 1,
                creat=lambda: os.open('@@WRITE@@', os.O_CREAT | os.O_EXCL) + 1)
        fd = os.open('/', os.O_PATH)
        refused(fchdir=lambda: os.fchdir(fd) or open('etc/passwd').read())
        if MACHINE == 'x86_64':
            handle = struct.pack('Ii128x', 128, 0)
            denied((303, -100, b'@@FILE@@', handle, bytes(8), 0), (304, fd, handle, 0), (437, -100, b'@@FILE@@', bytes(24), 24))
        os.chdir(os.environ['HOME'])
        """),
    attack("file-links-in", "hard links that bring a file into reach", """
        import tempfile
        open('empty', 'w').close()
        refused(link=lambda: os.link('@@FILE@@', 'k') or open('k').read(), library=lambda: os.link(os.__file__, 'k2') or 1,
                out=lambda: os.link('empty', '@@WRITE@@') or 1, follow=lambda: os.link('/proc/self/fd/1', '@@WRITE@@', follow_symlinks=True) or 1)
        if MACHINE == 'x86_64':
            fd = os.open('empty', os.O_RDONLY)
            denied((265, fd, b'', -100, b'@@WRITE@@', 0x1000), (265, fd, b'', -100, b'k4', 0x1000))
            for result in (sysc(86, b'@@FILE@@', b'k3'), sysc(86, b'empty', b'@@WRITE@@'), sysc(265, -100, b'/proc/self/exe', -100, b'k5', 0x400)):
                if result == 0: print('ESCAPED')
        """),
    attack("file-by-libraries", "modules that open a path on one's behalf", """
        import linecache, runpy, sqlite3, tokenize, zipfile, tarfile, zipimport, fileinput, mmap, configparser, gzip, shelve, mailbox
        import importlib.machinery, importlib.util, ssl, wave, pathlib, shutil, filecmp, glob, logging.config, netrc, plistlib, dbm
        import xml.etree.ElementTree, xml.sax, urllib.request
        f = '@@FILE@@'
        def xxe():
            text = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file://' + f.encode() + b'">]><r>&x;</r>'
            try: return 'CANARY' in xml.etree.ElementTree.tostring(xml.etree.ElementTree.fromstring(text), 'unicode')
            except xml.etree.ElementTree.ParseError: return None
        refused(dlopen=lambda: ctypes.CDLL(f), linecache=lambda: linecache.getlines(f), tokenize=lambda: tokenize.open(f).read(),
                sourceloader=lambda: importlib.machinery.SourceFileLoader('x', f).get_data(f),
                extension=lambda: importlib.machinery.ExtensionFileLoader('x', f).get_data(f), zipimport=lambda: zipimport.zipimporter(f),
                pathlib=lambda: pathlib.Path(f).read_bytes(), copy=lambda: shutil.copy(f, 'c'), fileinput=lambda: list(fileinput.input(f)),
                gzip=lambda: gzip.open(f).read(), url=lambda: urllib.request.urlopen('file://' + f).read(), xxe=xxe,
                glob=lambda: glob.glob('@@HOME@@/*'), scandir=lambda: list(os.scandir('@@HOME@@')), walk=lambda: list(os.walk('/')),
                cert=lambda: ssl.create_default_context().load_verify_locations(f), passwd=lambda: __import__('pwd').getpwall())
        try: sqlite3.connect(f).execute('select * from sqlite_master').fetchall(); print('ESCAPED sqlite')
        except sqlite3.Error: pass
        try:
            base = sqlite3.connect(':memory:'); base.execute('attach ? as x', (f,)); base.execute('select * from x.sqlite_master'); print('ESCAPED attach')
        except sqlite3.Error: pass
        """),
    attack("file-memory-files", "files without a name, and shared memory in all its forms", """
        refused(memfd=lambda: os.memfd_create('x') + 1, shm=lambda: __import__('multiprocessing.shared_memory').shared_memory.SharedMemory('@@SHM@@'),
                new=lambda: __import__('multiprocessing.shared_memory').shared_memory.SharedMemory(create=True, size=10),
                posix=lambda: __import__('_posixshmem').shm_open('/@@SHM@@', os.O_RDONLY) + 1, path=lambda: open('/dev/shm/@@SHM@@').read())
        if MACHINE == 'x86_64':
            denied((319, b'x', 0), (319, b'x', 4), (447, 0), (29, 1, 4096, 0o1600), (30, 0, None, 0), (64, 1, 1, 0o1600), (68, 1, 0o1600),
                   (240, b'/x', 0o102, 0o600, None))
        """),
    attack("file-mounts", "new views of the file system", """
        if MACHINE == 'x86_64':
            denied((165, b'/', b'.', b'', 4096, None), (165, b'proc', b'.', b'proc', 0, None), (166, b'/proc', 2), (161, b'.'), (155, b'.', b'.'),
                   (428, -100, b'/', 1), (429, -100, b'/', -100, b'.', 0), (430, b'tmpfs', 0), (431, 3, 0, None, None, 0), (432, 3, 0, 0),
                   (433, -100, b'/', 0), (442, -100, b'/', 0, None, 0), (467, -100, b'/', 0, None, 0), (457, None, None, 0, 0))
        """),
    attack("file-attributes", "extended attributes, modes, owners and times, in one's own folder too", """
        open('own', 'w').close()
        refused(get=lambda: os.getxattr('own', 'user.x'), set=lambda: os.setxattr('own', 'user.x', b'x') or 1, list=lambda: os.listxattr('/') + [1],
                chown=lambda: os.chown('own', 0, 0) or 1, out=lambda: os.chmod('@@HOME@@', 0o777) or 1, times=lambda: os.utime('@@FILE@@') or 1,
                through=lambda: os.symlink('@@FILE@@', 'away') or os.chmod('away', 0o777) or 1)
        refused(user=lambda: os.open('root', os.O_CREAT | os.O_WRONLY, 0o4755) + 1, group=lambda: os.open('root', os.O_CREAT | os.O_WRONLY, 0o2755) + 1)
        for name in ('own', 'root'):
            if os.path.exists(name) and os.stat(name).st_mode & 0o7000: print('ESCAPED')
        if MACHINE == 'x86_64':
            fd = os.open('own', os.O_RDWR)
            denied((90, b'own', 0o4755), (91, fd, 0o4755), (268, -100, b'own', 0o4755), (452, -100, b'own', 0o4755, 0), (92, b'own', 0, 0), (93, fd, 0, 0),
                   (94, b'own', 0, 0), (260, -100, b'own', 0, 0, 0), (132, b'own', None), (235, b'own', None), (261, -100, b'own', None), (280, -100, b'own', None, 0))
            os.close(fd)
        """),
    attack("file-watching", "being told of what happens to files", """
        if MACHINE == 'x86_64':
            denied((253,), (294, 0), (254, 3, b'/', 0xfff), (300, 0, 0), (301, 3, 1, 0xfff, -100, b'/'), (212, b'x', 0), (462, None, 0))
        import fcntl
        fd = os.open('.', os.O_RDONLY)
        refused(notify=lambda: fcntl.fcntl(fd, 1026, 0x80000001) + 1, lease=lambda: fcntl.fcntl(os.open('w', os.O_RDWR | os.O_CREAT), 1024, 1) + 1)
        """),
    attack("file-libraries-changed", "the code that the host itself runs from", """
        import json, mmap
        fd = os.open(json.__file__, os.O_RDONLY)
        refused(write=lambda: os.write(fd, b'x'), truncate=lambda: os.ftruncate(fd, 0) or 1, path=lambda: os.truncate(json.__file__, 0) or 1,
                mapped=lambda: mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE), again=lambda: os.open('/proc/self/fd/%d' % fd, os.O_RDWR),
                bytecode=lambda: os.mkdir(os.path.dirname(json.__file__) + '/new') or 1, rename=lambda: os.rename(json.__file__, 'json.py') or 1,
                remove=lambda: os.unlink(json.__file__) or 1, append=lambda: os.open(json.__file__, os.O_APPEND | os.O_WRONLY))
        os.close(fd)
        """),
    attack("file-beside-the-scratch", "what lies around one's own folder", """
        here = os.environ['HOME']
        refused(up=lambda: os.listdir('..'), witness=lambda: open('../witness').read() or 1, write=lambda: open('../witness', 'w'),
                new=lambda: open('../new', 'w'), folder=lambda: os.mkdir('../new') or 1, tmp=lambda: open('/tmp/distill-new', 'x'), home=lambda: os.rmdir(here) or 1,
                move=lambda: os.rename(here, here + '2') or 1, tmpdir=lambda: os.listdir('/tmp'))
        """),
    attack("file-working-folder-carried-out", "a folder that is moved while one stands in it", """
        os.makedirs('a/b/c'); os.chdir('a/b/c')
        fd = os.open('.', os.O_RDONLY)
        os.rename(os.environ['HOME'] + '/a/b', os.environ['HOME'] + '/b')
        refused(up=lambda: open('../' * 40 + '@@FILE@@'[1:]).read(), fd=lambda: os.open('../' * 40 + '@@FILE@@'[1:], os.O_RDONLY, dir_fd=fd))
        os.rmdir(os.environ['HOME'] + '/b/c')
        refused(gone=lambda: open('../../../' + '@@FILE@@').read(), cwd=lambda: os.getcwd() and None)
        os.chdir(os.environ['HOME'])
        """),
    attack("file-space-for-nothing", "disk space without writing", """
        fd = os.open('big', os.O_RDWR | os.O_CREAT)
        for mode in (0, 1, 2, 3, 8, 16, 32):
            if MACHINE == 'x86_64' and sysc(285, fd, mode, 0, 1 << 20) == 0: print('ESCAPED', mode)
        if MACHINE == 'x86_64': denied((326, fd, None, fd, None, 10, 0), (277, fd, 0, 0, 0), (187, fd, 0, 10))
        os.posix_fallocate(fd, 0, 1 << 16)
        os.close(fd); os.unlink('big')
        """),
    attack("file-what-others-read", "whether the system has a file in memory, which tells whether somebody reads it", """
        fd = os.open(os.__file__, os.O_RDONLY); os.read(fd, 10)
        refused(now=lambda: os.preadv(fd, [bytearray(10)], 0, os.RWF_NOWAIT))
        if MACHINE == 'x86_64': denied((327, fd, bytes(16), 0, 0, 0, 8), (27, 4096, 4096, bytes(8)), (451, fd, bytes(16), bytes(40), 0), (187, fd, 0, 10))
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        """),
    attack("file-locks", "files locked against whoever else locks them, and locks without end", """
        import fcntl
        files = [os.open(path, os.O_RDONLY) for path in (os.__file__, '/etc/localtime', '/etc/ld.so.cache') if os.access(path, os.R_OK)]
        for fd in files: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB); fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB, 100)
        own = os.open('own', os.O_RDWR | os.O_CREAT)
        for n in range(50_000): fcntl.lockf(own, fcntl.LOCK_EX, 1, 2 * n)
        again = os.open('own', os.O_RDWR); asked = struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0)
        left = struct.unpack('hhqqi4x', fcntl.fcntl(again, 36, asked))[0]
        print('HELD' if left == fcntl.F_UNLCK else 'ESCAPED')
        """),
    attack("file-disk-kept-busy", "writes that wait for the disk, so that everybody else's do too", """
        write, read = (328, 327) if MACHINE == 'x86_64' else (287, 286)
        fd = os.open('f', os.O_RDWR | os.O_CREAT); os.write(fd, b'x'); os.fsync(fd); os.fdatasync(fd)
        refused(sync=lambda: os.open('g', os.O_RDWR | os.O_CREAT | os.O_SYNC) + 1, dsync=lambda: os.open('f', os.O_WRONLY | os.O_DSYNC) + 1, direct=lambda: os.open('f', os.O_RDWR | os.O_DIRECT) + 1, read=lambda: os.open(os.__file__, os.O_DIRECT) + 1,
                all=lambda: os.sync() or sysc(162 if MACHINE == 'x86_64' else 81) >= 0)
        for flags in (1, 2, 4, 6, 0x40, 0x80, 2 | 1 << 32): denied((write, fd, bytes(16), 0, 0, 0, flags), (read, fd, bytes(16), 0, 0, 0, flags))
        if MACHINE == 'x86_64': denied((306, fd), (277, fd, 0, 0, 7))
        end, n = time.monotonic() + 0.3, 0
        while time.monotonic() < end: os.write(fd, b'x'); os.fsync(fd); n += 1
        print('HELD' if n > 1000 else 'slow', n)
        """),
]  # fmt: skip
