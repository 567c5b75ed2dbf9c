"""Writing files so that nothing is ever lost or seen half-written."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


def replace_file(target: Path, content: str | bytes, errors: str = "replace") -> None:
    """Write a file so that at every moment the old or the new content is there, whole.

    `errors` says what becomes of characters that UTF-8 can't encode, as for `str.encode`.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", errors)
    if target.exists() and not target.is_file():  # a device or pipe: nothing to replace
        with target.open("wb") as stream:
            stream.write(data)
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
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
