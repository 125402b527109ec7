"""Tracebacks as the author of a cell wants them: their own lines, with source, and nothing of the scaffold."""

from __future__ import annotations

import linecache
import traceback

_HERE = __file__.rpartition("/")[0]
_LONGEST = 40_000
_REMEMBERED = 2000
_format_only = traceback.format_exception_only
_Traceback = traceback.TracebackException
_names: list[str] = []


def remember(filename: str, code: str) -> None:
    """Keep a cell's source, so that tracebacks of later cells can show its lines too."""
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    _names.append(filename)
    if len(_names) > _REMEMBERED:
        linecache.cache.pop(_names.pop(0), None)


def render(error: BaseException, filename: str) -> str:
    """The traceback of `error`, raised by the cell `filename`, at most 40,000 characters."""
    if isinstance(error, SyntaxError) and error.filename == filename and error.__traceback__ is not None:
        depth = error.__traceback__.tb_next
        if depth is None or depth.tb_frame.f_code.co_filename.startswith(_HERE):
            return "".join(_format_only(error))
    summary = _Traceback(type(error), error, error.__traceback__)
    _prune(summary)
    return _cut("".join(summary.format()))


def _prune(summary: traceback.TracebackException, depth: int = 0) -> None:
    summary.stack[:] = [frame for frame in summary.stack if not frame.filename.startswith(_HERE)]
    linked = [summary.__cause__, summary.__context__, *(getattr(summary, "exceptions", None) or ())]
    for other in linked:
        if other is not None and depth < 100:
            _prune(other, depth + 1)


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:]}"
