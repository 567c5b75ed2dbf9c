"""Saving a run so that it can go on with the same bits, whenever it was interrupted."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..errors import UsageError

FORMAT = 1


def save(path: Path, arrays: dict[str, Any], facts: dict[str, Any]) -> None:
    """Write arrays and facts (JSON) so that the file is always whole: the old or the new one."""
    text = json.dumps({"format": FORMAT, **facts})
    buffer = io.BytesIO()
    np.savez(buffer, facts=np.frombuffer(text.encode(), dtype=np.uint8), **arrays)
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(buffer.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays and facts of a checkpoint.

    Raises
    ------
    UsageError
        If the file is no checkpoint of this version.
    """
    try:
        with path.open("rb") as file, np.load(file) as archive:
            arrays = {name: archive[name] for name in archive.files}
        facts = json.loads(arrays.pop("facts").tobytes())
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise UsageError(f"{path} is not a checkpoint: {error}") from error
    if facts.get("format") != FORMAT:
        raise UsageError(f"{path} is a checkpoint of format {facts.get('format')}, not {FORMAT}")
    return arrays, facts


class Metrics:
    """A file of JSON lines, one per epoch, that can be read while it grows.

    Parameters
    ----------
    path : Path
    epochs : int
        How many lines to keep of an earlier run: those of epochs that the checkpoint has.
    """

    def __init__(self, path: Path, epochs: int) -> None:
        self.path = path
        with path.open("ab+") as file:
            file.seek(0)
            for _ in range(epochs):
                file.readline()
            file.truncate(file.tell())

    def write(self, record: dict[str, Any]) -> None:
        """Add a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
