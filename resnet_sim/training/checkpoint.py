"""Saving a run so that it can go on with the same bits, whenever it was interrupted."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from ..errors import UsageError, writing
from ..model.names import real, whole
from .network import Network

FORMAT = 1
#: Rows of a table that are made numbers at once: one of gigabytes is not held twice.
ROWS = 4096
#: Names of parameters that are saved: all, or so many of them.
NAMES = 10_000


@dataclass(frozen=True)
class Parts:
    """An array of shape (length,) of which some is computed at a time."""

    length: int
    parts: Iterator[npt.NDArray[np.float32]]


def spelt_out(part: object) -> str:
    """Return what a rule or cost is, with its numbers and words where a run can't change them."""
    name = type(part).__name__
    if not is_dataclass(part):
        return name
    plain = {f.name: getattr(part, f.name) for f in fields(part)}
    told = [f"{k}={v!r}" for k, v in plain.items() if isinstance(v, float | int | str | None)]
    return f"{name}({', '.join(told)})"


def digest(x: Any, y: Any) -> str:
    """Return what tells these inputs and targets from any others, whatever they are kept in.

    Ask before a run: whoever saves it later may have changed the arrays meanwhile.
    """
    found = hashlib.sha256()
    for first in range(0, len(x), ROWS):
        found.update(real(x[first : first + ROWS], "inputs").tobytes())
    whole_numbers = y.dtype.kind in "biu"  # classes are not voltages of the same numbers
    plain = whole_numbers or y.dtype.kind == "f"
    kind = np.int64 if whole_numbers else np.float64
    found.update(y.astype(kind).tobytes() if plain else repr(y.tolist()).encode())
    return found.hexdigest()


def save(path: Path, arrays: dict[str, Any], facts: dict[str, Any]) -> None:
    """Write arrays and facts (JSON) so that the file is always whole: the old or the new one."""
    text = json.dumps({"format": FORMAT, **facts})
    temporary = path.with_name(f"{path.name}.tmp")
    members = {"facts": np.frombuffer(text.encode(), np.uint8), **arrays}
    try:
        with writing(path):
            with temporary.open("wb") as file:
                with ZipFile(file, "w") as archive:
                    for name, value in members.items():
                        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                            _write(member, value)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def writable(path: str | Path | None, what: str) -> Path | None:
    """Return where something will be written; `UsageError` where nothing can be."""
    if path is None:
        return None
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"{what} is the path of a file, not {path!r}")
    where = Path(path)
    if where.is_dir():
        raise UsageError(f"{what} {where} is a folder: name a file in it")
    if not where.parent.is_dir():
        raise UsageError(f"{what} {where}: there is no folder {where.parent}: make it first")
    return where


def _write(member: IO[bytes], value: Any) -> None:
    if not isinstance(value, Parts):
        npy.write_array(member, np.asanyarray(value), allow_pickle=False)
        return
    descr = npy.dtype_to_descr(np.dtype(np.float32))
    header = {"descr": descr, "fortran_order": False, "shape": (value.length,)}
    npy.write_array_header_1_0(member, header)
    for part in value.parts:
        member.write(part.tobytes())


def conductances(net: Network) -> Any:
    """Return the conductances of a network as they can be saved, S: the less memory, the better."""
    parts = net.parts
    if parts is not None:
        return Parts(len(net.trainable), parts)
    return net.conductances if net.own is None else net.own


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
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror or error}") from None
    except (ValueError, KeyError, AttributeError, EOFError, BadZipFile):
        raise UsageError(f"{path} is not a checkpoint, or not a whole one") from None
    if facts.get("format") != FORMAT:
        raise UsageError(f"{path} is a checkpoint of format {facts.get('format')}, not {FORMAT}")
    return arrays, facts


def some(names: Sequence[str]) -> list[str]:
    """Return names by which the parameters of a checkpoint are recognised."""
    return [names[k] for k in range(0, len(names), -(-len(names) // NAMES) or 1)]


def fits(known: list[str], names: Sequence[str]) -> bool:
    """Tell whether a checkpoint with `some` names, or with all, is of these parameters."""
    return known == (list(names) if len(known) == len(names) else some(names))


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
        with writing(path), path.open("ab+") as file:
            file.seek(0)
            for _ in range(epochs):
                file.readline()
            file.truncate(file.tell())

    def write(self, record: dict[str, Any]) -> None:
        """Add a line."""
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


class Files:
    """What a run leaves on disk while it lasts: a checkpoint and metrics.

    Parameters
    ----------
    keep : callable, optional
        Replaces the checkpoint, if one is wanted.
    every : int
        Epochs from one checkpoint to the next.
    start : int
        Epochs before the run.
    metrics : path, optional
    known : int
        Epochs that the checkpoint has, which the run goes on from.
    """

    def __init__(
        self,
        keep: Callable[[], None] | None,
        every: int,
        start: int,
        metrics: Path | None,
        known: int,
    ) -> None:
        self.keep, self.every, self.start = keep, whole(every, "checkpoint_every", 1), start
        self.log = None if metrics is None else Metrics(metrics, known)

    def note(self, record: dict[str, Any], seconds: float) -> None:
        """Write down an epoch; metrics first: resuming cuts off what the checkpoint lacks."""
        if self.log is not None:
            self.log.write(record | {"seconds": round(seconds, 6)})
        if (record["epoch"] + 1 - self.start) % self.every == 0:
            self.save()

    def save(self) -> None:
        """Replace the checkpoint."""
        if self.keep is not None:
            self.keep()
