"""A circuit as a chain of layers: what `find_layers` finds, as plain data.

::

    given potentials --blocks[0]-- units[0] --blocks[1]-- units[1] -- ... -- units[-1]
       (sources)                   (hidden)               (hidden)           (outputs)

Units of one layer are joined to units of the neighbouring layers and to given potentials
only, never to each other.  With the neighbours held, each voltage v_j of a layer is free of
the others, and the co-content is least at (A and S; the box comes from ideal diodes)

    v_j = clip((sum_i g_ij v_i + sum_k g_jk v_k + b_j) / (sum_i g_ij + sum_k g_jk + c_j),
               lower_j, upper_j),

where i runs over the layer before, k over the layer behind, b_j is what sources and leaks
feed in, and c_j the conductance of the leaks.  (B. Scellier, arXiv 2402.11674, section 4.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...arrays import Floats, Ints


@dataclass(frozen=True)
class Inputs:
    """Given potentials of some nodes, ``gain * u[:, column] + offset`` (V).

    Attributes
    ----------
    nodes : ndarray of int, shape (n0,)
        Node numbers in the circuit.
    column : ndarray of int, shape (n0,)
        Which input sets the potential.
    gain, offset : ndarray, shape (n0,)
        Dimensionless; V.
    mirrored : bool
        The second half of the rows is minus the first half, row by row, whatever the
        inputs are: one product with ``g[:n0 // 2] - g[n0 // 2:]`` does for both.
    """

    nodes: Ints
    column: Ints
    gain: Floats
    offset: Floats
    mirrored: bool

    def potentials(self, u: Floats) -> Floats:
        """Return the potentials for inputs u, shape (B, columns): shape (B, n0), V."""
        return self.gain * u[:, self.column] + self.offset


@dataclass(frozen=True)
class Units:
    """One layer of free nodes; arrays have shape (n,).

    Attributes
    ----------
    nodes : ndarray of int
        A node number of each unit in the circuit.
    lower, upper : ndarray
        Box that ideal diodes to constant potentials make, V; infinite where there is none.
    bias : ndarray
        Constant current into the unit, A: of sources that are no parameter.
    bias_index : ndarray of int
        Number of the unit's current source among the biases that learn, -1 for none.
    bias_sign : ndarray
        1 where that source's current flows into the unit, -1 where out of it.
    lower_element, upper_element : ndarray of int
        Element numbers of the diodes that make the box, -1 for none.
    """

    nodes: Ints
    lower: Floats
    upper: Floats
    bias: Floats
    bias_index: Ints
    bias_sign: Floats
    lower_element: Ints
    upper_element: Ints

    def __len__(self) -> int:
        return len(self.nodes)


@dataclass(frozen=True)
class Block:
    """The conductances between two neighbouring layers.

    Attributes
    ----------
    g : ndarray of float32 or float64, shape (n_before, n)
        S, as the circuit has them (read-only).  Where a crossbar is the whole block, the
        very array of the crossbar, whatever its strides.
    index : int or ndarray of int, shape (n_before, n)
        Which parameter each entry is, -1 for one that does not learn.  A number stands for
        ``index + arange(g.size).reshape(g.shape)``; the number -1 for no parameter at all.
    """

    g: npt.NDArray[Any]
    index: int | Ints

    def numbers(self) -> Ints:
        """Return `index` as an array of shape (n_before, n)."""
        if not isinstance(self.index, int):
            return self.index
        if self.index < 0:
            return np.full(self.g.shape, -1)
        return self.index + np.arange(self.g.size).reshape(self.g.shape)

    def at(self, parameters: Floats | None) -> npt.NDArray[Any]:
        """Return the conductances for other parameters (S), a view where that is possible.

        Without parameters, those of the circuit.
        """
        if parameters is None:
            return self.g
        if not isinstance(self.index, int):
            return np.where(self.index >= 0, parameters[np.maximum(self.index, 0)], self.g)
        if self.index < 0:
            return self.g
        return parameters[self.index : self.index + self.g.size].reshape(self.g.shape)


@dataclass(frozen=True)
class SparseBlock(Block):
    """The conductances between two neighbouring layers, of which few are joined.

    `g` and `index`, an array, have shape (entries,).

    Attributes
    ----------
    shape : (int, int)
        (n_before, n).
    row, column : ndarray of int, shape (entries,)
    """

    shape: tuple[int, int]
    row: Ints
    column: Ints

    def at(self, parameters: Floats | None) -> Any:
        """Return the conductances for other parameters (S) as a sparse array."""
        from scipy.sparse import csr_array

        g = self.g
        if parameters is not None and not isinstance(self.index, int):
            g = np.where(self.index >= 0, parameters[np.maximum(self.index, 0)], g)
        return csr_array((g, (self.row, self.column)), shape=self.shape)


@dataclass(frozen=True)
class Leaks:
    """Conductors from units to given potentials, one a row.

    Attributes
    ----------
    layer, unit : ndarray of int
        Where the conductor begins: ``units[layer]``, place in that layer.
    g : ndarray of float
        S.
    index : ndarray of int
        Which parameter it is, -1 for none.
    far : Inputs
        The other ends; `column` is -1 (and `gain` 0) where the potential is constant.
    """

    layer: Ints
    unit: Ints
    g: Floats
    index: Ints
    far: Inputs

    def __len__(self) -> int:
        return len(self.g)

    def at(self, parameters: Floats | None) -> Floats:
        """Return the conductances for other parameters, S; without, those of the circuit."""
        if parameters is None:
            return self.g
        g = self.g.copy()
        learns = self.index >= 0
        g[learns] = parameters[self.index[learns]]
        return g


@dataclass(frozen=True)
class Layers:
    """A circuit as a chain of layers.

    Parameters are the conductances that learn, in the order in which they were given to
    `find_layers`; biases have numbers of their own.

    Attributes
    ----------
    inputs : Inputs
    units : tuple of Units
        From the first hidden layer to the outputs, at least one.
    blocks : tuple of Block
        ``blocks[k]`` leads to ``units[k]`` from the layer before it, ``blocks[0]`` from
        the inputs.
    leaks : Leaks
    outputs : ndarray of int, shape (n_outputs, 2)
        Places in the last layer that each output is measured between; -1 is ground.
    n_parameters, n_biases : int
    place : ndarray of int, shape (n_nodes,)
        Unit of each node of the circuit, counted through all layers; -1 for a given potential.
    given : Inputs
        All nodes with given potentials; `column` is -1 (and `gain` 0) where it is constant.
    """

    inputs: Inputs
    units: tuple[Units, ...]
    blocks: tuple[Block, ...]
    leaks: Leaks
    outputs: Ints
    n_parameters: int
    n_biases: int
    place: Ints
    given: Inputs

    @property
    def widths(self) -> tuple[int, ...]:
        """Nodes of each layer, the inputs first."""
        return (len(self.inputs.nodes), *(len(layer) for layer in self.units))

    @property
    def simple(self) -> bool:
        """Outputs are the units of the last layer in their order, measured against ground."""
        n = len(self.units[-1])
        wanted = np.stack((np.arange(n), np.full(n, -1)), axis=1)
        return np.array_equal(self.outputs, wanted)


def outer(layers: Layers) -> list[int]:
    """Return the layers whose voltages determine all others: the last, and every second."""
    depth = len(layers.units)
    return list(range((depth - 1) % 2, depth, 2))
