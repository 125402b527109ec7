"""Attacks by sockets of every family, and by what a connected pair can still be made to do."""

from __future__ import annotations

from tests.distill_core.isolation.attacks.writing import attack

ATTACKS = [
    attack("socket-families", "a socket of each family, kind and protocol", """
        number, pair = (41, 53) if MACHINE == 'x86_64' else (198, 199)
        for family in range(0, 50):
            for kind in (1, 2, 3, 4, 5, 6, 10, 0o2000001):
                for protocol in (0, 1, 3, 6, 16, 17, 58, 255, 263): denied((number, family, kind, protocol))
                if (family, kind & 15) != (1, 1): denied((pair, family, kind, 0, bytes(8)))
        for kind in (2, 5, 1 | 1 << 32): denied((pair, 1, 5 if kind == 5 else 2, 0, bytes(8)), (number, 1 | 1 << 32, kind, 0))
        """, timeout=8),
    attack("socket-by-python", "servers, clients and resolvers of the standard library", """
        import socket, urllib.request, http.client, smtplib, ftplib, poplib, imaplib, socketserver, xmlrpc.client, ssl, asyncio, logging.handlers, http.server
        refused(tcp=lambda: socket.create_connection(('127.0.0.1', @@PORT@@), 2), six=lambda: socket.create_connection(('::1', @@PORT@@), 2), unix=lambda: socket.socket(1).connect('@@UNIX@@') or 1,
                abstract=lambda: socket.socket(1).connect('\\0@@ABS@@') or 1, dgram=lambda: socket.socket(1, 2).sendto(b'x', '\\0@@ABS@@-d'), udp=lambda: socket.socket(2, 2).sendto(b'x', ('127.0.0.1', @@UDP@@)),
                server=lambda: socket.create_server(('127.0.0.1', 0)), http=lambda: http.client.HTTPConnection('127.0.0.1', @@PORT@@, timeout=2).request('GET', '/') or 1,
                smtp=lambda: smtplib.SMTP('127.0.0.1', @@PORT@@, timeout=2), tcpserver=lambda: socketserver.TCPServer(('127.0.0.1', 0), None), syslog=lambda: logging.handlers.SysLogHandler(),
                resolve=lambda: socket.getaddrinfo('example.invalid', 80), byname=lambda: socket.gethostbyname('example.invalid'), interfaces=lambda: socket.if_nameindex(), vsock=lambda: socket.socket(40, 1),
                netlink=lambda: socket.socket(16, 3, 0), packet=lambda: socket.socket(17, 3), bluetooth=lambda: socket.socket(31, 1, 3), can=lambda: socket.socket(29, 3, 1), alg=lambda: socket.socket(38, 5))
        async def connect(): return await asyncio.open_connection('127.0.0.1', @@PORT@@)
        async def serve(): return list((await asyncio.start_server(lambda r, w: None, '127.0.0.1', 0)).sockets)
        refused(asyncio=lambda: asyncio.run(connect()), serve=lambda: asyncio.run(serve()))
        """),
    attack("socket-pair-turned-round", "a pair of one's own that is to lead elsewhere", """
        import socket
        for kind in (1, 1 | 0o4000, 1 | 0o2000000):
            a, b = socket.socketpair(1, kind)
            for name in ('@@UNIX@@', '\\0@@ABS@@', '\\0@@ABS@@-d', ''):
                refused(connect=lambda: a.connect(name) or 1, bind=lambda: a.bind(name or '\\0mine') or 1, to=lambda: a.sendto(b'x', name), flagged=lambda: a.sendto(b'x', 0x40, name),
                        msg=lambda: a.sendmsg([b'x'], [], 0, name), listen=lambda: a.listen() or 1, accept=lambda: a.accept(), option=lambda: a.setsockopt(1, 16, 1) or 1, cred=lambda: a.getsockopt(1, 17, 12))
            a.close(); b.close()
        """),
    attack("socket-out-of-band", "urgent bytes, a piece of the kernel with a bad past", """
        import socket, stat
        a, b = socket.socketpair()
        number, receive = (44, 45) if MACHINE == 'x86_64' else (206, 207)
        for flags in (1, 1 | 0x40, 0x4000001, 0x4000000, 0x20000000, 2, 4, 8, 0x10, 0x80, 0x200, 0x400, 0x800, 0x1000, 0x2000, 1 | 1 << 32):
            result = sysc(number, a.fileno(), b'x', 1, flags, 0, 0)
            if -result != errno.EPERM: print('ESCAPED send', hex(flags), result)
        a.send(b'xyz')
        for flags in (1, 3, 0x41, 0x2000, 1 | 1 << 32):
            result = sysc(receive, b.fileno(), bytes(8), 1, flags, 0, 0)
            if -result != errno.EPERM: print('ESCAPED receive', hex(flags), result)
        assert b.recv(1, socket.MSG_PEEK) == b'x' and b.recv(3, socket.MSG_WAITALL) == b'xyz' and a.send(b'q', socket.MSG_NOSIGNAL) == 1
        """),
    attack("socket-line-as-a-socket", "the line to the host asked for more than it is for", """
        import socket, stat
        line = next(fd for fd in range(3, 256) if stat.S_ISSOCK(os.fstat(fd).st_mode))
        s = socket.socket(fileno=line)
        refused(connect=lambda: s.connect('\\0@@ABS@@') or 1, to=lambda: s.sendto(b'x', '\\0@@ABS@@'), bind=lambda: s.bind('\\0mine') or 1, fds=lambda: socket.send_fds(s, [b'x'], [0]),
                timestamp=lambda: s.setsockopt(1, 29, 1) or 1, peer=lambda: s.getsockopt(1, 17, 12), security=lambda: s.getsockopt(1, 31, 100), pid=lambda: s.getsockopt(1, 77, 4),
                urgent=lambda: s.send(b'x', socket.MSG_OOB))
        s.detach()
        """),
    attack("socket-files-in-between", "bytes from a file straight into the line", """
        import stat
        line = next(fd for fd in range(3, 256) if stat.S_ISSOCK(os.fstat(fd).st_mode))
        os.sendfile(line, os.open('/dev/zero', os.O_RDONLY), 0, 4096)
        while True: os.sendfile(line, os.open(os.__file__, os.O_RDONLY), 0, 4096)
        """, "contained", timeout=2),
]  # fmt: skip
