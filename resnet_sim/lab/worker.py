"""The process that computes: jobs as lines of JSON on its standard input, answers on its output.

It loads what it needs first, and only then lets itself be bound: what comes later is a deck.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from .limits import bind

#: a deck that uses much of what can be used: what it loads is there before the first answer
_FIRST = """first
.param r=1k
v1 a 0 1
r1 a b {r}
d1 b c ideal
r2 c 0 2k
.model ideal d(ron=0 roff=inf vfwd=0)
.dc v1 0 1 0.01
"""


def main() -> None:
    """Do jobs until the input ends; `sys.argv[1]` says what for, and within which limits."""
    given = json.loads(sys.argv[1])
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing but replies gets there
    folders = [Path(folder) for folder in given["folders"]]
    do = _prepared(folders, given["warm"])
    bind(int(given["bytes"]), folders)
    _reply(replies, {"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        for reply in _replies(do, request["job"], request["data"]):
            _reply(replies, reply)


def _prepared(
    folders: list[Path], warm: list[str]
) -> Callable[[str, Mapping[str, Any]], Iterator[dict[str, Any]]]:
    """Return what does jobs, after it has done some, as the first is slow."""
    import numba  # noqa: F401  the libraries of a compiler don't fit into what is left to a deck

    from . import learning
    from .jobs import Jobs
    from .state import Reader

    jobs = Jobs(Reader(folders))

    def do(name: str, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        if name == "training":
            yield from learning.frames(data)
        else:
            yield {"result": jobs.do(name, data)}

    for name in warm:
        for _ in do(name, {"deck": _FIRST}):
            pass
    return do


def _replies(
    do: Callable[[str, Mapping[str, Any]], Iterator[dict[str, Any]]], name: str, data: Any
) -> Iterator[dict[str, Any]]:
    """Yield what a job gives, and at last that it is over."""
    try:
        yield from do(name, data)
    except MemoryError:
        yield {"exceeded": "memory"}
    except Exception as error:
        yield {"broken": f"{type(error).__name__}: {error}"}
    yield {"over": True}


def _reply(replies: TextIO, reply: dict[str, Any]) -> None:
    replies.write(json.dumps(reply, allow_nan=False) + "\n")
    replies.flush()


if __name__ == "__main__":
    main()
