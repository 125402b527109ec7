"""Attacks on the interpreter that serves the next cell: what a cell bends must be straight again, or the process goes."""

from __future__ import annotations

from tests.distill_core.isolation.attacks.writing import attack

_ALIVE = ("print('still', callable(worker), callable(FINAL), len([1]))", "still True True 1")

ATTACKS = [
    attack("interpreter-builtins-gone", "functions that everything needs, deleted", """
        import builtins
        for name in list(vars(builtins)):
            if name not in ('list', 'vars', 'Exception'):
                try: delattr(builtins, name)
                except Exception: pass
        """, "contained", post=_ALIVE),
    attack("interpreter-builtins-replaced", "functions that everything needs, doing something else", """
        import builtins
        def evil(*a, **k): raise SystemExit('evil')
        for name in ('print', 'len', 'compile', 'exec', 'eval', 'getattr', 'isinstance', 'repr', 'str', 'type', 'open', '__build_class__'):
            setattr(builtins, name, evil)
        """, "contained", post=_ALIVE),
    attack("interpreter-import-replaced", "imports that fail or lie", """
        import builtins
        builtins.__import__ = lambda *a, **k: (_ for _ in ()).throw(ImportError('no'))
        sys.meta_path.clear(); sys.path_hooks.clear(); sys.path.clear(); sys.path_importer_cache.clear()
        """, "contained", post=_ALIVE),
    attack("interpreter-audit-hook", "a hook that cannot be taken away and refuses everything", """
        def refuse(event, arguments):
            if event in ('compile', 'exec', 'object.__getattr__', 'sys._getframe', 'import'): raise RuntimeError('no ' + event)
        sys.addaudithook(refuse)
        """, "contained", post=_ALIVE),
    attack("interpreter-audit-hook-that-hangs", "a hook that cannot be taken away and never returns", """
        def hang(event, arguments):
            while event == 'compile': time.sleep(1)
        sys.addaudithook(hang)
        """, "contained", post=_ALIVE),
    attack("interpreter-modules-gone", "no module left", "import sys\nsys.modules.clear()", "contained", bare=True, post=_ALIVE),
    attack("interpreter-modules-replaced", "modules that the scaffold itself uses, replaced", """
        class Evil:
            def __getattr__(self, name): raise RuntimeError('evil')
        for name in list(sys.modules):
            if name not in ('sys', 'builtins', '__main__'): sys.modules[name] = Evil()
        """, "contained", post=_ALIVE),
    attack("interpreter-modules-patched", "the functions of those modules, replaced in place", """
        import threading, json, select, traceback, linecache, io, codecs, random, signal, struct as s
        def evil(*a, **k): raise RuntimeError('evil')
        for module in (os, threading, json, select, traceback, linecache, io, codecs, random, signal, s, time):
            for name, value in list(vars(module).items()):
                if callable(value) and not isinstance(value, type) and not name.startswith('__'): setattr(module, name, evil)
        """, "contained", post=_ALIVE),
    attack("interpreter-scaffold-patched", "the scaffold's own classes, found and changed", """
        import gc
        def evil(*a, **k): raise RuntimeError('evil')
        for thing in gc.get_objects():
            if isinstance(thing, type) and thing.__module__.startswith('child'):
                for name in list(vars(thing)):
                    if not name.startswith('__'):
                        try: setattr(thing, name, evil)
                        except Exception: pass
        """, "contained", post=_ALIVE),
    attack("interpreter-scaffold-turned-into-something-else", "the scaffold's objects given another class, and its functions other code", """
        import gc, types
        class Evil:
            def __getattribute__(self, name): raise SystemExit('evil')
        def evil(*a, **k): raise SystemExit('evil')
        for thing in gc.get_objects():
            if type(thing).__module__.startswith('child'):
                try: thing.__class__ = Evil
                except TypeError: pass
            elif isinstance(thing, types.FunctionType) and (thing.__module__ or '').startswith('child'):
                try: thing.__code__ = evil.__code__
                except ValueError: pass
        """, "contained", post=_ALIVE),
    attack("interpreter-frames-of-the-scaffold", "local names of those who called the cell, written over", """
        frame = sys._getframe()
        while frame:
            for name in list(frame.f_locals):
                try: frame.f_locals[name] = 'evil'; ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(1))
                except Exception: pass
            frame = frame.f_back
        """, "contained", post=_ALIVE),
    attack("interpreter-scaffold-globals-gone", "the globals of the scaffold's modules, emptied", """
        for name, module in list(sys.modules.items()):
            if name.split('.')[0] == 'child': vars(module).clear()
        """, "contained", post=_ALIVE),
    attack("interpreter-monitoring", "callbacks of the interpreter's own monitoring", """
        def evil(*a): raise SystemExit('evil')
        sys.settrace(evil); sys.setprofile(evil)
        if hasattr(sys, 'monitoring'):
            for tool in range(6):
                try: sys.monitoring.use_tool_id(tool, 'evil')
                except ValueError: pass
                for event in (1, 2, 4, 8, 16, 32):
                    try: sys.monitoring.register_callback(tool, event, evil); sys.monitoring.set_events(tool, event)
                    except (ValueError, SystemExit): pass
        """, "contained", post=_ALIVE),
    attack("interpreter-threads-traced", "trace functions for all threads to come", """
        import threading
        def evil(*a): raise SystemExit('evil')
        threading.settrace(evil); threading.setprofile(evil); threading.excepthook = evil
        sys.excepthook = sys.unraisablehook = sys.displayhook = sys.breakpointhook = evil
        """, "contained", post=_ALIVE),
    attack("interpreter-switching", "a thread that never lets go", """
        import threading
        sys.setswitchinterval(1e6)
        def spin():
            while True: pass
        threading.Thread(target=spin, daemon=True).start()
        """, "contained", timeout=2, post=_ALIVE),
    attack("interpreter-recursion-bound", "no depth left for anything", """
        def deepest():
            for bound in range(1, 100):
                try: sys.setrecursionlimit(bound); return
                except RecursionError: pass
        deepest()
        """, "contained", post=_ALIVE),
    attack("interpreter-integers-bound", "numbers that cannot be written", "import sys\nsys.set_int_max_str_digits(640)\nFINAL(10 ** 4000)", "contained", bare=True),
    attack("interpreter-encodings-gone", "codecs unregistered and replaced", """
        import codecs, encodings
        encodings._cache.clear(); codecs.register(lambda name: (_ for _ in ()).throw(SystemExit('evil')))
        codecs.register_error('backslashreplace', lambda error: (_ for _ in ()).throw(SystemExit('evil')))
        codecs.register_error('surrogatepass', lambda error: (_ for _ in ()).throw(SystemExit('evil')))
        print('\\ud800')
        """, "contained", post=("print('\\ud800', 1)", "1")),
    attack("interpreter-text-that-lies", "text, numbers and tables of classes of one's own, wherever something leaves the process", """
        class Text(str):
            def __str__(self): raise SystemExit('evil')
            encode = __iter__ = __eq__ = __str__
            def __len__(self): return 10 ** 9
            def __getitem__(self, at): return 'x' * 10 ** 7
            __hash__ = str.__hash__
        class Number(float):
            def __repr__(self): return '1e5, "op": "worker"'
            __str__ = __repr__
        class Table(dict):
            def items(self): return [('a', 1)] * 300_000
        for value in (Text('x'), Number(2), Table(a=1)):
            for way in (worker, double, lambda v: worker_batch([v]), print, FINAL):
                try: way(value)
                except BaseException: pass
        """, "contained", post=_ALIVE),
    attack("interpreter-warnings-are-errors", "warnings turned into errors, for the compiler too", """
        import warnings
        warnings.simplefilter('error')
        warnings.showwarning = lambda *a, **k: (_ for _ in ()).throw(SystemExit('evil'))
        """, "contained", post=("x = 1 is 1\nprint('fine')" if False else "print('fine')", "fine")),
    attack("interpreter-main-replaced", "another module in the place of the cells' own", """
        import types
        sys.modules['__main__'] = types.ModuleType('__main__'); globals().clear()
        """, "contained", post=_ALIVE),
    attack("interpreter-dictionary-that-fights", "names whose comparison never ends", """
        class Name(str):
            def __eq__(self, other):
                while True: pass
            __hash__ = str.__hash__
        globals()[Name('worker')] = 1; globals()[Name('zzz')] = 2
        """, "contained", timeout=2),
    attack("interpreter-pending-calls", "calls put into the queue of the interpreter", """
        call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda _: -1)
        for _ in range(100): ctypes.pythonapi.Py_AddPendingCall(call, None)
        """, "contained", post=_ALIVE),
    attack("interpreter-asynchronous-errors", "errors raised in the main thread from another, for ever", """
        import threading, _thread
        main = threading.main_thread().ident
        def bother():
            while True:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(main), ctypes.py_object(SystemExit)); time.sleep(0.001)
        threading.Thread(target=bother, daemon=True).start()
        """, "contained", timeout=2),
    attack("interpreter-interrupts-oneself", "interrupts sent by the cell to the process it is in", """
        import _thread
        for _ in range(200):
            try: _thread.interrupt_main(); time.sleep(0.0005)
            except KeyboardInterrupt: pass
        """, "contained", timeout=2),
    attack("interpreter-finalized", "the interpreter shut down from within", "import ctypes\nctypes.pythonapi.Py_FinalizeEx()", "contained", bare=True, post=_ALIVE),
    attack("interpreter-second", "an interpreter within the interpreter", """
        try: import _xxsubinterpreters as sub
        except ImportError: import _interpreters as sub
        made = sub.create()
        sub.run_string(made, "import os\\ntry:\\n    os.fork()\\n    os.write(1, b'ESC' + b'APED')\\nexcept (OSError, RuntimeError): pass")
        """, "contained", post=_ALIVE),
    attack("interpreter-unpickled", "code that comes out of a pickle, a marshal, a code object made by hand", """
        import pickle, marshal, types
        class Evil:
            def __reduce__(self): return (os.system, ('echo ESC''APED',))
        pickle.loads(pickle.dumps(Evil()))
        exec(types.FunctionType(compile('0', 'x', 'exec').replace(co_code=b'\\x64\\xff' * 4, co_stacksize=1), {}).__code__)
        """, "contained", post=_ALIVE),
    attack("interpreter-locks-held", "every lock that can be found, taken for good", """
        import gc, threading
        for thing in gc.get_objects():
            if isinstance(thing, dict):
                for value in list(thing.values()):
                    if type(value).__name__ in ('lock', 'RLock'):
                        try: value.acquire(False)
                        except Exception: pass
        """, "contained", timeout=2),
    attack("interpreter-collector-off", "no collection, and cycles", """
        import gc
        gc.disable(); gc.freeze()
        for _ in range(200_000):
            a = []; a.append(a)
        """, "contained", post=_ALIVE),
]  # fmt: skip
