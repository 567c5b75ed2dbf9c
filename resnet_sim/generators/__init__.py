"""Circuits by rule: graphs, arrays, power grids, layered networks, ReLU networks.

Every function returns a `Circuit`; the same arguments, `seed` included, give the same
circuit.  Names follow rules that each function states, so that a glob such as ``rw2_*``
selects what is meant.  Values are in SI units: ohm, S, V, A.
"""

from .convolutional import convolutional
from .crossbars import as_built, crossbar, differential_pairs
from .hopfield import convolutional_hopfield, hopfield
from .layered import layered, layered_inputs
from .mixture import DIODES, UNIFORM, Mixture
from .power_grid import power_grid
from .relu import relu_network
from .topologies import grid, grid3d, ladder, random_graph, small_world

__all__ = [
    "DIODES", "UNIFORM", "Mixture", "as_built", "convolutional", "convolutional_hopfield",
    "crossbar", "differential_pairs", "grid", "grid3d", "hopfield", "ladder", "layered",
    "layered_inputs", "power_grid", "random_graph", "relu_network", "small_world",
]  # fmt: skip
