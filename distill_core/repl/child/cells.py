"""Running one cell after the other in one namespace, and putting right in between what a cell may have bent."""

from __future__ import annotations

import builtins
import os
import sys
import threading
from _ast import Expr, Expression, Module, PyCF_ALLOW_TOP_LEVEL_AWAIT, PyCF_ONLY_AST
from collections.abc import Coroutine
from types import CodeType, ModuleType
from typing import Any

from . import trace
from .bounds import Files, Memory
from .channel import Channel
from .copying import revive_loop
from .dialects import Rlm
from .interrupts import Interrupts
from .output import Outlet
from .scaffold import Answer, Finished
from .variables import largest

_CO_COROUTINE = 0x80
_RECURSION = sys.getrecursionlimit()
_compile, _eval, _repr, _exit = compile, eval, repr, os._exit
_BUILTINS, _AS_THEY_WERE = vars(builtins), dict(vars(builtins))
_CHECK = compile("print(end='')", "<check>", "eval")
_UNSOUND = 70
"""Status of a process in which no cell runs any more, whatever the last one did to it (EX_SOFTWARE, sysexits.h)."""
_thread_hook = threading.excepthook


class Cells:
    """The running interpreter.

    Args:
        module: the module whose namespace the cells share, `__main__`.
        scaffold: names put back before and after each cell.
        dialects: what else must be looked after around a cell.
        echo: whether the value of a last expression is written out.
    """

    def __init__(
        self,
        module: ModuleType,
        scaffold: dict[str, Any],
        dialects: list[Rlm],
        *,
        channel: Channel,
        outlet: Outlet,
        interrupts: Interrupts,
        memory: Memory,
        files: Files,
        answer: Answer,
        echo: bool,
    ) -> None:
        self.namespace = module.__dict__
        self._module = module
        self._scaffold = scaffold
        self._dialects = dialects
        self._channel = channel
        self._outlet = outlet
        self._interrupts = interrupts
        self._memory = memory
        self._files = files
        self._answer = answer
        self._echo = echo
        self._loop: Any = None
        self._context: Any = self.namespace.get("context")
        self._restore()

    def ask(self, query: str) -> None:
        """Make `query` the question that cells find from now on."""
        self._scaffold["query"] = self.namespace["query"] = query

    def run(self, number: int, code: str) -> dict[str, Any]:
        """Run a cell; returns the frame that reports it."""
        filename = f"<cell {number}>"
        self._begin(filename, code)
        error: str | None = None
        try:
            self._interrupts.arm()
            try:
                self._execute(code, filename)
            except Finished:
                _BUILTINS.update(_AS_THEY_WERE)
            except BaseException as raised:  # noqa: BLE001 - whatever a cell raises is its result
                _BUILTINS.update(_AS_THEY_WERE)
                self._memory.for_scaffold()
                error = self._render(raised, filename)
            error = error or self._finish()
        except KeyboardInterrupt:
            error = "KeyboardInterrupt\n"
        finally:
            self._interrupts.disarm()
        self._restore()
        report = {
            "op": "done",
            "cell": number,
            "error": error,
            "interrupted": self._interrupts.struck,
            "dropped": self._outlet.dropped,
        }
        self._try_out()
        return report

    def _try_out(self) -> None:
        """Go through what the next cell needs; a process in which that fails ends, for it could not serve again."""
        try:
            self._interrupts.install()
            self._outlet.begin()
            self._memory.for_cell()
            _compile("0", "<check>", "eval")
            _eval(_CHECK, {"__builtins__": _BUILTINS})
            self._memory.for_scaffold()
        except BaseException:  # noqa: BLE001 - there is nobody left to whom it could be said
            _exit(_UNSOUND)

    def rehearse(self) -> None:
        """Go through the motions of a cell, after a copy was made: each page of memory that is written to for the first
        time is then copied, which takes longer than the cell, and nobody waits for it now."""
        self._restore()
        self._try_out()

    def renew(self) -> None:
        """In a copy of the process: part what the original goes on to use."""
        if self._loop is not None and not self._loop.is_closed():
            revive_loop(self._loop)

    def _begin(self, filename: str, code: str) -> None:
        trace.remember(filename, code)
        self._answer.given = False
        self._interrupts.install()
        self._outlet.begin()
        self._context = self.namespace.get("context")
        for dialect in self._dialects:
            dialect.begin()
        self._files.for_cell()
        self._memory.for_cell()

    def _finish(self) -> str | None:
        """What a dialect has to say at the end of a cell; an error there is the cell's."""
        try:
            for dialect in self._dialects:
                dialect.end()
        except Exception as raised:  # noqa: BLE001 - runs code of the cell's values
            return self._render(raised, "")
        return None

    def _restore(self) -> None:
        _BUILTINS.update(_AS_THEY_WERE)
        self._memory.for_scaffold()
        self._files.for_scaffold()
        self._outlet.flush()
        self._channel.between_cells()
        self.namespace.update(self._scaffold)
        self.namespace.setdefault("context", self._context)
        self._context = None
        sys.modules["__main__"] = self._module
        sys.settrace(None)
        sys.setprofile(None)
        threading.excepthook = _thread_failed
        sys.setrecursionlimit(_RECURSION)

    def _render(self, raised: BaseException, filename: str) -> str:
        try:
            return trace.render(raised, filename) + (self._full() if isinstance(raised, MemoryError) else "")
        except Exception as failed:  # noqa: BLE001 - an exception's own __str__ may raise anything
            return f"{type(raised).__name__}: its text cannot be shown ({type(failed).__name__})\n"

    def _full(self) -> str:
        """What holds the memory, where variables do: every later cell that needs some would fail too."""
        found = largest(self.namespace, {*self._scaffold, "context"})
        if not found:
            return ""
        listed = ", ".join(f"{name} ({kind}, {size >> 20:,} MB)" for name, kind, size in found)
        return f"Memory is held by {listed}; del {found[0][0]} gives it back.\n"

    def _execute(self, code: str, filename: str) -> None:
        tree = _compile(code, filename, "exec", PyCF_ONLY_AST | PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        last = tree.body[-1] if tree.body else None
        if not self._echo or not isinstance(last, Expr) or _silenced(code, last):
            self._run(self._compiled(tree, filename, "exec"))
            return
        if len(tree.body) > 1:
            self._run(self._compiled(Module(tree.body[:-1], tree.type_ignores), filename, "exec"))
        value = self._run(self._compiled(Expression(last.value), filename, "eval"))
        if value is not None:
            self._outlet.echo(_repr(value) + "\n")

    def _compiled(self, tree: Any, filename: str, mode: str) -> CodeType:
        compiled: CodeType = _compile(tree, filename, mode, PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        return compiled

    def _run(self, code: CodeType) -> Any:
        value = _eval(code, self.namespace)
        return self._awaited(value) if code.co_flags & _CO_COROUTINE else value

    def _awaited(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Await at the top level, on a loop that lives on between cells."""
        import asyncio

        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
        try:
            return self._loop.run_until_complete(coroutine)
        except KeyboardInterrupt:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            raise


def _silenced(code: str, last: Expr) -> bool:
    """Whether a semicolon follows the last expression."""
    lines = code.encode("utf-8", "surrogatepass").splitlines()
    if last.end_lineno is None or last.end_lineno > len(lines):
        return False
    return lines[last.end_lineno - 1][last.end_col_offset :].lstrip().startswith(b";")


def _thread_failed(args: Any) -> None:
    """Errors of a cell's threads go to its stderr; FINAL ends a thread without a word."""
    if args.exc_type is not Finished:
        _thread_hook(args)
