"""What a process that reads other people's decks may not do.

The reader refuses files by itself; here is a second wall, which holds whatever stands before it.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

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
