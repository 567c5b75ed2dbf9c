"""The process that computes: jobs as lines of JSON on its standard input, answers on its output.

It loads and compiles what it needs first, and only then lets itself be bound, and its time be
taken: what comes later is a deck.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

#: events of Python's audit (PEP 578) that nothing here has a reason for
FORBIDDEN = frozenset(
    ("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.Popen",
     "socket.connect", "socket.bind", "os.chdir", "os.link", "os.symlink", "shutil.rmtree")
)  # fmt: skip
#: events that change files; compiled code is kept, and nothing else
CHANGES = frozenset(("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate"))
_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def bind(more_bytes: int, folders: Sequence[Path]) -> None:
    """Let this process take `more_bytes` of memory, and open nothing but Python and `folders`.

    There is no way back.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = _used() + more_bytes
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    with suppress(ValueError):  # a system that counts otherwise; the limit of time holds there
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    sys.addaudithook(Wall(folders))


def _used() -> int:
    """Return the bytes of address space that are taken; a guess where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 1 << 32
    return pages * resource.getpagesize()


class Wall:
    """Refuses what a deck has no business with; see `sys.addaudithook`."""

    def __init__(self, folders: Sequence[Path]) -> None:
        # parts of Python and of the package are loaded when they are first needed
        package = Path(__file__).parents[1]
        own: list[str | Path] = [
            *filter(None, sys.path),
            sys.prefix,
            sys.base_prefix,
            package,
            *folders,
        ]
        #: where numba keeps what it has compiled, if not beside the source
        self.kept = _ends([os.environ.get("NUMBA_CACHE_DIR"), Path.home() / ".cache" / "numba"])
        # threadpoolctl looks up there which libraries are loaded
        self.readable = (*_ends(own), *self.kept, os.devnull, f"/proc/{os.getpid()}/maps")

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Raise what ends the attempt."""
        if event in FORBIDDEN:
            raise PermissionError(f"a deck of the lab may not cause {event}")
        if event == "open" and isinstance(args[0], str | bytes | os.PathLike):
            if not self._may(args[0], bool((args[2] or 0) & _WRITE)):
                raise PermissionError("a deck of the lab may not open other files")
        elif event in CHANGES and not self._may(args[0], True):
            raise PermissionError("a deck of the lab may not change files")

    def _may(self, name: Any, write: bool) -> bool:
        path = os.path.realpath(os.fsdecode(name))
        if write and "__pycache__" not in Path(path).parts:
            return path.startswith((*self.kept, os.devnull))
        return path.startswith(self.readable)


def _ends(folders: Sequence[str | Path | None]) -> tuple[str, ...]:
    return tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in folders if folder)


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
