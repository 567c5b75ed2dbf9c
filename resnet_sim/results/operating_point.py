"""What an analysis returns: voltages, currents, and the proof that they are right.

One class serves a single operating point, a batch of inputs and a sweep: arrays have a
leading axis of points in the latter two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast

import numpy as np

from ..arrays import Floats
from ..diagnostics import Diagnostic
from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.display import few, how_many
from ..model.names import folded, several
from .outputs import asked, is_output, sought
from .proof import OTHERS, STEPS, Certificate, SolverInfo

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # with a default: Python has none before 3.13

    #: what a quantity is: a float at one point, an array of shape (points,) at many
    Value = TypeVar("Value", default=Any)
else:
    from typing import TypeVar

    Value = TypeVar("Value")


@dataclass(frozen=True, repr=False, eq=False)
class OperatingPoint(Generic[Value]):
    r"""Voltages and currents of a circuit, at one point or at many.

    Attributes
    ----------
    circuit : Circuit
    node_voltages : ndarray, shape (n_nodes,) or (points, n_nodes)
        V; NaN where a node floats.
    element_currents : ndarray, shape (n_elements,) or (points, n_elements)
        A, SPICE sign, in the order of ``circuit.element_names``; NaN where undefined.
    certificate : Certificate
    solver : SolverInfo
    diagnostics : tuple of Diagnostic
        Warnings and notes of the deck, the structure and the solution.
    floating : tuple of str
        Nodes whose voltage nothing fixes (at some point).
    loose : ndarray, shape (2, n_nodes) or (2, points, n_nodes), optional
        Of floating nodes: the number from 1 of the part that they float with, as far as
        differences within it are fixed, and the potential within it, V.  None if none floats.
    nonunique : tuple of str
        Elements whose current is one of many possible ones.
    closed : ndarray of bool, shape (n_switches,) or (points, n_switches)
        Final states of the switches.
    sweep : dict of str to ndarray of shape (points,)
        The swept quantities at each point, the innermost first; empty for an operating point.
    unsolved : dict of int to str
        Point -> why it has no solution; its values are NaN.
    sampled : dict of str to ndarray of shape (points,)
        The values that Monte Carlo has drawn: ``r1``, or ``d1:n`` for a parameter of a model.

    Examples
    --------
    >>> op = rs.solve(rs.parse_netlist("divider\nV1 in 0 5\nR1 in out 1k\nR2 out 0 1k"))
    >>> op.voltages, op.voltage("in", "out")
    ({'in': 5.0, 'out': 2.5}, 2.5)
    >>> op.current("r1"), op.current("v1"), op.status
    (0.0025, -0.0025, 'solved')
    >>> op["out"], op["p(r1)"], op.power["v1"]  # V, W, W
    (2.5, 0.00625, -0.0125)
    """

    circuit: Circuit
    node_voltages: Floats
    element_currents: Floats
    certificate: Certificate
    solver: SolverInfo
    diagnostics: tuple[Diagnostic, ...] = ()
    floating: tuple[str, ...] = ()
    loose: Any = None
    nonunique: tuple[str, ...] = ()
    closed: Any = field(default_factory=lambda: np.zeros(0, dtype=bool))
    sweep: Mapping[str, Floats] = field(default_factory=dict)
    unsolved: Mapping[int, str] = field(default_factory=dict)
    sampled: Mapping[str, Floats] = field(default_factory=dict)
    #: column -> what its numbers stand for: all of them are numbers
    words: ClassVar[Mapping[str, Sequence[str]]] = {}
    #: of what is neither a voltage nor a power
    unit: ClassVar[str] = "A"

    def voltage(self, node: str, reference: str = "0") -> Value:
        """Return ``v(node) - v(reference)`` in V: a float, or an array of shape (points,).

        NaN where undefined; within a part that floats as a whole, differences are defined.

        Raises
        ------
        UsageError
            If a node is unknown.
        """
        v, p, q = self.node_voltages, self.circuit.node(node), self.circuit.node(reference)
        difference = v[..., p] - v[..., q]
        if self.loose is not None:
            part, potential = self.loose
            together = (part[..., p] > 0) & (part[..., p] == part[..., q])
            difference = np.where(together, potential[..., p] - potential[..., q], difference)
        return self._at(difference)

    def current(self, element: str) -> Value:
        """Return the current through an element in A, from its first terminal to its second.

        Raises
        ------
        UsageError
            If the element is unknown.
        """
        return self._at(self.element_currents[..., self.circuit.element(element)])

    def power_of(self, element: str) -> Value:
        """Return the power that an element takes up, W; negative where it delivers.

        That of a transistor, by its own name, is that of all its terminals.

        Raises
        ------
        UsageError
            If the element is unknown.
        """
        first = self.circuit.element(element)
        table, row = self.circuit.locate(first)
        width: int = getattr(self.circuit.tables[table], "width", 1)
        together = slice(first, first + (1 if row % width else width))
        return self._at(self._watts(together).sum(axis=-1))

    def _at(self, values: Any) -> Value:
        """Return a float at one point, an array at many."""
        return cast("Value", float(values) if self.node_voltages.ndim == 1 else values)

    def _watts(self, elements: int | slice) -> Floats:
        """Return the power of one or of all elements, in the last axis of all."""
        p, q = (ends[elements] for ends in self.circuit.terminals)
        watts: Floats = self.node_voltages[..., p] - self.node_voltages[..., q]
        return watts * self.element_currents[..., elements]

    @cached_property
    def voltages(self) -> dict[str, Value]:
        """Node name -> V (float, or array of shape (points,)), without ground."""
        return _named(self.circuit.nodes[1:], self.node_voltages[..., 1:])

    @cached_property
    def currents(self) -> dict[str, Value]:
        """Element name -> A (float, or array of shape (points,))."""
        return _named(self.circuit.element_names, self.element_currents)

    @cached_property
    def power(self) -> dict[str, Value]:
        """Element name -> W that it takes up (float, or array of shape (points,))."""
        return _named(self.circuit.element_names, self._watts(slice(None)))

    @property
    def co_content(self) -> Value:
        """Co-content of the circuit, W: the sum of the integrals of ``i dv`` over its elements.

        Of all voltages that sources and diodes allow, a stable state has a least one; its
        derivative by a conductance is ``v**2 / 2``, by a current source ``v`` (Millar 1951).

        Raises
        ------
        UsageError
            If some element has none, as a controlled source, or none is known.
        """
        p, q = self.circuit.terminals
        total, v = cast("Any", 0.0), self.node_voltages
        for name, device in self.circuit.present.items():
            rows = slice(self.circuit.first[name], self.circuit.first[name] + len(device))
            total = total + device.co_content(v[..., p[rows]] - v[..., q[rows]]).sum(axis=-1)
        return self._at(total)

    __iter__ = None  # Python would go through it by the numbers of nodes

    def __getitem__(self, output: str) -> Value:
        """Return the voltage of a node (V), or what `value` does: ``op["out"]``, ``op["i(r1)"]``.

        Raises
        ------
        UsageError
            If there is no such node and no such output.
        """
        output = asked(output, self.node_voltages)
        circuit = self.circuit
        if output in circuit.formulas or is_output(circuit, output):
            return self.value(output)
        if circuit.find(output) is not None and output not in ("gnd", *circuit.nodes):
            remedy = f"i({output}) is its current, p({output}) its power"
            raise UsageError(f"{output} is an element: {remedy}")
        return self.voltage(output)

    def value(self, output: str) -> Value:
        """Return ``v(node)``, ``v(node,node)``, ``i(element)`` or ``p(element)``, in V, A or W.

        ``w(element)``, ``ib(q1)``, ``@q1[ib]``, ``@r1[p]`` are understood, and ``.print`` formulas.

        Raises
        ------
        UsageError
            If `output` is none of these or names what the circuit lacks.
        """
        if (name := folded(output)) in self.circuit.formulas:
            return self._at(import_module(".tabulated", __package__).tabulated(self, name))
        kind, first, second = sought(self.circuit, output)
        if kind == "v":
            return self.voltage(self.circuit.nodes[first], self.circuit.nodes[second])
        name = self.circuit.element_names[first]
        return self.current(name) if kind == "i" else self.power_of(name)

    def chosen(self, outputs: Sequence[str] = ()) -> Sequence[str]:
        """Return `outputs`, by default those that the deck's ``.print`` names; empty for all."""
        names = several(outputs, "outputs") or self.circuit.outputs
        return () if list(names) == ["all"] else names

    def table(self, outputs: Sequence[str] = ()) -> tuple[list[str], Floats]:
        """Return names and values, shape (points, names), of swept quantities and outputs.

        Outputs are those `chosen`, or else all voltages and currents; what has been `sampled`
        comes last.
        """
        return list(self.headings(outputs)), self.rows(outputs)

    def headings(self, outputs: Sequence[str] = ()) -> Iterator[str]:
        """Yield the names of `table`."""
        chosen, circuit = self.chosen(outputs), self.circuit
        yield from self.sweep
        yield from chosen
        if not chosen:
            yield from (f"v({node})" for node in islice(circuit.nodes, 1, None))
            yield from (f"i({element})" for element in circuit.element_names)
        yield from self.sampled

    def rows(self, outputs: Sequence[str] = ()) -> Floats:
        """Return the values of `table`, shape (points, names)."""
        parts = [np.asarray(values)[:, None] for values in self.sweep.values()]
        if names := self.chosen(outputs):
            parts += [np.atleast_1d(cast(Any, self.value(name)))[:, None] for name in names]
        else:
            v = np.atleast_2d(self.node_voltages)
            parts += [v[:, 1:], np.atleast_2d(self.element_currents)]
        parts += [np.asarray(values)[:, None] for values in self.sampled.values()]
        return np.hstack(parts)

    def columns(self, outputs: Sequence[str] | None = None) -> dict[str, Any]:
        """Return what `table` does: name -> array of shape (points,)."""
        names, values = self.table(() if outputs is None else several(outputs, "outputs"))
        return dict(zip(names, values.T, strict=True))

    def to_pandas(self, outputs: Sequence[str] | None = None) -> Any:
        """Return `columns` as a pandas ``DataFrame`` with a row per point."""
        from .views import frame

        return frame(self.columns(outputs))

    def to_xarray(self, outputs: Sequence[str] | None = None) -> Any:
        """Return outputs as an xarray ``Dataset`` with a dimension per swept quantity."""
        from .views import dataset

        columns = self.columns(outputs)
        return dataset({k: v for k, v in columns.items() if k not in self.sweep}, self.sweep)

    def plot(self, outputs: Sequence[str] = (), **options: Any) -> Any:
        """Return a matplotlib figure of the result; see `plotting.plot` for the options.

        Examples
        --------
        >>> op = rs.sweep("divider\nV1 in 0 1\nR1 in out 1k\nR2 out 0 1k", v1=[0, 1, 2])
        >>> op.plot(["v(out)"]).axes[0].get_ylabel()
        'v(out) (V)'
        """
        # pictures are made of results, so they can't be imported here; like formats, by name
        return import_module("resnet_sim.plotting").plot(self, outputs, **options)

    def pick(self, rows: Any) -> OperatingPoint:
        """Return some of many points, by any index of numpy; the certificate speaks of all."""
        rows = np.atleast_1d(np.arange(len(self.node_voltages))[rows])
        place = {int(row): k for k, row in enumerate(rows)}
        return replace(
            self,
            node_voltages=self.node_voltages[rows],
            element_currents=self.element_currents[rows],
            closed=self.closed[rows],
            loose=None if self.loose is None else self.loose[:, rows],
            sweep={name: values[rows] for name, values in self.sweep.items()},
            sampled={name: values[rows] for name, values in self.sampled.items()},
            unsolved={place[k]: why for k, why in self.unsolved.items() if k in place},
        )

    def __repr__(self) -> str:
        from .views import first_voltages

        if self.node_voltages.ndim > 1:
            volts = ""
        elif len(self.circuit.nodes) == 1:
            volts = ", no nodes"
        else:
            volts = f": {first_voltages(self.circuit, self.node_voltages)}"
        return f"<OperatingPoint {self._headline}{volts}>"

    @property
    def _headline(self) -> str:
        """What a result is, in words."""
        points = len(self.node_voltages) if self.node_voltages.ndim > 1 else 0
        words = [self.status, *([how_many(points, "point")] if points else [])]
        words += [f"swept: {few(list(self.sweep), 4)}"] if self.sweep else []
        words += [f"floating: {few(self.floating, 4)}"] if self.floating else []
        return (f"{self.circuit.title!r} " if self.circuit.title else "") + "; ".join(words)

    def _repr_html_(self) -> str:
        from .views import table_of_point, table_of_points

        v, i = self.node_voltages, self.element_currents
        if v.ndim == 1:
            return table_of_point(self._headline, self.circuit, v, i)
        return table_of_points(self._headline, *self.table())

    @property
    def unique(self) -> str:
        """``"unique"``, ``"one of several"`` or ``"unknown"``: whether other solutions exist."""
        if any(d.code == "W205" for d in self.diagnostics):
            return "one of several"
        others = {OTHERS, STEPS} & set(self.solver.notes)
        looked_at_all = not others and "tangents (" not in self.solver.method
        return "unique" if looked_at_all and not self.unsolved else "unknown"

    @property
    def status(self) -> str:
        """``"solved"``, ``"not converged"``, or ``"no solution"`` (at some point)."""
        if self.unsolved:
            return "no solution"
        return "solved" if self.certificate.ok else "not converged"


def _named(names: Sequence[str], values: Floats) -> dict[str, Any]:
    if values.ndim == 1:
        return dict(zip(names, values.tolist(), strict=True))
    return dict(zip(names, values.T, strict=True))
