"""The circuit: a frozen value made of the tables of the devices.

A circuit never changes: ``with_values`` and its like return new ones that share what stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from ..diagnostics import Diagnostic, Span
from ..errors import UsageError
from .lines import Source
from .names import mapping, one
from .of_deck import OfDeck
from .requests import Analysis, Derivatives, Measure, Tabulated

if TYPE_CHECKING:
    import networkx

    from .devices import Crossbars, Table

#: what circuits of the same elements between the same nodes have in common
_NUMBERING = (
    "first", "n_elements", "element_names", "terminals", "_element_number", "_node_number",
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Circuit(OfDeck):
    r"""A nonlinear resistive circuit.

    Build one with `read_netlist`, `parse_netlist` or `CircuitBuilder`.

    Attributes
    ----------
    title : str
    nodes : tuple of str
        Node names; ``nodes[0]`` is ``"0"``, the ground.
    tables : dict of str to Table
        Tables by name, in the order in which elements are numbered.  Each is an attribute too:
        ``circuit.resistors``.  Those of which the circuit has none are not listed.
    analyses : tuple of Analysis
        What the deck asks for; empty means an operating point.
    nodeset : dict
        Node name -> V: where an iteration starts, and which of several solutions is meant.
    outputs, plots, formulas : tuple of str, tuple of tuple of str, dict of str to Tabulated
        What ``.print`` and ``.save`` name, such as ``v(out)``; empty means everything.  What each
        ``.plot`` names: what `OperatingPoint.plot` shows.  And those of them that are formulas.
    derivatives, measures : tuple of Derivatives, tuple of Measure
        What ``.sens`` and ``.tf``, and what ``.meas`` ask for.
    diagnostics : tuple of Diagnostic
        Warnings and notes found on the way here.
    sources : tuple of Source
        The texts that the ``file`` columns of the tables refer to.
    rebuild : callable, optional
        ``rebuild({"parameter": value})`` elaborates the deck anew; see `with_parameters`.
    altered : bool
        Whether anything has been changed since the deck was read.
    overrides : dict of str to float
        Parameters that have other values than the deck gives them.
    parameters : dict of str to float
        Parameters of the deck that no others say, and their values.
    spread : dict of str to float
        Element -> what its value may be off by, relative: ``tol=`` of its card.

    Examples
    --------
    >>> circuit = rs.parse_netlist("divider\nV1 in 0 1\nR1 in out 1k\nR2 out 0 1k")
    >>> circuit.nodes, circuit.resistors.names, circuit.resistors.ohms
    (('0', 'in', 'out'), ('r1', 'r2'), array([1000., 1000.]))
    >>> round(rs.solve(circuit.with_values({"r2": 3e3})).voltage("out"), 9)
    0.75
    """

    analyses: tuple[Analysis, ...] = ()
    nodeset: Mapping[str, float] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    plots: tuple[tuple[str, ...], ...] = ()
    formulas: Mapping[str, Tabulated] = field(default_factory=dict)
    derivatives: tuple[Derivatives, ...] = ()
    measures: tuple[Measure, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    sources: tuple[Source, ...] = ()
    rebuild: Callable[..., Circuit] | None = field(default=None, compare=False)
    altered: bool = field(default=False, compare=False)
    overrides: Mapping[str, float] = field(default_factory=dict, compare=False)
    parameters: Mapping[str, float] = field(default_factory=dict, compare=False)
    spread: Mapping[str, float] = field(default_factory=dict)

    def span(self, element: int) -> Span | None:
        """Return the source line of an element, None if it has none."""
        table, row = self.locate(element)
        columns = self.tables[table]
        if not len(columns.line) or not columns.line[row] or columns.file[row] < 0:
            return None
        return self.sources[columns.file[row]].span(int(columns.line[row]))

    def span_of(self, place: tuple[int, int]) -> Span | None:
        """Return a line of the sources, None for a place in none of them."""
        file, line = place
        return self.sources[file].span(line) if 0 <= file < len(self.sources) and line else None

    # ---- variants ----

    def with_values(self, values: Mapping[str, float]) -> Circuit:
        """Return the circuit with other values.

        Parameters
        ----------
        values : mapping of element name to float
            Resistance (ohm), voltage (V) or current (A) of an independent source, forward
            drop of a diode (V).  Of a controlled source it is what is added to its controls (V or
            A), not a gain: gains are varied as parameters of a deck.

        Raises
        ------
        UsageError
            If a name is unknown, has no value, or a value is not finite.
        """
        changed: dict[str, dict[int, float]] = {}
        for name, value in mapping(values, "values").items():
            table, row = self.locate(self.element(name))
            changed.setdefault(table, {})[row] = value
        return self._renewed({t: self.tables[t].with_values(rows) for t, rows in changed.items()})

    def with_conductances(self, values: Mapping[str, npt.ArrayLike]) -> Circuit:
        """Return the circuit with other conductances in some crossbars.

        Parameters
        ----------
        values : mapping of the name of a crossbar to array_like, shape (R, C)
            S; arrays of float32 or float64 are not copied and must not change afterwards.

        Raises
        ------
        UsageError
            If there is no such crossbar, or a conductance is negative or not finite.
        """
        changed = self.crossbars.with_conductances(mapping(values, "crossbars"))
        return self._renewed({"crossbars": changed})

    def with_switches(self, states: Mapping[str, bool]) -> Circuit:
        """Return the circuit with switches held closed (True) or open (False).

        Raises
        ------
        UsageError
            If a name is unknown or not a switch.
        """
        closed, fixed = self.switches.closed.copy(), self.switches.fixed.copy()
        for name, state in mapping(states, "states of switches").items():
            table, row = self.locate(self.element(name))
            if table != "switches":
                raise UsageError(f"{name} is a {self.tables[table].kind}, not a switch")
            if one(name, state) not in (0.0, 1.0):
                raise UsageError(f"{name} is closed (True) or open (False), not {state!r}")
            closed[row], fixed[row] = state, True
        return self._with_columns({"switches": {"closed": closed, "fixed": fixed}})

    def with_model_parameters(self, values: Mapping[str, float]) -> Circuit:
        """Return the circuit with other parameters of the models of single elements.

        Parameters
        ----------
        values : mapping of str to float
            ``"d1:vfwd"``: an element, and a parameter of its model.

        Raises
        ------
        UsageError
            If there is no such element, or a parameter that its model lacks or that makes no
            device.
        """
        changed = dict(self.tables)
        for both, value in values.items():
            name, _, key = both.rpartition(":")
            table, row = self.locate(self.element(name))
            try:
                changed[table] = changed[table].with_parameter(key, {row: value})
            except KeyError:
                raise UsageError(f"{name} is a {self.tables[table].kind}: no {key!r}") from None
        return self._renewed(changed)

    def with_tables(self, **tables: Table | Crossbars) -> Circuit:
        """Return the circuit with other tables; ``with_tables(resistors=...)``."""
        return replace(self, tables={**self.tables, **tables}, altered=True)

    def _with_columns(self, columns: Mapping[str, Mapping[str, Any]]) -> Circuit:
        return self._renewed(
            {t: replace(self.tables[t], **arrays) for t, arrays in columns.items()}
        )

    def _renewed(self, tables: Mapping[str, Table | Crossbars]) -> Circuit:
        """Return the circuit with tables of the same elements between the same nodes."""
        changed = self.with_tables(**tables)
        # names and numbering stay, and so does what was derived from them
        for key in _NUMBERING:
            if key in self.__dict__:
                changed.__dict__[key] = self.__dict__[key]
        return changed

    # ---- views ----

    def __repr__(self) -> str:
        from .display import size

        title = f" {self.title!r}" if self.title else ""
        return f"<Circuit{title}: {size(self)}>"

    def summary(self) -> str:
        """Return what the circuit consists of and what its deck asks for, in some lines."""
        from .display import summary

        return summary(self, self.analyses, self.diagnostics)

    def _repr_html_(self) -> str:
        from .display import html

        return html(self)

    def to_networkx(self) -> networkx.MultiGraph:
        """Return the circuit as a graph.

        Nodes are node names, edges are keyed by element name and carry ``kind`` and the
        parameters of the element's table as attributes.
        """
        from .from_graph import graph_of

        return graph_of(self)

    @classmethod
    def from_networkx(cls, graph: networkx.Graph, ground: Any = None) -> Circuit:
        """Return a circuit whose elements are the edges of a graph.

        Parameters
        ----------
        graph : networkx.Graph
            Of any kind.  An edge is a resistor of its ``ohms``, ``resistance`` (both ohm),
            ``siemens`` or ``conductance`` (both S), or what its ``kind`` says, with the columns
            of that device as `to_networkx` writes them: ``kind="voltage source", volts=5``.
            Its first node is its ``p``, where that is given, and its name its ``name`` or key.
        ground : node, optional
            Which node is the ground; by default the one called ``0`` or ``gnd``.

        Raises
        ------
        UsageError
            If an edge says too little, or there is no ground.

        Examples
        --------
        >>> import networkx as nx
        >>> graph = nx.path_graph(3)
        >>> nx.set_edge_attributes(graph, 1e3, "ohms")
        >>> graph.add_edge(2, 0, kind="voltage source", volts=1.0)
        >>> rs.Circuit.from_networkx(graph)
        <Circuit: 3 nodes, 2 resistors, 1 voltage source>
        """
        from .from_graph import elements_of

        nodes, tables = elements_of(graph, ground)
        return cls(title=str(graph.graph.get("title", "")), nodes=nodes, tables=tables)

    @classmethod
    def from_adjacency(
        cls, siemens: Any, ground: int = 0, names: Sequence[str] | None = None
    ) -> Circuit:
        """Return the resistors that a matrix of conductances says.

        Parameters
        ----------
        siemens : array_like or sparse matrix, shape (N, N)
            S, symmetric; 0 is open, and the diagonal must be 0.
        ground : int
            Row of the ground.
        names : sequence of str, optional
            Names of the N nodes, by default ``n0``, ``n1`` ...; the ground is called ``0``.

        Raises
        ------
        UsageError
            If the matrix is not square, not symmetric or not finite.

        Examples
        --------
        >>> circuit = rs.Circuit.from_adjacency([[0, 1e-3], [1e-3, 0]])
        >>> circuit.nodes, circuit.resistors.ohms
        (('0', 'n1'), array([1000.]))
        """
        from .from_graph import resistors_of

        nodes, resistors = resistors_of(siemens, ground, names)
        return cls(nodes=nodes, tables={"resistors": resistors})
