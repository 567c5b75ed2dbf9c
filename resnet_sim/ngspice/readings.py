"""What another simulator says about a circuit: its vectors, matched with nodes and elements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.display import how_many
from ..netlist.write.export import exported_names
from ..results.operating_point import OperatingPoint
from ..results.rawfile import Plot

_VOLTAGE = re.compile(r"v\(([^(),]+)(?:(?:,|\)-v\()([^(),]+))?\)").fullmatch
_CURRENT = re.compile(
    r"i\(@?([^()\[\]]+?)(?:\[(?:id?|current)\])?\)|@([^\[\]]+)\[(?:id?|current)\]|(.+)#branch"
).fullmatch


@dataclass(frozen=True)
class Quantity:
    """A voltage between two nodes, or the current of an element."""

    is_current: bool
    first: int
    second: int = 0


@dataclass(frozen=True, eq=False)
class Reading:
    """Voltages and currents that another simulator gives for one analysis.

    Attributes
    ----------
    source : str
        Who says so: ``"ngspice-39"``, or the name of a file.
    names : tuple of str
        The quantities, as this package calls them: ``v(out)``, ``v(a,b)``, ``i(v1)``.
    is_current : ndarray of bool, shape (quantities,)
    first, second : ndarray of int, shape (quantities,)
        Two nodes, or an element and 0.
    values : ndarray, shape (points, quantities)
        V or A; NaN where there is none.
    spread : ndarray, shape (points, quantities)
        How well the simulator knows them, V or A, as far as that was examined.
    failures : dict of int to str
        Point -> why it has no values.
    resolution : float
        Relative spacing of the numbers as they were stored; 0 for float64.
    seconds : float
        What the simulator took.
    notes : tuple of str
        How it was asked.
    unmatched : tuple of str
        Vectors that belong to no node or element.
    omitted : dict of str to str
        Element -> why it was not given to the simulator.

    Examples
    --------
    >>> reading = rs.ngspice.run(rs.generators.ladder(1))
    >>> reading.names, reading.voltage("n1").round(6), reading.current("v0").round(6)
    (('v(n0)', 'v(n1)', 'i(v0)'), array([0.5]), array([-0.5]))
    """

    source: str
    names: tuple[str, ...]
    is_current: Bools
    first: Ints
    second: Ints
    values: Floats
    spread: Floats
    failures: Mapping[int, str] = field(default_factory=dict)
    resolution: float = 0.0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    omitted: Mapping[str, str] = field(default_factory=dict)

    def expected(self, op: OperatingPoint) -> Floats:
        """Return the same quantities of an operating point, shape (points, quantities)."""
        volts, amps = np.atleast_2d(op.node_voltages), np.atleast_2d(op.element_currents)
        ours = np.empty((len(volts), len(self.names)))
        current, voltage = self.is_current, ~self.is_current
        ours[:, current] = amps[:, self.first[current]]
        ours[:, voltage] = volts[:, self.first[voltage]] - volts[:, self.second[voltage]]
        return ours

    def voltage(self, node: str) -> Floats:
        """Return the voltage of a node, shape (points,)."""
        return self.values[:, self.names.index(f"v({node.lower()})")]

    def current(self, element: str) -> Floats:
        """Return the current of an element, shape (points,)."""
        return self.values[:, self.names.index(f"i({element.lower()})")]

    def node_voltages(self, point: int, count: int) -> Floats:
        """Return the voltages of all nodes at a point, shape (count,); NaN where unknown."""
        volts = np.full(count, np.nan)
        volts[0] = 0.0
        some = ~self.is_current & (self.second == 0)
        volts[self.first[some]] = self.values[point, some]
        return volts

    def with_point(self, point: int, values: Floats, spread: Floats) -> Reading:
        """Return the reading with other values at a point that has not failed any more."""
        changed, spreads = self.values.copy(), self.spread.copy()
        changed[point], spreads[point] = values, spread
        failures = {k: reason for k, reason in self.failures.items() if k != point}
        return replace(self, values=changed, spread=spreads, failures=failures)


class Matcher:
    """Finds out which node or element a vector belongs to.

    Parameters
    ----------
    circuit : Circuit
    exported : mapping of str to str, optional
        Element -> its name in the deck that was run, if that is known.
    """

    def __init__(self, circuit: Circuit, exported: Mapping[str, str] | None = None) -> None:
        self.circuit = circuit
        self.nodes = {name: k for k, name in enumerate(circuit.nodes)}
        self.elements = {name: k for k, name in enumerate(circuit.element_names)}
        if exported is None:
            # names of this package first, then those that flattening and export give
            names = {theirs: ours for ours, theirs in exported_names(circuit).items()}
            self.elements = {t: self.elements[o] for t, o in names.items()} | self.elements
        else:
            self.elements = {theirs: self.elements[ours] for ours, theirs in exported.items()}

    def find(self, vector: str) -> Quantity | None:
        """Return what a vector such as ``V(x1:out)`` or ``@r1[i]`` is; None if unknown."""
        # LTspice separates the levels of subcircuits by colons
        name = vector.lower().replace(" ", "").replace(":", ".")
        if match := _VOLTAGE(name):
            p, q = self._node(match[1]), self._node(match[2] or "0")
            return None if p is None or q is None else Quantity(False, p, q)
        if match := _CURRENT(name):
            element = self.elements.get(match[1] or match[2] or match[3])
            return None if element is None else Quantity(True, element)
        node = self._node(name)
        return None if node is None else Quantity(False, node)

    def _node(self, name: str) -> int | None:
        return 0 if name == "gnd" else self.nodes.get(name)

    def label(self, quantity: Quantity) -> str:
        """Return the name of a quantity."""
        if quantity.is_current:
            return f"i({self.circuit.element_names[quantity.first]})"
        p, q = self.circuit.nodes[quantity.first], self.circuit.nodes[quantity.second]
        return f"v({p},{q})" if quantity.second else f"v({p})"


def match(
    circuit: Circuit, vectors: Sequence[str], exported: Mapping[str, str] | None = None
) -> tuple[list[int], list[Quantity], list[str], list[str]]:
    """Match vectors with nodes and elements.

    Returns
    -------
    columns : list of int
        Which of the vectors were matched, each quantity once.
    quantities : list of Quantity
    names : list of str
        What the quantities are called here.
    unmatched : list of str
    """
    matcher = Matcher(circuit, exported)
    found: dict[Quantity, int] = {}
    unmatched = []
    for column, vector in enumerate(vectors):
        quantity = matcher.find(vector)
        if quantity is None:
            unmatched.append(vector)
        else:
            found.setdefault(quantity, column)
    return list(found.values()), list(found), [matcher.label(q) for q in found], unmatched


def from_plots(
    circuit: Circuit,
    op: OperatingPoint,
    plots: list[Plot],
    source: str,
    exported: Mapping[str, str] | None = None,
) -> Reading:
    """Return the reading of the plot that belongs to an analysis, which it takes away.

    `exported` is that of a `Matcher`.

    Raises
    ------
    UsageError
        If no plot fits, by its points or by what it sweeps.
    """
    points = np.atleast_2d(op.node_voltages).shape[0]
    fitting = [p for p in plots if len(p.values) == points and (p.is_sweep or not op.sweep)]
    if not fitting:
        sizes = ", ".join(str(len(plot.values)) for plot in plots) or "none"
        raise UsageError(
            f"{source} has no analysis of {how_many(points, 'point')} "
            f"(points of those in it: {sizes})"
        )
    plot = fitting[0]
    plots.remove(plot)
    found, quantities, names, unmatched = match(circuit, plot.names, exported)
    scale = _scale(op, plot, found)
    if scale is not None and scale not in found:
        unmatched.remove(plot.names[scale])
    keep = [k for k, column in enumerate(found) if column != scale or len(found) == 1]
    if not keep:
        raise UsageError(f"none of the vectors in {source} belongs to the circuit")
    return Reading(
        source=source,
        names=tuple(names[k] for k in keep),
        is_current=np.array([quantities[k].is_current for k in keep], dtype=np.bool_),
        first=np.array([quantities[k].first for k in keep], dtype=np.int64),
        second=np.array([quantities[k].second for k in keep], dtype=np.int64),
        values=plot.values[:, [found[k] for k in keep]],
        spread=np.zeros((points, len(keep))),
        resolution=plot.resolution,
        unmatched=tuple(unmatched),
    )


def _scale(op: OperatingPoint, plot: Plot, found: Sequence[int]) -> int | None:
    """Return the column of the scale; it must hold what is swept here."""
    if not op.sweep or (plot.is_point and 0 in found):
        return None  # operating points at steps need not tell what was stepped
    inner = np.asarray(next(iter(op.sweep.values())))
    close = 10 * plot.resolution + 1e-9
    if not np.allclose(plot.values[:, 0], inner, rtol=close, atol=close * np.abs(inner).max()):
        raise UsageError(
            f"the file sweeps from {plot.values[0, 0]:g} to {plot.values[-1, 0]:g}, the deck "
            f"from {inner[0]:g} to {inner[-1]:g}"
        )
    return 0
