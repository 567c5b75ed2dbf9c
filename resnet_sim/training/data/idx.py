"""Images and labels in the idx format of MNIST and its like, plain or gzipped.

An idx file begins with two zero bytes, a code for the kind of number, the number of axes, and
their lengths as big-endian 32-bit integers; the numbers follow, big-endian, row by row.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...arrays import Ints
from ...errors import UsageError

#: Environment variable with the directory of the data.
VARIABLE = "RESNET_SIM_DATA"
#: Where the Debian package dataset-fashion-mnist puts its files.
DEBIAN = "/usr/share/datasets/fashion-mnist"

_KINDS = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@dataclass(frozen=True)
class Images:
    """Images with their classes.

    Attributes
    ----------
    train, test : ndarray of uint8, shape (n, pixels)
        0 to 255.
    train_labels, test_labels : ndarray of int, shape (n,)
    """

    train: npt.NDArray[np.uint8]
    train_labels: Ints
    test: npt.NDArray[np.uint8]
    test_labels: Ints


@dataclass(frozen=True)
class Scaled:
    """An array times a number, in float32, multiplied out where it is needed.

    The compiled loops of training never need more than a minibatch: bytes take a quarter of
    the memory of float32.

    Attributes
    ----------
    array : ndarray, shape (n, columns)
    factor : float
    """

    array: npt.NDArray[Any]
    factor: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, rows: Any) -> npt.NDArray[np.float32]:
        chosen: npt.NDArray[np.float32] = self.array[rows].astype(np.float32)
        chosen *= np.float32(self.factor)
        return chosen

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return self[:].astype(np.float32 if dtype is None else dtype)


def read_idx(path: str | Path) -> npt.NDArray[Any]:
    """Return the array in an idx file, gzipped if its name ends in ``.gz``.

    Raises
    ------
    UsageError
        If it can't be read or is not whole.
    """
    path = Path(path)
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} can't be read: {error}") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _KINDS:
        raise UsageError(f"{path} is not an idx file")
    kind, axes = np.dtype(_KINDS[data[2]]), data[3]
    start = 4 + 4 * axes
    shape = struct.unpack(f">{axes}I", data[4:start]) if len(data) >= start else (0,)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    if not axes or len(data) != start + size:
        raise UsageError(
            f"{path} is not whole: {len(data)} bytes instead of {start + size} for {shape}"
        )
    array = np.frombuffer(data, kind, offset=start).reshape(shape)
    return array.astype(kind.newbyteorder("="), copy=False)


def read_images(directory: str | Path | None = None) -> Images:
    """Return the images in a directory with the four files of MNIST, plain or gzipped.

    Parameters
    ----------
    directory : path, optional
        By default that in the environment variable `VARIABLE`, then `DEBIAN`.

    Raises
    ------
    UsageError
        If a file is missing, is not whole, or does not fit the others.
    """
    folder = Path(directory or os.environ.get(VARIABLE) or DEBIAN)
    train, test = (_images(folder, name) for name in ("train", "t10k"))
    if train[0].shape[1] != test[0].shape[1]:
        raise UsageError(f"{folder}: images to train and to test with differ in size")
    return Images(*train, *test)


def _images(folder: Path, name: str) -> tuple[npt.NDArray[np.uint8], Ints]:
    images = read_idx(_find(folder, f"{name}-images-idx3-ubyte"))
    labels = read_idx(_find(folder, f"{name}-labels-idx1-ubyte"))
    if images.dtype != np.uint8 or images.ndim < 2 or labels.dtype != np.uint8:
        raise UsageError(f"{folder}: {name} holds no images of bytes with labels")
    if labels.shape != images.shape[:1]:
        raise UsageError(f"{folder}: {name} has {len(images)} images, but {len(labels)} labels")
    return images.reshape(len(images), -1), labels.astype(np.int64)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise UsageError(
        f"no {name} or {name}.gz in {folder}: give the directory of the data, or set "
        f"{VARIABLE}; the Debian package dataset-fashion-mnist has such data"
    )
