"""Kernels of convolutions: which units see what, through which weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Ints
from ..errors import UsageError

#: rows and columns
Pair = tuple[int, int]
#: what generators are given: one for all layers, or one for each
Sides = int | Sequence[int | Pair]


@dataclass(frozen=True)
class Layer:
    """One layer of a convolutional network; all but the channels have rows and columns."""

    channels: int
    kernel: Pair
    stride: Pair
    pool: Pair
    padding: Pair

    @property
    def size(self) -> int:
        """Taps of a kernel to one channel."""
        return self.kernel[0] * self.kernel[1]


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
    count = before.shape[0] * layer.size
    y, x = (
        step * np.arange(n) - edge
        for n, step, edge in zip(here.shape[1:], layer.stride, layer.padding, strict=True)
    )
    p, q, whose, called = [], [], [], []
    every = product(range(before.shape[0]), *map(range, layer.kernel))
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


def kernel_names(number: int, before: int, layer: Layer) -> Iterator[str]:
    """Return what the weights of a layer are called."""
    every = product(range(layer.channels), range(before), *map(range, layer.kernel))
    return (f"k{number}_{c}_{b}_{y}_{x}" for c, b, y, x in every)


def places(shape: Sequence[int]) -> Iterator[str]:
    """Return the places of an array as parts of names."""
    return ("_".join(map(str, at)) for at in product(*map(range, shape)))


def extent(size: Sequence[int], layer: Layer, number: int) -> Pair:
    """Return rows and columns of the units of a layer, for those of what is before it.

    Raises
    ------
    UsageError
        If these are too few; `number` is that of the layer.
    """
    rows, columns = (
        (n + 2 * edge - side) // step + 1
        for n, side, step, edge in zip(size, layer.kernel, layer.stride, layer.padding, strict=True)
    )
    if rows < layer.pool[0] or columns < layer.pool[1]:
        raise UsageError(
            f"layer {number} has {rows} x {columns} units: too few for its kernel and pool"
        )
    return rows, columns


def layers_of(
    shape: Sequence[int],
    channels: int | Sequence[int],
    outputs: int,
    kernel: Sides,
    stride: Sides,
    padding: Sides,
    pool: Sides = 1,
) -> tuple[tuple[int, ...], tuple[Layer, ...]]:
    """Return the shape of images with their channels, and the layers that see them.

    Raises
    ------
    UsageError
        If these make no network.
    """
    size: list[Any] = [*shape] if isinstance(shape, Sequence | np.ndarray) else [shape]
    counts: list[Any] = [*channels] if isinstance(channels, Sequence) else [channels]
    size = [1, *size] if len(size) == 2 else size
    numbers = [*size, *counts, outputs]
    whole = all(isinstance(n, Integral) and int(n) >= 1 for n in numbers)
    if len(size) != 3 or not counts or not whole:
        raise UsageError(
            f"images of {shape!r}, channels {channels!r} and {outputs!r} outputs make no network: "
            "images are (rows, columns) or (channels, rows, columns), all are whole numbers from "
            "1 on"
        )
    sides = [
        _each("kernel", kernel, len(counts)), _each("stride", stride, len(counts)),
        _each("pool", pool, len(counts)), _each("padding", padding, len(counts), 0),
    ]  # fmt: skip
    return tuple(size), tuple(Layer(*one) for one in zip(counts, *sides, strict=True))


def _each(what: str, value: Sides, count: int, least: int = 1) -> tuple[Pair, ...]:
    """Return rows and columns for each layer."""
    found: list[Any] = list(value) if isinstance(value, Sequence) else [value] * count
    if len(found) != count:
        raise UsageError(
            f"{what}={value!r} for {count} layers: one number for all of them, or a list with "
            "one for each; a rectangle is a pair in that list, [(3, 5)]"
        )
    pairs = [side if isinstance(side, Sequence) else (side, side) for side in found]
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(n, Integral) and int(n) >= least for n in pair):
            raise UsageError(
                f"{what}={value!r}: rows and columns are whole numbers from {least} on"
            )
    return tuple((int(rows), int(columns)) for rows, columns in pairs)


def _inside(at: Ints, size: int) -> npt.NDArray[np.int64]:
    """Return which units see something at places that may be in the padding."""
    return np.flatnonzero((at >= 0) & (at < size))
