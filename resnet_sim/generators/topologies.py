"""Grids, random graphs, small worlds, ladders."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..arrays import Ints
from ..errors import UsageError
from ..model.builder import CircuitBuilder
from ..model.circuit import Circuit
from ..model.names import whole
from .mixture import DIODES, Mixture, Seed, dress, generator


def grid(
    rows: int,
    columns: int | None = None,
    *,
    mixture: Mixture = DIODES,
    volts: Mapping[str, float] | None = None,
    seed: Seed = 0,
) -> Circuit:
    """Return a square grid with a resistor between neighbours.

    ::

        n0_0 -r- n0_1 -r- n0_2
         r        r        r
        n1_0 -r- n1_1 -r- n1_2

    Parameters
    ----------
    rows, columns : int
        Nodes ``n<row>_<column>``; as many columns as rows by default.
    mixture : Mixture
        Conductances, diodes, sources; see there for the names of elements.
    volts : mapping of str to float, optional
        Nodes that an ideal voltage source holds (V): ``{"n0_0": 1.0}``.
    seed : int or numpy.random.Generator

    Notes
    -----
    With the default mixture the circuit is solvable whatever the seed: it is connected and
    grounded, and all diodes agree to 0 V at all free nodes.  `UNIFORM` has neither ground nor
    sources of its own, hence needs `volts`.

    Examples
    --------
    >>> held = {"n0_0": 1.0, "n2_2": 0.0}  # V
    >>> circuit = rs.generators.grid(3, mixture=rs.generators.UNIFORM, volts=held)
    >>> rs.solve(circuit).node_voltages[1:].reshape(3, 3).round(3)
    array([[1.   , 0.667, 0.5  ],
           [0.667, 0.5  , 0.333],
           [0.5  , 0.333, 0.   ]])
    """
    columns = rows if columns is None else columns
    _check_counts(rows=rows, columns=columns)
    names = [f"n{i}_{j}" for i in range(rows) for j in range(columns)]
    edges = _lattice((rows, columns))
    return dress(f"grid {rows} x {columns}", names, edges, mixture, volts, seed)


def grid3d(
    size: int,
    columns: int | None = None,
    layers: int | None = None,
    *,
    mixture: Mixture = DIODES,
    volts: Mapping[str, float] | None = None,
    seed: Seed = 0,
) -> Circuit:
    """Return a cubic grid, nodes ``n<row>_<column>_<layer>``.

    Parameters
    ----------
    size, columns, layers : int
        Rows, columns and layers; as many as rows by default.
    mixture, volts, seed
        See `grid`.

    Examples
    --------
    >>> circuit = rs.generators.grid3d(3, seed=1)
    >>> len(circuit.nodes) - 1, len(circuit.resistors), len(circuit.diodes)  # 54 edges, one ground
    (27, 55, 8)
    """
    shape = (size, size if columns is None else columns, size if layers is None else layers)
    _check_counts(size=shape[0], columns=shape[1], layers=shape[2])
    names = [f"n{i}_{j}_{k}" for i, j, k in np.ndindex(shape)]
    title = " x ".join(map(str, shape))
    return dress(f"grid {title}", names, _lattice(shape), mixture, volts, seed)


def random_graph(
    nodes: int,
    degree: float = 4.0,
    *,
    mixture: Mixture = DIODES,
    volts: Mapping[str, float] | None = None,
    seed: Seed = 0,
) -> Circuit:
    """Return a connected random graph with ``round(nodes * degree / 2)`` edges.

    A random tree makes it connected, further pairs of nodes are drawn uniformly; no pair
    comes twice.

    Parameters
    ----------
    nodes : int
        Nodes ``n0``, ``n1``, ...
    degree : float
        Mean number of neighbours, from ``2 - 2 / nodes`` (a tree) to ``nodes - 1``.
    mixture, volts, seed
        As in `grid`.

    Examples
    --------
    >>> circuit = rs.generators.random_graph(100, degree=6, mixture=rs.generators.UNIFORM)
    >>> len(circuit.resistors)
    300
    """
    _check_counts(nodes=nodes)
    rng = generator(seed)
    wanted = round(nodes * degree / 2)
    if not nodes - 1 <= wanted <= nodes * (nodes - 1) // 2:
        raise UsageError(f"{wanted} edges can't join {nodes} nodes, each pair at most once")
    edges = _random_edges(rng, nodes, wanted)
    return dress(f"random graph of {nodes}", _numbered(nodes), edges, mixture, volts, rng)


def small_world(
    nodes: int,
    neighbours: int = 4,
    rewired: float = 0.1,
    *,
    mixture: Mixture = DIODES,
    volts: Mapping[str, float] | None = None,
    seed: Seed = 0,
) -> Circuit:
    """Return a ring of `nodes` with short cuts (Watts and Strogatz, Nature 393, 1998).

    Parameters
    ----------
    nodes : int
        Nodes ``n0``, ``n1``, ...
    neighbours : int
        Each node is joined to so many, half on either side; an even number.
    rewired : float
        Probability with which an edge goes to a random node instead.
    mixture, volts, seed
        As in `grid`.

    Examples
    --------
    >>> ring = rs.generators.small_world(8, rewired=0, mixture=rs.generators.UNIFORM)
    >>> sorted(ring.to_networkx()["n0"])
    ['n1', 'n2', 'n6', 'n7']
    """
    import networkx

    _check_counts(nodes=nodes)
    if neighbours % 2 or not 2 <= neighbours < nodes:
        raise UsageError(f"neighbours={neighbours} is not an even number from 2 to {nodes - 1}")
    if not 0 <= rewired <= 1:
        raise UsageError(f"rewired={rewired} is not a probability")
    rng = generator(seed)
    graph = networkx.connected_watts_strogatz_graph(
        nodes, neighbours, rewired, seed=int(rng.integers(2**31))
    )
    ends = np.array(graph.edges, dtype=np.int64)
    edges = (ends[:, 0], ends[:, 1])
    return dress(f"small world of {nodes}", _numbered(nodes), edges, mixture, volts, rng)


def ladder(
    sections: int,
    *,
    series: float = 1.0,
    shunt: float = 1.0,
    volts: float = 1.0,
    diodes: float = 0.0,
    sources: float = 0.0,
    amps: float = 1.0,
    seed: Seed = 0,
) -> Circuit:
    """Return a ladder that a voltage source drives.

    ::

        n0 -rs0- n1 -rs1- n2 -rs2- n3
        |        |        |        |
        v0       rp0      rp1      rp2
        0        0        0        0

    Parameters
    ----------
    sections : int
    series, shunt : float
        Resistance (ohm) of ``rs0``, ... and ``rp0``, ...
    volts : float
        Of the source ``v0``.
    diodes : float
        Share of the sections that have an ideal diode ``d0``, ... in either direction in
        parallel to their series resistor; the first section has none.
    sources : float
        Share of the sections with a current source ``i0``, ... from ground to their end.
    amps : float
        Standard deviation of the normally distributed currents, A.
    seed : int or numpy.random.Generator

    Examples
    --------
    >>> op = rs.solve(rs.generators.ladder(3, series=1e3, shunt=1e3, volts=13.0))
    >>> [round(op.voltage(node), 9) for node in ("n0", "n1", "n2", "n3")]
    [13.0, 5.0, 2.0, 1.0]
    """
    _check_counts(sections=sections)
    rng = generator(seed)
    b = CircuitBuilder(f"ladder of {sections}")
    node = b.nodes("n", sections + 1)
    b.voltage_sources("v", node[:1], 0, volts)
    b.resistors("rs", node[:-1], node[1:], series)
    b.resistors("rp", node[1:], 0, shunt)
    start = rng.choice(sections - 1, min(round(diodes * sections), sections - 1), False) + 1
    turned = rng.integers(2, size=len(start))
    b.diodes("d", node[start + turned], node[start + 1 - turned])
    fed = rng.choice(sections, min(round(sources * sections), sections), False) + 1
    currents = amps * rng.standard_normal(len(fed))
    b.current_sources("i", 0, node[fed], currents)
    return b.build()


def _numbered(nodes: int) -> list[str]:
    return [f"n{k}" for k in range(nodes)]


def _lattice(shape: tuple[int, ...]) -> tuple[Ints, Ints]:
    """Return the edges between neighbours, those of the last axis first."""
    number = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    axes = range(len(shape) - 1, -1, -1)
    first = [np.delete(number, -1, axis).ravel() for axis in axes]
    second = [np.delete(number, 0, axis).ravel() for axis in axes]
    return np.concatenate(first), np.concatenate(second)


def _random_edges(rng: np.random.Generator, nodes: int, wanted: int) -> tuple[Ints, Ints]:
    """Return a random tree on shuffled nodes and so many further pairs that `wanted` is met."""
    order = rng.permutation(nodes)
    later = np.arange(1, nodes)
    keys = _keys(order[later], order[rng.integers(0, later)], nodes)
    missing = wanted - len(keys)
    if wanted > nodes * (nodes - 1) // 4:  # dense: drawing would mostly repeat
        upper = np.triu_indices(nodes, 1)
        others = np.setdiff1d(_keys(upper[0], upper[1], nodes), keys)
        keys = np.concatenate([keys, rng.choice(others, missing, replace=False)])
    while len(keys) < wanted:
        pairs = rng.integers(nodes, size=(2, wanted - len(keys)))
        pairs = pairs[:, pairs[0] != pairs[1]]
        new = _keys(pairs[0], pairs[1], nodes)
        keys = _without_repeats(np.concatenate([keys, new]))
    return keys // nodes, keys % nodes


def _keys(p: Ints, q: Ints, nodes: int) -> Ints:
    return np.minimum(p, q) * nodes + np.maximum(p, q)


def _without_repeats(keys: Ints) -> Ints:
    _, first = np.unique(keys, return_index=True)
    return keys[np.sort(first)]


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        whole(count, name, 1)
