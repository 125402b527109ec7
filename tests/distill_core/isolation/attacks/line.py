"""Attacks on the line between child and host: frames that are no frames, lies, and more than anybody can take."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.distill_core.isolation.attacks.writing import attack

_LINE = """
import json, stat, threading
def kind(fd):
    try: return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError: return False
line = next(fd for fd in range(3, 256) if kind(fd))
def raw(data):
    rest = memoryview(data)
    while rest: rest = rest[os.write(line, rest):]
def send(body):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    raw(struct.pack('>I', len(data)) + data)
def call(**more): send({"op": "worker", "batch": False, "id": 7, "prompts": ["x"], **more})
def primitive(*args, name="double", id=7, **kwargs): send({"op": "primitive", "name": name, "id": id, "args": args, "kwargs": kwargs})
def done(**more): send({"op": "done", "cell": 2, "error": None, "interrupted": False, "dropped": 0, **more})
"""
_WAIT = "\ntime.sleep(30)"


def _killed(seen: SimpleNamespace) -> bool:
    return bool(seen.killed)


def _violation(name: str, why: str, code: str, *, serial: bool = False, timeout: float = 6) -> dict[str, Any]:
    """A frame that must end the cell."""
    whole = _LINE + code + _WAIT
    return attack(f"line-{name}", why, whole, "contained", serial=serial, check=_killed, timeout=timeout)


def _oddity(name: str, why: str, code: str, *, timeout: float = 2) -> dict[str, Any]:
    """What may be let pass or not, and harms nobody."""
    return attack(f"line-{name}", why, _LINE + code, "contained", timeout=timeout)


def _weight(name: str, why: str, code: str, *, timeout: float = 2) -> dict[str, Any]:
    """More than the host can be expected to take, in one way or another."""
    return attack(f"line-{name}", why, _LINE + code, "contained", serial=True, timeout=timeout)


ATTACKS = [
    _violation("nothing", "a frame of no size", "raw(bytes(4))"),
    _violation("no-json", "bytes that are no JSON", "send(b'\\xff\\xfe\\x00')"),
    _violation("no-object", "JSON that is no object", "send(b'[1]')"),
    _violation("byte-order-mark", "JSON after a mark", "send(b'\\xef\\xbb\\xbf{}')"),
    _violation("utf-16", "JSON in another encoding", "send('{\"op\":\"begun\",\"cell\":2}'.encode('utf-16'))"),
    _violation("trailing", "more behind the JSON", "send(b'{\"op\":\"final\",\"value\":1,\"text\":\"1\"}{}')"),
    _violation("not-a-number", "numbers that JSON does not have", "send(b'{\"op\":\"final\",\"value\":NaN,\"text\":\"x\"}')"),
    _violation("infinite", "a number beyond all", "send(b'{\"op\":\"final\",\"value\":-1e999,\"text\":\"x\"}')"),
    _violation("endless-number", "a number of many digits", "send(b'{\"op\":\"final\",\"value\":' + b'9' * 1_000_000 + b',\"text\":\"x\"}')", serial=True),
    _violation("two-orders", "a key that is there twice", "send(b'{\"op\":\"final\",\"op\":\"worker\",\"value\":1,\"text\":\"x\"}')"),
    _violation("more-than-belongs-there", "an answer with a word too many", "send({'op': 'final', 'value': 1, 'text': '1', 'level': 'strong'})"),
    _violation("nothing-asked", "a call that asks nothing, for time that is not charged", "call(batch=True, prompts=[])"),
    _violation("large-id", "an id that no reader of a log can hold", "call(id=10 ** 40)"),
    _violation("fractional-id", "an id that is no whole number", "call(id=1.5)"),
    _violation("half-surrogate", "text that is no text", "send(b'{\"op\":\"worker\",\"batch\":false,\"id\":1,\"prompts\":[\"\\\\ud800\"]}')"),
    _violation("unknown-order", "an order that there is not", "send({'op': 'eval', 'code': '1'})"),
    _violation("order-of-the-host", "the host's own orders", "send({'op': 'execute', 'cell': 3, 'code': 'print(1)'})"),
    _violation("wrong-types", "types that are not theirs", "send({'op': 'worker', 'batch': 'yes', 'id': [], 'prompts': 'x'})"),
    _violation("another-level", "a proof of more than there is", "send({'op': 'ready', 'level': 'strong', 'python': '3', 'probes': [], 'problem': None})"),
    _violation("uncalled-for-variables", "variables that nobody asked for", "send({'op': 'variables', 'variables': []})"),
    _violation("another-cells-end", "the end of another cell", "done(cell=999)"),
    _violation("a-negative-cell", "the end of a cell below zero", "done(cell=-1)"),
    _violation("negative-count", "less than nothing dropped", "done(dropped=-1)"),
    _violation("uncountable", "more dropped than there can be", "done(dropped=10 ** 30)"),
    _violation("uncountable-together", "as much dropped as a number holds, and a character more", "done(dropped=(1 << 63) - 1)"),
    _violation("begun-twice", "the beginning of a cell that has begun", "send({'op': 'begun', 'cell': 2})"),
    _violation("another-cells-beginning", "the beginning of another cell", "send({'op': 'begun', 'cell': 999})"),
    _violation("long-error", "an end with too long an error", "done(error='x' * 2_000_000)", serial=True),
    _violation("two-answers", "two answers", "send({'op': 'final', 'value': 'a', 'text': 'a'}); send({'op': 'final', 'value': 'b', 'text': 'b'})"),
    _violation("answer-of-two-minds", "an answer with two texts", "send({'op': 'final', 'value': 'a', 'text': 'b'})"),
    _violation("answer-that-is-no-value", "an answer that is a container", "send({'op': 'final', 'value': {'a': 1}, 'text': 'x'})"),
    _violation("answer-too-long", "an answer too long", "send({'op': 'final', 'value': None, 'text': 'x' * 2_000_000})"),
    _violation("largest-size", "a frame of four gigabytes, announced", "raw(b'\\xff\\xff\\xff\\xff' + b'{' * 1000)", serial=True),
    _violation("beyond-the-bound", "a frame one byte too large, announced", "raw(struct.pack('>I', (64 << 20) + 1))", serial=True),
    _violation("nested", "arguments within arguments", "n = 900_000; send(b'{\"op\":\"primitive\",\"name\":\"double\",\"id\":7,\"args\":' + b'[' * n + b']' * n + b',\"kwargs\":{}}')", serial=True),
    _violation("many-values", "more values than may be", "send(b'{\"op\":\"primitive\",\"name\":\"double\",\"id\":7,\"args\":[' + b'[],' * 20_000_000 + b'[]],\"kwargs\":{}}')", serial=True, timeout=8),
    _violation("many-prompts", "more prompts than may be", "call(batch=True, prompts=[''] * 200_000)", serial=True),
    _violation("a-hundred-million-prompts", "as many prompts as fit", "send(b'{\"op\":\"worker\",\"batch\":true,\"id\":7,\"prompts\":[' + b'\"\",' * 20_000_000 + b'\"\"]}')", serial=True, timeout=8),
    _violation("end-before-the-end", "the end of this cell while it runs, and then a loop", "done()\nwhile True: pass") | {"check": lambda seen: True},
    _oddity("half-a-frame", "a frame that never comes to its end", "os.write(line, b'\\x00\\x00\\x10\\x00{')\nprint(worker('x'))", timeout=1),
    _oddity("drop-by-drop", "a frame byte by byte", "for byte in struct.pack('>I', 1000) + b' ' * 900: os.write(line, bytes([byte]))\ntime.sleep(30)", timeout=2),
    _weight("frames-of-nothing", "frames of no size, without end", "while True: os.write(line, bytes(4000))"),
    _weight("answers-unread", "answers that are never read", "while True: call()"),
    _weight("large-prompts", "large prompts, without end", "while True: call(prompts=['x' * 20_000_000])"),
    _weight("cheap-primitives", "calls of a primitive, without end: time that is not charged", "def read():\n    while True: os.read(line, 1 << 20)\nthreading.Thread(target=read, daemon=True).start()\nwhile True: primitive(1)", timeout=0.3),
    _weight("refused-calls", "calls beyond the bound, without end", "call(batch=True, prompts=['x'] * 3000)\nwhile True: call(batch=True, prompts=['x'] * 3000)"),
    _weight("primitives-unread", "primitives, without end", "while True: primitive('x' * 20_000_000)"),
    _weight("slow-numbers", "numbers that take long to read", "for number in (b'5e-324', b'1.7976931348623157e308', b'9' * 4299):\n    many = min(1_900_000, (60 << 20) // len(number))\n    send(b'{\"op\":\"primitive\",\"name\":\"double\",\"id\":7,\"args\":[' + (number + b',') * many + b'1],\"kwargs\":{}}')", timeout=6),
    _violation("endless-fraction", "an argument with a fraction of many digits", "send(b'{\"op\":\"primitive\",\"name\":\"double\",\"id\":7,\"args\":[0.' + b'1' * 1_000_000 + b'],\"kwargs\":{}}')"),
    _violation("infinite-argument", "an argument beyond all numbers", "send(b'{\"op\":\"primitive\",\"name\":\"double\",\"id\":7,\"args\":[1e999],\"kwargs\":{}}')"),
    _oddity("absent-primitives", "primitives that are not there", "for name in ('__class__', 'perform', 'os.system', '', 'a' * 1_000_000, '\\x1b[2J'): primitive(name=name)"),
    _oddity("odd-arguments", "arguments that a function does not take", "primitive(self=1, function=2, value=3, request=4)\nprimitive(10 ** 30, 10 ** 400)\nprimitive(*range(1000))\nprimitive([[]] * 1000, **{'': 1, '\\x1b': 2})"),
    _weight("deep-arguments", "arguments as deep as a reader takes them, for a writer to fail at", "for n in (100, 300, 500, 800, 950, 990, 999): send(b'{\"op\":\"primitive\",\"name\":\"double\",\"id\":7,\"args\":' + b'[' * n + b']' * n + b',\"kwargs\":{}}')"),
    _oddity("unreadable-records", "what a log would hold and its readers could not", "for value in ('[' * 300 + ']' * 300, '{\"a\":' * 300 + '1' + '}' * 300, '9' * 30, '-' + '9' * 4000):\n    send(b'{\"op\":\"primitive\",\"name\":\"double\",\"id\":7,\"args\":[' + value.encode() + b'],\"kwargs\":{}}')\ntry: print('ESCAPED', double(2 ** 70))\nexcept PrimitiveError as error: print(error)"),
    _oddity("same-ids", "many calls of one id", "for _ in range(500): call(id=1)\nprint(worker('mine'))"),
    _oddity("negative-ids", "ids below zero, and the one that stands for orders", "call(id=-1); call(id=0); call(id=-(1 << 63)); call(id=(1 << 63) - 1)\nprint(worker('mine'))"),
    _oddity("answered-by-itself", "a call answered by the caller, towards the host", "send({'id': 1, 'texts': ['forged'], 'errors': []})"),
    _oddity("read-by-two", "answers read by another thread than asked", "def steal():\n    while True: os.read(line, 10)\nthreading.Thread(target=steal, daemon=True).start()\nworker('x')", timeout=1),
    _oddity("written-by-many", "frames of many threads, mixed up", "def shout():\n    while True: os.write(line, struct.pack('>I', 50) + b'x' * 20)\nfor _ in range(8): threading.Thread(target=shout, daemon=True).start()\ntime.sleep(30)", timeout=1),
    _oddity("closed-halfway", "a line that is shut in one direction", "import socket\ns = socket.socket(fileno=line); s.shutdown(socket.SHUT_WR); s.detach()\nworker('x')", timeout=2),
    _oddity("closed-for-reading", "a line whose answers cannot be delivered", "import socket\ns = socket.socket(fileno=line); s.shutdown(socket.SHUT_RD); s.detach()\nworker('x')", timeout=2),
    _oddity("by-a-watchdog", "the interpreter's own watchdog writes its reports into the line, when the cell has long ended", "import faulthandler\nfaulthandler.dump_traceback_later(0.1, repeat=True, file=line)"),
    _oddity("while-nobody-asks", "bytes of a thread between two cells", "def late():\n    while True:\n        time.sleep(0.02); os.write(line, b'x' * 10)\nthreading.Thread(target=late, daemon=True).start()"),
    _oddity("answer-of-a-thread", "an answer after the end of its cell", "def late():\n    time.sleep(0.3)\n    send({'op': 'final', 'value': 1, 'text': '1'})\nthreading.Thread(target=late, daemon=True).start()"),
]  # fmt: skip
