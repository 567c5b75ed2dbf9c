"""The process that computes: jobs as lines of JSON on its standard input, answers on its output.

It loads and compiles what it needs first, and only then lets itself be bound, and its time be
taken: what comes later is a deck.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from .limits import bind

#: decks of what is slow the first time, as it is loaded, and on a new machine compiled: a
#: picture to lay out, and a circuit of a medium size with a sweep
_DECKS = {
    "picture": "* small\nv1 a 0 1\nr1 a b 1k\nd1 b 0 ideal\n.model ideal d(ron=0 vfwd=0)\n",
    "answer": "* medium\nv1 n0 0 1\n.model ideal d(ron=0 roff=inf vfwd=0)\n.dc v1 0 1 0.01\n"
    + "\n".join(
        f"r{k} n{k} n{k + 1} 1k\nrg{k} n{k} 0 1k\nd{k} n{k} n{k + 2} ideal" for k in range(30)
    ),
}
_DECKS["curves"] = _DECKS["answer"]

Do = Callable[[str, Mapping[str, Any]], Iterator[dict[str, Any]]]


def main() -> None:
    """Do jobs until the input ends; `sys.argv[1]` says what for, and within which limits."""
    given = json.loads(sys.argv[1])
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing but replies gets there
    folders = [Path(folder) for folder in given["folders"]]
    do = _doer(folders, given["how"])
    for name in given["practice"]:
        list(do(name, {"deck": _DECKS[name]}))
    bind(int(given["bytes"]), folders)
    _reply(replies, {"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        for reply in _replies(do, request["job"], request["data"]):
            _reply(replies, reply)


def _doer(folders: list[Path], how: Mapping[str, Any]) -> Do:
    # large libraries don't fit into what is left to a deck
    import numba  # noqa: F401
    import scipy.linalg
    import scipy.sparse.linalg  # noqa: F401
    import threadpoolctl  # type: ignore[import-untyped]

    from . import learning
    from .jobs import Jobs
    from .state import Reader

    # some versions look for the C library with a temporary file, and remember where it is
    threadpoolctl.threadpool_info()
    reader = Reader(folders, how)
    jobs = Jobs(reader)

    def do(name: str, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        if name == "training":
            yield from learning.frames(data, reader)
        else:
            yield {"result": jobs.do(name, data)}

    return do


def _replies(do: Do, name: str, data: Any) -> Iterator[dict[str, Any]]:
    """Yield what a job gives, and at last that it is over."""
    try:
        yield from do(name, data)
    except MemoryError:
        yield {"exceeded": "memory"}
    except Exception as error:
        # what is said where a library finds no room
        full = any(text in str(error) for text in ("failed to map segment", "Cannot allocate"))
        yield {"exceeded": "memory"} if full else {"broken": f"{type(error).__name__}: {error}"}
    yield {"over": True}


def _reply(replies: TextIO, reply: dict[str, Any]) -> None:
    replies.write(json.dumps(reply, allow_nan=False) + "\n")
    replies.flush()


if __name__ == "__main__":
    main()
