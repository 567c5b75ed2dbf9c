"""Crossbars: a resistor at each crossing, wires; and conductances as they are built."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Floats, Ints
from ..errors import UsageError
from ..model.builder import CircuitBuilder
from ..model.circuit import Circuit
from ..model.devices.device import number
from ..model.names import real
from ..model.potentiometers import Potentiometer, nearest, potentiometer
from .mixture import Seed, generator, shaped, to_ohms

DRIVES = ("rows", "columns")


def crossbar(
    rows: int | npt.ArrayLike,
    columns: int | None = None,
    *,
    conductances: npt.ArrayLike | None = None,
    volts: npt.ArrayLike | None = None,
    load: float = 0.0,
    wire: float = 0.0,
    row_wire: float = 0.0,
    column_wire: float = 0.0,
    source: float = 0.0,
    drive: str = "rows",
    seed: Seed = 0,
) -> Circuit:
    """Return a crossbar: a resistor between each row and each column.

    ::

        v0 - row0 --+-------+--          load = 0: the source vs<j> of 0 V measures what
                  rw0_0   rw0_1          flows out of column j,
        v1 - row1 --|--+----|--+--           i(vs<j>) = sum_i g_ij v_i
                    | rw1_0 | rw1_1      load > 0: the resistor rl<j>
                  col0 -+  col1 -+
                    |       |
                   vs0     vs1

    Parameters
    ----------
    rows, columns : int
        Their numbers; or `rows` alone, the conductances.
    conductances : array_like, shape (rows, columns), optional
        S, of ``rw<i>_<j>``; by default log-uniform from 0.1 to 10 mS.  0 is open.
    volts : array_like, shape (rows,), optional
        Of the sources ``v<i>``; by default uniform from -1 to 1 V.
    load : float
        Resistance (ohm) from the end of each column to ground.
    wire : float
        Resistance (ohm) of each piece of wire between neighbouring crossings, with none before
        the first or after the last; if it is not 0,
        crossing (i, j) has the nodes ``row<i>_<j>`` and ``col<i>_<j>``, joined along the
        row by ``rr<i>_<j>`` and along the column by ``rc<i>_<j>``, which lead to the next
        crossing.  Rows are driven at their first crossing, columns end after the last one.
    row_wire, column_wire : float
        Resistance (ohm) of each piece of wire, of which every crossing has one on either line:
        ``rr<i>_<j>`` leads along the row to crossing (i, j), from ``row<i>`` to the first,
        and ``rc<i>_<j>`` along the column from there on, from the last to ``col<j>``.
    source : float
        Resistance (ohm) ``rs<i>`` between each source, at the node ``in<i>``, and its row.
    drive : {"rows", "columns"}
        Which lines the sources are at.  With columns, row and column change places: sources are
        before the first crossing of each column, rows end after their last one.
    seed : int or numpy.random.Generator

    Returns
    -------
    Circuit
        The glob ``rw*`` selects the cells.

    Notes
    -----
    With `row_wire` and `column_wire` it is the crossbar of badcrossbar (Joksas and Mehonic,
    SoftwareX 12, 2020) and CrossSim.

    Examples
    --------
    >>> circuit = rs.generators.crossbar(2, 1, conductances=[[1e-3], [2e-3]], volts=[1.0, 0.5])
    >>> rs.solve(circuit).current("vs0")  # A: 1 mS x 1 V + 2 mS x 0.5 V
    0.002
    >>> wired = rs.generators.crossbar([[1e-3]], volts=[1.0], row_wire=200.0, column_wire=50.0)
    >>> round(rs.solve(wired).current("vs0"), 12)  # A: 1 V by 200 + 1000 + 50 ohm
    0.0008
    """
    rows, columns, conductances = _cells(rows, columns, conductances)
    given = {"load": load, "wire": wire, "row_wire": row_wire, "column_wire": column_wire,
             "source": source}  # fmt: skip
    load, wire, row_wire, column_wire, source = (
        number(name, ohms, infinite=True) for name, ohms in given.items()
    )
    if not all(0 <= ohms < np.inf for ohms in (load, wire, row_wire, column_wire, source)):
        raise UsageError("load, source and wires must be finite and not negative")
    if wire and (row_wire or column_wire):
        raise UsageError("wire= has no end pieces, row_wire= and column_wire= have: choose")
    if drive not in DRIVES:
        raise UsageError(f"drive={drive!r}: there are {' and '.join(DRIVES)}")
    rng = generator(seed)
    drawn = 10.0 ** rng.uniform(-4.0, -2.0, (rows, columns))
    siemens = shaped("conductances", conductances, drawn)
    driven = rows if drive == "rows" else columns
    sources = shaped("volts", volts, rng.uniform(-1.0, 1.0, driven))
    b = CircuitBuilder(f"crossbar {rows} x {columns}")
    lines = _Lines(b, siemens, drive == "columns")
    if wire:
        first, last = lines.between(wire)
    else:
        first, last = lines.whole(row_wire, column_wire)
    if source:
        before = b.nodes("in", driven)
        b.resistors("rs", before, first, source)
        first = before
    b.voltage_sources("v", first, 0, sources)
    if load:
        b.resistors("rl", last, 0, load)
    else:
        b.voltage_sources("vs", last, 0, 0.0)
    return b.build()


def _cells(
    rows: int | npt.ArrayLike, columns: int | None, conductances: npt.ArrayLike | None
) -> tuple[int, int, npt.ArrayLike | None]:
    """Return how many rows and columns there are, and the conductances if they are given."""
    if columns is None:
        array = np.asarray(rows)
        if conductances is not None or array.ndim != 2:
            raise UsageError("a crossbar needs rows and columns, or an array of conductances")
        conductances, (rows, columns) = array, array.shape
    rows = int(np.asarray(rows))
    if rows < 1 or columns < 1:
        raise UsageError(f"a crossbar of {rows} x {columns} has no cell")
    return rows, columns, conductances


def differential_pairs(weights: npt.ArrayLike, low: float, high: float) -> Floats:
    """Return conductances of pairs of columns whose difference is in proportion to signed weights.

    Parameters
    ----------
    weights : array_like, shape (rows, columns)
    low, high : float
        Conductances for 0 and for the largest weight, S.

    Returns
    -------
    ndarray, shape (rows, 2 columns)
        S; column j of the weights is columns 2 j (positive) and 2 j + 1 (negative).

    Examples
    --------
    >>> rs.generators.differential_pairs([[0.5, -1.0]], low=1e-6, high=5e-6)
    array([[3.e-06, 1.e-06, 1.e-06, 5.e-06]])
    """
    w = real(weights, "weights")
    if w.ndim != 2 or not np.isfinite(w).all():
        raise UsageError("weights must be finite and have rows and columns")
    if not 0 <= low < high < np.inf:
        raise UsageError(f"needs 0 <= low < high, not {low:g} and {high:g} S")
    share = w / max(float(np.abs(w).max(initial=0.0)), 1e-300)
    pairs = np.stack((np.maximum(share, 0.0), np.maximum(-share, 0.0)), axis=2)
    return np.asarray(low + (high - low) * pairs.reshape(len(w), -1))


class _Lines:
    """The cells of a crossbar and the wires that lead to and from them.

    Arrays have the lines that are driven first and those that end in loads second.
    """

    def __init__(self, b: CircuitBuilder, siemens: Floats, turned: bool) -> None:
        self.b, self.turned = b, turned
        rows, columns = siemens.shape
        labels = np.array([[f"{i}_{j}" for j in range(columns)] for i in range(rows)], dtype=object)
        self.siemens, self.labels = (x.T if turned else x for x in (siemens, labels))
        self.names = ("col", "row") if turned else ("row", "col")
        self.wires = ("rc", "rr") if turned else ("rr", "rc")

    def _named(self, stem: str, some: Any = ...) -> list[str]:
        return [f"{stem}{label}" for label in self.labels[some].ravel()]

    def _cells(self, top: Ints, bottom: Ints) -> None:
        ohms = to_ohms(self.siemens.ravel())
        self.b.resistors(self._named("rw"), top.ravel(), bottom.ravel(), ohms)

    def _crossings(self) -> tuple[Ints, Ints]:
        """Return a node for each crossing on its driven and on its other line."""
        shape = self.labels.shape
        one, other = (self.b.nodes(self._named(name)).reshape(shape) for name in self.names)
        return one, other

    def between(self, wire: float) -> tuple[Ints, Ints]:
        """Add cells, and wires between crossings only; return where lines begin and end."""
        top, bottom = self._crossings()
        self._cells(top, bottom)
        along = self._named(self.wires[0], np.s_[:, :-1])
        self.b.resistors(along, top[:, :-1].ravel(), top[:, 1:].ravel(), wire)
        along = self._named(self.wires[1], np.s_[:-1])
        self.b.resistors(along, bottom[:-1].ravel(), bottom[1:].ravel(), wire)
        return top[:, 0], bottom[-1]

    def whole(self, row_wire: float, column_wire: float) -> tuple[Ints, Ints]:
        """Add cells, a piece of wire on either line of each; return where lines begin and end."""
        b, shape = self.b, self.labels.shape
        to, onward = (column_wire, row_wire) if self.turned else (row_wire, column_wire)
        first, last = b.nodes(self.names[0], shape[0]), b.nodes(self.names[1], shape[1])
        top, bottom = np.broadcast_to(first[:, None], shape), np.broadcast_to(last, shape)
        if to:
            top = b.nodes(self._named(self.names[0])).reshape(shape)
        if onward:
            bottom = b.nodes(self._named(self.names[1])).reshape(shape)
        self._cells(top, bottom)
        if to:
            before = np.column_stack((first, top[:, :-1]))
            b.resistors(self._named(self.wires[0]), before.ravel(), top.ravel(), to)
        if onward:
            after = np.vstack((bottom[1:], last))
            b.resistors(self._named(self.wires[1]), bottom.ravel(), after.ravel(), onward)
        return first, last


def as_built(
    conductances: npt.ArrayLike,
    part: str | Potentiometer | None = None,
    *,
    spread: float = 0.0,
    stuck_on: float = 0.0,
    stuck_off: float = 0.0,
    on: float | None = None,
    off: float = 0.0,
    drift: float = 0.0,
    seconds: float = 1.0,
    seed: Seed = 0,
) -> Floats:
    """Return what conductances are once they are built, for crossbars, networks and circuits alike.

    Effects come in the order of the parameters; by default there is none.

    Parameters
    ----------
    conductances : array_like
        S, of any shape.
    part : str or Potentiometer, optional
        Each is the nearest that a digital potentiometer can have: its name, such as
        ``"ad5206-10k"``, of 256 positions.
    spread : float
        Standard deviation of the logarithm of each.
    stuck_on, stuck_off : float
        Shares of the devices that are stuck at `on` and at `off`.
    on, off : float
        S; by default the largest conductance, and none.
    drift : float
        Exponent nu of what is left of a conductance, ``g t^-nu``, as of phase-change cells.
    seconds : float
        Time t since writing, in units of the time of the first reading.
    seed : int or numpy.random.Generator

    Examples
    --------
    >>> g = np.array([[1e-4, 2e-4], [5e-4, 1e-3]])
    >>> 1 / rs.generators.as_built(g, "ad5206-10k")  # steps of 39.06 ohm above 45 ohm
    array([[10005.9375,  5005.9375],
           [ 1998.125 ,   982.5   ]])
    >>> rs.crossbar_currents([0.1, 0.1], 1 / rs.generators.as_built(g, spread=0.1, seed=1)).round(7)
    array([6.200e-05, 1.095e-04])
    """
    g = real(conductances, "conductances")
    shares = (stuck_on, stuck_off, stuck_on + stuck_off)
    if not (g >= 0).all() or min(spread, off, *shares) < 0 or max(shares) > 1 or not seconds > 0:
        raise UsageError(
            "conductances, spread, off and shares can't be negative, shares are at most 1 "
            "together, seconds are positive"
        )
    rng = generator(seed)
    largest = float(g.max(initial=0.0)) if on is None else on
    if part is not None:
        g = nearest(potentiometer(part).levels, g)
    g = g * np.exp(spread * rng.normal(size=g.shape))
    draw = rng.random(g.shape)
    g = np.where(draw < stuck_on, largest, np.where(draw < stuck_on + stuck_off, off, g))
    return np.asarray(g * seconds**-drift)
