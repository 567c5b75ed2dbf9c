"""Elements from graphs and matrices, which know nothing of devices; and graphs of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Floats, Ints
from ..errors import UsageError
from .devices import DEVICES, Crossbars, Resistors, Table
from .devices.device import number
from .numbered import Numbered

if TYPE_CHECKING:
    import networkx

Nodes = tuple[str, ...]
#: how an edge may say its resistance, and whether that is a conductance
_WAYS = {"ohms": False, "resistance": False, "siemens": True, "conductance": True}
_FIRST_COLUMNS = 5  # names, p, q, file, line


def graph_of(circuit: Numbered) -> networkx.MultiGraph:
    """Return what `Circuit.to_networkx` does."""
    import networkx

    graph = networkx.MultiGraph(title=circuit.title)
    graph.add_nodes_from(circuit.nodes)
    for table in circuit.tables.values():
        table.add_edges(graph, circuit.nodes)
    return graph


def elements_of(graph: networkx.Graph, ground: Any) -> tuple[Nodes, dict[str, Table | Crossbars]]:
    """Return the nodes of a graph by name, and its edges as tables of devices."""
    if not hasattr(graph, "edges"):
        raise UsageError(f"a graph of networkx is needed, not {type(graph).__name__}")
    numbers = _numbered(graph, ground)
    known = {device.kind: name for name, device in DEVICES.items() if issubclass(device, Table)}
    rows: dict[str, list[tuple[Any, ...]]] = {}
    taken: set[str] = set()
    for u, v, name, data in _edges(graph):
        kind = str(data.get("kind", "resistor"))
        if kind not in known:
            raise UsageError(f"edge {name}: unknown kind {kind!r}; there are {', '.join(known)}")
        if name in taken:
            raise UsageError(f"two edges are called {name}: give each a name of its own")
        taken.add(name)
        p = data.get("p", u)
        q = data.get("q", v if p == u else u)
        if p not in numbers or q not in numbers:
            raise UsageError(f"edge {name}: its ends {p} and {q} must be nodes of the graph")
        row = (name, numbers[p], numbers[q], -1, 0, *_values(known[kind], name, data))
        rows.setdefault(known[kind], []).append(row)
    tables: dict[str, Table | Crossbars] = {t: _table(t, found) for t, found in rows.items()}
    return _names(graph, numbers), tables


def resistors_of(siemens: Any, ground: int, names: Sequence[str] | None) -> tuple[Nodes, Resistors]:
    """Return the nodes by name, and a resistor for each entry above the diagonal."""
    given = siemens.toarray() if hasattr(siemens, "toarray") else siemens
    try:
        matrix: Floats = np.atleast_1d(np.asarray(given, dtype=float))
    except (TypeError, ValueError, OverflowError):
        raise UsageError(
            "a square matrix of numbers is needed: rows differ in length, or are none"
        ) from None
    count = len(matrix)
    if matrix.ndim != 2 or matrix.shape != (count, count) or not count:
        raise UsageError(f"a square matrix is needed, not one of shape {matrix.shape}")
    if not np.isfinite(matrix).all() or np.diag(matrix).any():
        raise UsageError("conductances must be finite, and those on the diagonal 0")
    if not np.array_equal(matrix, matrix.T):
        raise UsageError("the matrix of conductances is not symmetric")
    called = [f"n{k}" for k in range(count)] if names is None else [str(n).lower() for n in names]
    if len(called) != count or not 0 <= ground < count:
        raise UsageError(f"{count} names are needed, and a ground among {count} rows")
    order = [ground, *(k for k in range(count) if k != ground)]
    nodes = ("0", *(called[k] for k in order[1:]))
    if len(set(nodes)) < count:
        raise UsageError("two nodes have the same name")
    number_of = np.argsort(order)
    p, q = np.nonzero(np.triu(matrix))
    ends = _ints(number_of[p]), _ints(number_of[q])
    nowhere = _ints(np.full(len(p), -1)), _ints(np.zeros(len(p)))
    elements = tuple(f"r{k}" for k in range(len(p)))
    return nodes, Resistors(elements, *ends, *nowhere, 1.0 / matrix[p, q])


def _numbered(graph: networkx.Graph, ground: Any) -> dict[Any, int]:
    """Return the number of each node of a graph, 0 for the ground."""
    if ground is None:
        found = [node for node in graph.nodes if str(node).lower() in ("0", "gnd")]
        if not found:
            raise UsageError("no node of the graph is called 0 or gnd: say which is the ground=")
        ground = found[0]
    if ground not in graph:
        raise UsageError(f"ground={ground!r} is no node of the graph")
    others = [node for node in graph.nodes if node != ground]
    return {node: k for k, node in enumerate([ground, *others])}


def _names(graph: networkx.Graph, numbers: Mapping[Any, int]) -> Nodes:
    names = ("0", *(str(node).lower() for node, k in numbers.items() if k))
    if len(set(names)) < len(names):
        raise UsageError("two nodes have the same name; only the ground may be called 0")
    return names


def _edges(graph: networkx.Graph) -> Iterator[tuple[Any, Any, str, dict[str, Any]]]:
    """Yield the ends, the name and the attributes of each edge."""
    keyed = graph.is_multigraph()
    for k, edge in enumerate(graph.edges(keys=True, data=True) if keyed else graph.edges.data()):
        data = edge[-1]
        key = edge[2] if keyed and isinstance(edge[2], str) else f"{_letter(data)}{k}"
        yield edge[0], edge[1], str(data.get("name", key)).lower(), data


def _letter(data: Mapping[str, Any]) -> str:
    """Return the letter that names of an edge's device begin with."""
    kind = data.get("kind", "resistor")
    for device in DEVICES.values():
        if device.kind == kind and device.cards:
            return device.cards[0].letter
    return "r"


def _values(table: str, name: str, data: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what an edge says in the columns of its device's own; those it need not say last."""
    device = DEVICES[table]
    if table == "resistors":
        yield _resistance(name, data)
        return
    assert issubclass(device, Table)
    if "o" in device.types or "i" in device.types:
        raise UsageError(
            f"edge {name}: a {device.kind} refers to others: add it with rs.CircuitBuilder"
        )
    given = {**device.usual, **data}
    for column in device.own_columns():
        if column not in given:
            raise UsageError(f"edge {name}: a {device.kind} needs {column}=")
        infinite = column in device.infinite
        value = given[column]
        yield value if isinstance(value, bool) else number(name, value, infinite=infinite)


def _resistance(name: str, data: Mapping[str, Any]) -> float:
    said = [way for way in _WAYS if way in data]
    if len(said) != 1:
        what = f"says {' and '.join(said)}" if said else "has no resistance"
        raise UsageError(f"edge {name} {what}: give it one of {', '.join(_WAYS)}")
    inverse = _WAYS[said[0]]
    value = number(name, data[said[0]], infinite=not inverse)
    if not inverse:
        return value
    return 1.0 / value if value else np.inf


def _table(table: str, rows: list[tuple[Any, ...]]) -> Table:
    """Return the table of a device from its rows."""
    device = DEVICES[table]
    assert issubclass(device, Table)
    names, *columns = zip(*rows, strict=True)
    return device(
        tuple(names), *(_ints(np.array(column)) for column in columns[: _FIRST_COLUMNS - 1]),
        *(np.array(column) for column in columns[_FIRST_COLUMNS - 1 :]),
    )  # fmt: skip


def _ints(values: Any) -> Ints:
    return np.asarray(values).astype(np.int64)
