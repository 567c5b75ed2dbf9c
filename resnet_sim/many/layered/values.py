"""The conductances of a layered network at one moment, and products with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ...arrays import Floats
from ...workers.executors import one_thread
from .curvature import Curvature
from .structure import Layers

#: Samples that are treated together.
ROWS = 64
#: Columns of float32 conductances that are turned to float64 at once.
TILE = 2048

Part = TypeVar("Part")
Result = TypeVar("Result")


class Values:
    """Conductances of all blocks and leaks.

    Parameters
    ----------
    layers : Layers
    parameters : ndarray, optional
        Conductances that learn, S; by default those of the circuit.

    Attributes
    ----------
    blocks : list of ndarray, or of sparse arrays
        S; views of `parameters` where that is possible.
    total : list of ndarray of float, shape (n,)
        What each unit of a layer is joined to others with, S.
    leak : ndarray
    positive : bool
        Whether no conductance is negative: then there is one state.
    """

    def __init__(self, layers: Layers, parameters: Floats | None = None) -> None:
        self.layers = layers
        self.blocks = [block.at(parameters) for block in layers.blocks]
        self.leak = layers.leaks.at(parameters)
        self.total: list[Floats] = [g.sum(axis=0, dtype=np.float64) for g in self.blocks]
        self._fed = [total > 0 for total in self.total]
        entries = [g if isinstance(g, np.ndarray) else g.data for g in self.blocks]
        self.positive = all(g.min(initial=0.0) >= 0.0 for g in (*entries, self.leak))
        for total, g in zip(self.total, self.blocks[1:], strict=False):
            total += g.sum(axis=1, dtype=np.float64)
        self._difference: npt.NDArray[Any] | None = None
        leaks = layers.leaks
        for k, total in enumerate(self.total):
            rows = leaks.layer == k
            total += np.bincount(leaks.unit[rows], self.leak[rows], len(total))

    @cached_property
    def anchored(self) -> bool:
        """Whether every unit is joined to a given potential in the end.

        Of conductances of either sign, which `curvature` judges: whether the co-content bends up
        along every unit.
        """
        if not self.positive:
            return all(bool((total > 0).all()) for total in self.total)
        if all(fed.all() for fed in self._fed):
            return True
        joined = [self._fed[0].copy(), *(np.zeros_like(fed) for fed in self._fed[1:])]
        leaks = self.layers.leaks
        for k, units in enumerate(joined):
            units[leaks.unit[(leaks.layer == k) & (self.leak > 0)]] = True
        before = -1
        while before < (count := sum(int(units.sum()) for units in joined)):
            before = count
            for one, other, g in zip(joined, joined[1:], self.blocks[1:], strict=False):
                other |= (g[one] > 0).any(axis=0)
                one |= (g[:, other] > 0).any(axis=1)
        return all(bool(units.all()) for units in joined)

    @cached_property
    def curvature(self) -> Curvature:
        """What tells where states last."""
        return Curvature(self.layers, self.blocks, self.total)

    def clamped(self, potentials: Floats) -> Floats:
        """Return the currents from given potentials (V), shape (B, n0), into the first layer, A."""
        half = potentials.shape[1] // 2
        plus, minus = potentials[:, :half], potentials[:, half:]
        v, g = potentials, self.blocks[0]
        if plus.shape == minus.shape and np.array_equal(plus, -minus):
            if self._difference is None:
                self._difference = g[:half] - g[half:]
            v, g = plus, self._difference
        parts = in_parts(lambda rows: product(v[rows], g), row_parts(len(v)))
        return np.concatenate(parts) if parts else np.zeros((0, g.shape[1]))


def row_parts(count: int) -> list[slice]:
    """Return the samples that are treated together."""
    return [slice(k, min(k + ROWS, count)) for k in range(0, count, ROWS)]


def product(v: Floats, g: npt.NDArray[Any]) -> Floats:
    """Return ``v @ g`` in float64, without a whole copy of conductances in float32."""
    if g.dtype == np.float64:
        return np.asarray(v @ g)
    result = np.empty((len(v), g.shape[1]))
    for k in range(0, g.shape[1], TILE):
        result[:, k : k + TILE] = v @ g[:, k : k + TILE].astype(np.float64)
    return result


def product_back(v: Floats, g: npt.NDArray[Any]) -> Floats:
    """Return ``v @ g.T`` in float64, without a whole copy of conductances in float32."""
    if g.dtype == np.float64:
        return np.asarray(v @ g.T)
    result = np.zeros((len(v), g.shape[0]))
    for k in range(0, g.shape[1], TILE):
        result += v[:, k : k + TILE] @ g[:, k : k + TILE].T.astype(np.float64)
    return result


def in_parts(work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """Return the results of all parts in their order, with BLAS on one thread."""
    with one_thread():
        return [work(part) for part in parts]
