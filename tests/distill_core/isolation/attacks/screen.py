"""Attacks on whoever looks: text that moves cursors, hides itself or turns round, by every way that text gets out."""

from __future__ import annotations

from functools import partial

from tests.distill_core.isolation.attacks.writing import attack

_EVIL = r"""
evil = ''.join(('\x1b]0;title\x07', '\x1b]52;c;ZXZpbA==\x07', '\x1b[2J\x1b[H', '\x1b[?1049h', '\x1bP$q"p\x1b\\', '\x1b_G\x1b\\', '\x9b31m', '\x9d0;t\x9c', '\x90x\x9c',
    '\x0e\x0f\x05\x07\x08\x7f', '\r', '\x0b\x0c', '\x85', '\u2028\u2029', '\u202e\u2066\u2067\u2068\u202a\u202b\u202d\u061c\u200e\u200f', '\ud800', '\U000e0041\U000e007f',
    '\ufeff\u200b\u2060', 'a' + '\u0301' * 500, '\x1b]8;;file:///etc/passwd\x07x\x1b]8;;\x07', '[@click=app.quit]x[/]', '\x00'))
"""

_evil = partial(attack, setup=_EVIL)

ATTACKS = [
    _evil("screen-output", "by output and by raw writes", "print(evil); print(evil, file=sys.stderr); os.write(1, evil.encode('utf-8', 'surrogatepass')); os.write(2, evil.encode('utf-8', 'surrogatepass'))", "ok"),
    attack("screen-broken-utf-8", "by bytes that are half a character", """
        for data in (b'\\xc2', b'\\x9b31m', b'\\xe2\\x80', b'\\xae', b'\\xf0\\x9f', b'\\x1b', b'[2J', b'\\xff\\xfe', b'\\xff\\xfee', b'\\xed\\xa0\\x80', b'\\xc0\\x9b', b'\\xe0\\x80\\x9b'):
            os.write(1, data); os.write(2, data); sys.stdout.flush(); time.sleep(0.03)
        """, "ok"),
    _evil("screen-answer", "by the answer", "FINAL(evil)", "ok"),
    _evil("screen-answer-in-a-container", "by an answer that is made into text", "FINAL({evil: [evil]})", "ok"),
    _evil("screen-traceback", "by an error's text, name, notes and source line", """
        error = type('E' + evil.replace('\\ud800', '').replace('\\0', ''), (Exception,), {})(evil)
        error.add_note(evil)
        raise error
        """, "ok"),
    _evil("screen-file-name", "by a file name in a traceback", "exec(compile('1/0', evil.replace('\\0', '').replace('\\ud800', ''), 'exec'))", "ok"),
    _evil("screen-function-name", "by the name of a function in a traceback", """
        def f(): 1 / 0
        f.__code__ = f.__code__.replace(co_name=evil.replace('\\ud800', ''), co_filename=evil.replace('\\ud800', ''))
        f()
        """, "ok"),
    _evil("screen-prompt", "by what the worker is asked and answers", "print(worker(evil.replace('\\ud800', '')))", "ok"),
    _evil("screen-echo", "by the value of the last expression", """
        class Shown:
            def __repr__(self): return evil
        Shown()
        """, "ok"),
    _evil("screen-warnings", "by warnings and logging", "import logging, warnings\nwarnings.warn(evil)\nlogging.error(evil)", "ok"),
    _evil("screen-fault-handler", "by the report of a crash", """
        def f(): ctypes.string_at(0)
        f.__code__ = f.__code__.replace(co_name='ab\\x1b[2J', co_filename='\\x1b]0;t\\x07')
        f()
        """, "contained"),
]  # fmt: skip
