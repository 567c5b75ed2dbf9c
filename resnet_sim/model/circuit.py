"""The circuit: a frozen value made of the tables of `elements`.

Nodes and elements are numbered.  Node 0 is ground.  Elements are numbered through the
tables in the order of `TABLES`: all resistors first, controlled sources last; arrays of
currents have that order.  The conductances of crossbars count one by one.  A circuit never
changes: ``with_values`` and its like return new ones that share what stays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..arrays import Floats, Ints
from ..diagnostics import Diagnostic, Span
from ..errors import UsageError
from .crossbars import Crossbars, JoinedNames
from .elements import (
    Capacitors,
    ControlledSources,
    CurrentSources,
    Diodes,
    Inductors,
    Resistors,
    Switches,
    Table,
    VoltageSources,
)
from .requests import Analysis, Derivatives, Measure

if TYPE_CHECKING:
    import networkx

#: table name -> name of the column that ``with_values`` and ``inputs`` set
TABLES: dict[str, str | None] = {
    "resistors": "ohms",
    "crossbars": "ohms",
    "capacitors": "farads",
    "inductors": "henries",
    "voltage_sources": "volts",
    "current_sources": "amps",
    "diodes": "v_forward",
    "switches": None,
    "controlled_sources": "constant",
}

_NUMBERS = ("_element_number", "_node_number")


@dataclass(frozen=True)
class Source:
    """A file that the circuit was read from."""

    name: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The physical lines, without line ends."""
        return self.text.split("\n")

    def span(self, line: int) -> Span:
        """Return the whole of one line, without the white space around it."""
        text = self.lines[line - 1].rstrip("\r")
        stripped = text.strip()
        column = text.find(stripped) + 1 if stripped else 1
        return Span(self.name, line, column, max(1, len(stripped)), text)


