"""Kernels of convolutions: which units see what, through which weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ..arrays import Ints
from ..errors import UsageError


@dataclass(frozen=True)
class Layer:
    """One layer of a convolutional network."""

    channels: int
    kernel: int
    stride: int
    pool: int
    padding: int


@dataclass(frozen=True)
class Taps:
    """Connections between what is seen and units, one a row.

    Attributes
    ----------
    p, q : ndarray of int
        Nodes that are seen, and units.
    whose : ndarray of int
        Number of the weight, as `kernel_names` has them.
    labels : list of str
        Channel, place and tap.
    count : int
        How many weights there are.
    """

    p: Ints
    q: Ints
    whose: Ints
    labels: list[str]
    count: int


def taps(before: Ints, here: Ints, layer: Layer) -> Taps:
    """Return what units see; arrays of nodes are (channels, rows, columns), padding is nothing."""
    side = layer.kernel
    count = before.shape[0] * side**2
    y, x = (layer.stride * np.arange(n) - layer.padding for n in here.shape[1:])
    p, q, whose, called = [], [], [], []
    every = product(range(before.shape[0]), range(side), range(side))
    for tap, (channel, down, right) in enumerate(every):
        inside = np.ix_(_inside(y + down, before.shape[1]), _inside(x + right, before.shape[2]))
        seen = before[channel][
            np.ix_((y + down)[inside[0].ravel()], (x + right)[inside[1].ravel()])
        ]
        for c in range(layer.channels):
            units = here[c][inside]
            p.append(seen.ravel())
            q.append(units.ravel())
            whose.append(np.full(units.size, c * count + tap))
            called += [
                f"{c}_{j}_{i}_{tap}"
                for j in inside[0].ravel().tolist() for i in inside[1].ravel().tolist()
            ]  # fmt: skip
    return Taps(
        np.concatenate(p), np.concatenate(q), np.concatenate(whose), called,
        layer.channels * count,
    )  # fmt: skip


def kernel_names(number: int, channels: int, before: int, side: int) -> Iterator[str]:
    """Return what the weights of a layer are called."""
    every = product(range(channels), range(before), range(side), range(side))
    return (f"k{number}_{c}_{b}_{y}_{x}" for c, b, y, x in every)


def places(shape: Sequence[int]) -> Iterator[str]:
    """Return the places of an array as parts of names."""
    return ("_".join(map(str, at)) for at in product(*map(range, shape)))


def extent(size: Sequence[int], layer: Layer) -> tuple[int, int]:
    """Return rows and columns of the units of a layer, for those of what is before it."""
    rows, columns = (
        (n + 2 * layer.padding - layer.kernel) // layer.stride + 1 for n in size
    )  # fmt: skip
    return rows, columns


def each(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    """Return a number for each layer."""
    found = (value,) * count if isinstance(value, int) else tuple(value)
    if len(found) != count:
        raise UsageError(f"{list(found)} for {count} layers")
    if min(found, default=1) < 0:
        raise UsageError(f"{list(found)}: sides and steps can't be negative")
    return found


def _inside(at: Ints, size: int) -> npt.NDArray[np.int64]:
    """Return which units see something at places that may be in the padding."""
    return np.flatnonzero((at >= 0) & (at < size))
