"""The journal: a file to which finished tasks are appended, and that survives any crash.

Layout: a first line of JSON that says what the journal is of, then one record per task:
24 bytes (task, length, CRC-32; little endian) and an npz archive.  A record that a crash cut
short is dropped when the file is opened again.
"""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import UsageError, writing

_HEAD = struct.Struct("<QQQ")
FORMAT = 1

#: arrays by name, and facts that JSON can express
Entry = tuple[dict[str, Any], dict[str, Any]]


class Journal:
    """Finished tasks of one job.

    Parameters
    ----------
    path : Path
        Is created if it does not exist.
    job : str
        Fingerprint of the job.

    Attributes
    ----------
    done : dict of int to Entry
        Results of the tasks found in the file.

    Raises
    ------
    UsageError
        If the file is not a journal, or that of another job.
    """

    def __init__(self, path: str | Path, job: str) -> None:
        self.path = Path(path)
        self.done: dict[int, Entry] = {}
        head = json.dumps({"resnet_sim journal": FORMAT, "job": job}) + "\n"
        with writing(f"journal {path}"):
            data = self.path.read_bytes() if self.path.exists() else b""
            keep = self._read(data, head.encode())
            # no append mode: what a crash left of a last record must be overwritten
            self._file = self.path.open("r+b" if self.path.exists() else "w+b")
            self._file.truncate(keep)
            self._file.seek(keep)
            if not keep:
                self._file.write(head.encode())
                self._flush()

    def _read(self, data: bytes, head: bytes) -> int:
        """Take over what is whole; return where that ends."""
        if head.startswith(data):  # empty, or not even the first line was written
            return 0
        line, newline, _ = data.partition(b"\n")
        if not newline or not line.startswith(b'{"resnet_sim journal"'):
            raise UsageError(f"{self.path} is not a journal; it is left as it is")
        if line + newline != head:
            raise UsageError(
                f"{self.path} is the journal of another job (circuit, variants or tolerance "
                "differ): name another file, or remove it"
            )
        place = len(head)
        while place + _HEAD.size <= len(data):
            task, length, check = _HEAD.unpack_from(data, place)
            body = data[place + _HEAD.size : place + _HEAD.size + length]
            if len(body) < length or zlib.crc32(body) != check:
                break
            self.done[task] = _unpack(body)
            place += _HEAD.size + length
        return place

    def append(self, task: int, entry: Entry) -> None:
        """Write down a finished task; it is safe on disk when this returns."""
        body = _pack(entry)
        with writing(f"journal {self.path}"):
            self._file.write(_HEAD.pack(task, len(body), zlib.crc32(body)) + body)
            self._flush()

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with writing(f"journal {self.path}"):  # what could not be written is tried once more
            self._file.close()


def _pack(entry: Entry) -> bytes:
    arrays, facts = entry
    text = json.dumps(facts).encode()
    buffer = io.BytesIO()
    np.savez(buffer, facts=np.frombuffer(text, dtype=np.uint8), **arrays)
    return buffer.getvalue()


def _unpack(body: bytes) -> Entry:
    with np.load(io.BytesIO(body)) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return arrays, json.loads(arrays.pop("facts").tobytes())