@dataclass(frozen=True)
class Circuit:
    r"""A nonlinear resistive circuit.

    Build one with `read_netlist`, `parse_netlist` or `CircuitBuilder`.

    Attributes
    ----------
    nodes : tuple of str
        Node names; ``nodes[0]`` is ``"0"``, the ground.
    analyses : tuple of Analysis
        What the deck asks for; empty means an operating point.
    nodeset : dict
        Node name -> V: where an iteration starts, and which of several solutions is meant.
    outputs : tuple of str
        What ``.print`` and ``.save`` name, such as ``v(out)``; empty means everything.
    derivatives, measures : tuple of Derivatives, tuple of Measure
        What ``.sens`` and ``.tf``, and what ``.meas`` ask for.
    diagnostics : tuple of Diagnostic
        Warnings and notes found on the way here.
    sources : tuple of Source
        The texts that the ``file`` columns of the tables refer to.
    rebuild : callable, optional
        ``rebuild({"parameter": value})`` elaborates the deck anew; see `with_parameters`.

    Examples
    --------
    >>> circuit = rs.parse_netlist("divider\nV1 in 0 1\nR1 in out 1k\nR2 out 0 1k")
    >>> circuit.nodes, circuit.resistors.names, circuit.resistors.ohms
    (('0', 'in', 'out'), ('r1', 'r2'), array([1000., 1000.]))
    >>> round(rs.solve(circuit.with_values({"r2": 3e3})).voltage("out"), 9)
    0.75
    """

    title: str = ""
    nodes: tuple[str, ...] = ("0",)
    resistors: Resistors = field(default_factory=Resistors)
    crossbars: Crossbars = field(default_factory=Crossbars)
    capacitors: Capacitors = field(default_factory=Capacitors)
    inductors: Inductors = field(default_factory=Inductors)
    voltage_sources: VoltageSources = field(default_factory=VoltageSources)
    current_sources: CurrentSources = field(default_factory=CurrentSources)
    diodes: Diodes = field(default_factory=Diodes)
    switches: Switches = field(default_factory=Switches)
    controlled_sources: ControlledSources = field(default_factory=ControlledSources)
    analyses: tuple[Analysis, ...] = ()
    nodeset: Mapping[str, float] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    derivatives: tuple[Derivatives, ...] = ()
    measures: tuple[Measure, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    sources: tuple[Source, ...] = ()
    rebuild: Callable[[Mapping[str, float]], Circuit] | None = field(default=None, compare=False)

    # ---- numbering ----

    def tables(self) -> Iterator[Table | Crossbars]:
        """Yield the tables in the order in which elements are numbered."""
        for name in TABLES:
            yield getattr(self, name)

    @cached_property
    def first(self) -> dict[str, int]:
        """Number of the first element of each table."""
        starts, total = {}, 0
        for name, table in zip(TABLES, self.tables(), strict=True):
            starts[name] = total
            total += len(table)
        return starts

    @cached_property
    def n_elements(self) -> int:
        """How many elements there are."""
        return sum(len(table) for table in self.tables())

    @cached_property
    def element_names(self) -> Sequence[str]:
        """Names of all elements in the order of their numbers; a tuple if there is no crossbar."""
        if self.crossbars.devices:
            return JoinedNames(table.names for table in self.tables())
        return tuple(chain.from_iterable(table.names for table in self.tables()))

    @cached_property
    def terminals(self) -> tuple[Ints, Ints]:
        """Node numbers (p, q) of all elements, two arrays of shape (n_elements,)."""
        p = np.concatenate([table.p for table in self.tables()])
        q = np.concatenate([table.q for table in self.tables()])
        return p, q

    @cached_property
    def _element_number(self) -> dict[str, int]:
        numbers: dict[str, int] = {}
        for name, table in zip(TABLES, self.tables(), strict=True):
            if isinstance(table, Table):  # the names of crossbars tell their numbers
                start = self.first[name]
                numbers |= zip(table.names, range(start, start + len(table)), strict=True)
        return numbers

    @cached_property
    def _node_number(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.nodes)}

    def element(self, name: str) -> int:
        """Return the number of an element; `UsageError` if there is none of that name."""
        number = self.find(name)
        return _find(name, self._element_number, "element") if number is None else number

    def find(self, name: str) -> int | None:
        """Return the number of an element, None if there is none of that name."""
        cell = self.crossbars.find(name.lower())
        if cell is not None:
            return self.first["crossbars"] + cell
        return self._element_number.get(name.lower())

    def node(self, name: str) -> int:
        """Return the number of a node; `UsageError` if there is none of that name."""
        folded = name.lower()
        return _find("0" if folded == "gnd" else name, self._node_number, "node")

    def locate(self, element: int) -> tuple[str, int]:
        """Return the table's name and the row of an element number."""
        for name, table in zip(TABLES, self.tables(), strict=True):
            if element < self.first[name] + len(table):
                return name, element - self.first[name]
        raise IndexError(element)

    def kind(self, element: int) -> str:
        """Return what an element is, in words: ``"voltage source"``."""
        return str(getattr(self, self.locate(element)[0]).kind)

    def line(self, element: int) -> int:
        """Return the source line of an element, 0 if it has none."""
        table, row = self.locate(element)
        lines = getattr(self, table).line
        return int(lines[row]) if len(lines) else 0

    def span(self, element: int) -> Span | None:
        """Return the source line of an element, None if it has none."""
        table, row = self.locate(element)
        columns = getattr(self, table)
        if not len(columns.line) or not columns.line[row] or columns.file[row] < 0:
            return None
        source: Source = self.sources[columns.file[row]]
        return source.span(int(columns.line[row]))

    # ---- variants ----

    def with_values(self, values: Mapping[str, float]) -> Circuit:
        """Return the circuit with other values.

        Parameters
        ----------
        values : mapping of element name to float
            Resistance (ohm), voltage (V) or current (A) of an independent source, forward
            drop of a diode (V).

        Raises
        ------
        UsageError
            If a name is unknown, has no value, or a value is not finite.
        """
        changed: dict[str, Floats] = {}
        cells: dict[int, float] = {}
        for name, value in values.items():
            table, row = self.locate(self.element(name))
            column = TABLES[table]
            if column is None:
                raise UsageError(f"{name} is a {getattr(self, table).kind}: it has no value to set")
            if not np.isfinite(value) and not (column == "ohms" and value == np.inf):
                raise UsageError(f"the value {value} of {name} is not finite")
            if table == "crossbars":
                cells[row] = value
                continue
            if table not in changed:
                changed[table] = getattr(getattr(self, table), column).copy()
            changed[table][row] = value
            if table == "diodes" and -self.diodes.v_reverse[row] > value:
                raise UsageError(f"{name} would break down below its forward voltage {value}")
        columns: dict[str, Any] = {t: {str(TABLES[t]): a} for t, a in changed.items()}
        if cells:
            columns["crossbars"] = {"devices": self.crossbars.with_ohms(cells).devices}
        return self._with_columns(columns)

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
        folded = {name.lower(): array for name, array in values.items()}
        devices = self.crossbars.with_conductances(folded).devices
        return self._with_columns({"crossbars": {"devices": devices}})

    def with_switches(self, states: Mapping[str, bool]) -> Circuit:
        """Return the circuit with switches held closed (True) or open (False).

        Raises
        ------
        UsageError
            If a name is unknown or not a switch.
        """
        closed, fixed = self.switches.closed.copy(), self.switches.fixed.copy()
        for name, state in states.items():
            table, row = self.locate(self.element(name))
            if table != "switches":
                raise UsageError(f"{name} is a {getattr(self, table).kind}, not a switch")
            closed[row], fixed[row] = state, True
        return self._with_columns({"switches": {"closed": closed, "fixed": fixed}})

    def with_parameters(self, values: Mapping[str, float]) -> Circuit:
        """Return the deck elaborated anew with other parameters (``temp``: Celsius).

        Raises
        ------
        UsageError
            If the circuit was not read from a netlist or a parameter is unknown.
        """
        if self.rebuild is None:
            raise UsageError("the circuit was not read from a netlist: it has no parameters")
        return self.rebuild(values)

    def _with_columns(self, columns: Mapping[str, Mapping[str, Any]]) -> Circuit:
        tables = {
            name: dataclasses.replace(getattr(self, name), **arrays)
            for name, arrays in columns.items()
        }
        changed = dataclasses.replace(self, **tables)
        # names and numbering stay, and so does what was derived from them
        for key in ("first", "n_elements", "element_names", "terminals", *_NUMBERS):
            if key in self.__dict__:
                changed.__dict__[key] = self.__dict__[key]
        return changed

    # ---- views ----

    def to_networkx(self) -> networkx.MultiGraph:
        """Return the circuit as a graph.

        Nodes are node names, edges are keyed by element name and carry ``kind`` and the
        parameters of the element's table as attributes.
        """
        import networkx

        graph = networkx.MultiGraph(title=self.title)
        graph.add_nodes_from(self.nodes)
        for table in self.tables():
            if isinstance(table, Crossbars):
                table.add_edges(graph, self.nodes)
                continue
            skipped = {"names", "p", "q", "ptr", "of_current", "index", "gain"}
            columns = [f.name for f in dataclasses.fields(table) if f.name not in skipped]
            for row, name in enumerate(table.names):
                attributes = {
                    c: getattr(table, c)[row].item() for c in columns if len(getattr(table, c))
                }
                p, q = self.nodes[table.p[row]], self.nodes[table.q[row]]
                graph.add_edge(p, q, key=name, kind=table.kind, p=p, q=q, **attributes)
        return graph


def _find(name: str, numbers: Mapping[str, int], what: str) -> int:
    number = numbers.get(name.lower())
    if number is None:
        near = get_close_matches(name.lower(), numbers, n=1)
        raise UsageError(f"no {what} {name!r}" + (f": did you mean {near[0]!r}?" if near else ""))
    return number
