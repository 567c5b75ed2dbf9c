"""Power grids."""

from __future__ import annotations

import numpy as np

from ..arrays import Bools, Ints
from ..errors import UsageError
from ..model.builder import CircuitBuilder
from ..model.circuit import Circuit
from .mixture import Seed, generator


def power_grid(
    rows: int = 88,
    columns: int = 86,
    *,
    vias: float = 0.942,
    loads: float = 0.7135,
    pads: int = 20,
    clamps: float = 0.0,
    volts: float = 1.8,
    amps: float = 1e-4,
    seed: Seed = 0,
) -> Circuit:
    """Return the supply grid of a chip: two nets of two metal layers, ``vdd`` and ``gnd``.

    ::

        layer 2   nd2_0_0    nd2_0_1     columns: rd2_* join neighbours within a column
                     |          |        vias: vd<k>, sources of 0 V
        layer 1   nd1_0_0 -- nd1_0_1     rows: rd1_* join neighbours within a row
                     |                   loads: id<k> from a node of layer 1 to ground

    The net of ground has ``g`` where that of the supply has ``d``; its loads ``ig<k>`` flow
    from ground into it.  Pads, on layer 2, are sources ``vdp<k>`` and ``vgp<k>`` of
    `volts` and 0 V behind resistors ``rdp<k>`` and ``rgp<k>``.

    With default sizes it resembles the smallest of the IBM power grid benchmarks (Nassif,
    ASP-DAC 2008): 29,964 resistors, 14,298 voltage sources of which 14,258 are shorts,
    10,800 current sources.

    Parameters
    ----------
    rows, columns : int
        Crossings of each net.
    vias : float
        Share of the crossings with a via.  The first row and column always have theirs, which
        keeps the net connected.
    loads : float
        Share of the nodes of layer 1 with a load.
    pads : int
        Pads per net, at most one at each crossing.
    clamps : float
        Share of the crossings where an ideal diode ``dc<k>`` leads from net gnd, layer 1, to
        net vdd; they block unless the supply collapses.
    volts, amps : float
        Supply (V), mean load (A, exponentially distributed).
    seed : int or numpy.random.Generator

    Examples
    --------
    >>> circuit = rs.generators.power_grid(10, 10, pads=4, volts=1.0, amps=1e-3)
    >>> droop = 1.0 - rs.solve(circuit).voltage("nd1_5_5")
    >>> 0 < droop < 0.1
    True
    """
    crossings = rows * columns
    if rows < 2 or columns < 2 or not 1 <= pads <= crossings:
        raise UsageError(f"{pads} pads, {rows} x {columns} crossings: needs 2 x 2 and 1 pad each")
    if not all(0 <= share <= 1 for share in (vias, loads, clamps)):
        raise UsageError("vias, loads and clamps are shares: from 0 to 1")
    rng = generator(seed)
    b = CircuitBuilder(f"power grid {rows} x {columns}")
    supply = _net(b, rng, "d", _with_vias(rng, rows, columns, vias), pads, volts)
    ground = _net(b, rng, "g", _with_vias(rng, rows, columns, vias), pads, 0.0)
    for letter, layer in (("d", supply), ("g", ground)):
        some = layer[rng.choice(crossings, round(loads * crossings), replace=False)]
        drawn = amps * rng.exponential(size=len(some))
        ends = (some, np.zeros_like(some))
        b.current_sources(f"i{letter}", *(ends if letter == "d" else ends[::-1]), drawn)
    some = rng.choice(crossings, round(clamps * crossings), replace=False)
    b.diodes("dc", ground[some], supply[some])
    return b.build()


def _net(
    b: CircuitBuilder, rng: np.random.Generator, letter: str, vias: Bools, pads: int, volts: float
) -> Ints:
    """Add a net; return the nodes of its layer 1, shape (crossings,)."""
    rows, columns = vias.shape
    cells = [f"{i}_{j}" for i in range(rows) for j in range(columns)]
    one = b.nodes(f"n{letter}1_{cell}" for cell in cells).reshape(vias.shape)
    two = b.nodes(f"n{letter}2_{cell}" for cell in cells).reshape(vias.shape)
    for layer, (p, q) in enumerate([(one[:, :-1], one[:, 1:]), (two[:-1], two[1:])], start=1):
        ohms = rng.uniform(0.1, 1.0, p.size)
        b.resistors(f"r{letter}{layer}_", p.ravel(), q.ravel(), ohms)
    b.voltage_sources(f"v{letter}", two[vias], one[vias], 0.0)
    at = two.ravel()[rng.choice(two.size, pads, replace=False)]
    behind = b.nodes(f"pad{letter}", pads)
    b.resistors(f"r{letter}p", behind, at, 0.25)
    b.voltage_sources(f"v{letter}p", behind, 0, volts)
    return one.ravel()


def _with_vias(rng: np.random.Generator, rows: int, columns: int, share: float) -> Bools:
    """Tell which crossings have a via, shape (rows, columns)."""
    chosen = np.zeros((rows, columns), dtype=np.bool_)
    chosen[0], chosen[:, 0] = True, True
    others = np.flatnonzero(~chosen)
    missing = round(share * chosen.size) - (rows + columns - 1)
    chosen.flat[rng.choice(others, max(missing, 0), replace=False)] = True
    return chosen
