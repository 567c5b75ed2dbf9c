"""Writing files so that nothing is ever lost or seen half-written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import writing

#: characters that are encoded at once: text of gigabytes is not held twice
BLOCK = 1 << 24


def replace_file(
    target: Path, content: str | bytes | Iterable[str | bytes], errors: str = "replace"
) -> None:
    """Write a file so that at every moment the old or the new content is there, whole.

    Parameters
    ----------
    target : Path
    content : str, bytes or iterable of them
        Parts of an iterable are asked for one after the other.
    errors : str
        What becomes of characters that UTF-8 can't encode, as for `str.encode`.

    Raises
    ------
    UsageError
        If there is no such folder, or nothing can be written to it; it is an `OSError` too.
    """
    blocks = _encoded([content] if isinstance(content, str | bytes) else content, errors)
    with writing(target):
        _replace(target, blocks)


def _replace(target: Path, blocks: Iterator[bytes]) -> None:
    if target.exists() and not target.is_file():  # a device or pipe: nothing to replace
        with target.open("wb") as stream:
            stream.writelines(blocks)
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(blocks)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, name)
        else:
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _encoded(parts: Iterable[str | bytes], errors: str) -> Iterator[bytes]:
    for part in parts:
        if isinstance(part, bytes):
            yield part
            continue
        for start in range(0, len(part), BLOCK):
            yield part[start : start + BLOCK].encode("utf-8", errors)
