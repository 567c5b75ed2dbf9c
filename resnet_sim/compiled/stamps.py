"""What compiled code was made of: not only its own file, which is all that numba's cache looks at.

Functions that a kernel calls and constants that it names are compiled into it.  After an update
that changes one of their files alone, the cache would go on running what was compiled of the old
ones: wrong numbers, or worse, without a word.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any


def stamped(dispatcher: Any) -> Any:
    """Let the cache of a function compiled by numba hold only as long as all that it is made of."""
    file = dispatcher._cache._cache_file  # numba has no public name for it
    file._source_stamp = (file._source_stamp, made_of(dispatcher.py_func))
    return dispatcher


def kept(dispatcher: Any) -> bool:
    """Tell whether compiled code of a function is in the cache, and still what it is made of."""
    file = getattr(dispatcher._cache, "_cache_file", None)  # none where nothing can be written
    return file is not None and bool(file._load_index())


def made_of(function: Callable[..., Any]) -> str:
    """Return a digest of all that is compiled into a function and comes from its own package."""
    package = function.__module__.partition(".")[0]
    modules, constants, seen = set[str](), set[str](), {function}
    pending = [function]
    while pending:
        one = pending.pop()
        modules.add(one.__module__)
        for name, value in _named(one, package):
            called = getattr(value, "py_func", value)
            if isinstance(value, (bool, int, float, str)):
                constants.add(f"{name} = {value!r}")
            elif str(getattr(called, "__module__", "")).partition(".")[0] != package:
                continue
            elif isinstance(called, FunctionType):
                pending += {called} - seen
                seen.add(called)
            else:
                modules.add(called.__module__)  # an intrinsic
    texts = sorted(constants) + [_digest(module) for module in sorted(modules)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _named(function: Callable[..., Any], package: str) -> Iterator[tuple[str, Any]]:
    """Yield what a function's names stand for outside of it: of modules and tuples, the parts."""
    names, scope = set(_names(function.__code__)), function.__globals__
    for name in names & scope.keys():
        value = scope[name]
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] == package:
            yield from ((part, vars(value)[part]) for part in names & vars(value).keys())
        elif isinstance(value, tuple):
            yield from ((f"{name}[{k}]", part) for k, part in enumerate(value))
        else:
            yield name, value


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names that code looks up, that of functions within it too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


@cache
def _digest(module: str) -> str:
    """Return a digest of a module's file."""
    file = sys.modules[module].__file__
    return "" if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()
