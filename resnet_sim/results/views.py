"""How results show themselves: voltages in a line, and tables in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays import Floats
from ..model.circuit import Circuit
from ..model.display import MAX_ROWS, html_table

#: nodes whose voltages are told in a line
SHOWN = 6


def first_voltages(circuit: Circuit, v: Floats) -> str:
    """Return the first node voltages of one point, and how many more there are."""
    nodes = enumerate(circuit.nodes[1 : SHOWN + 1], 1)
    values = ", ".join(f"v({name})={v[k]:.6g}" for k, name in nodes)
    more = len(circuit.nodes) - 1 - SHOWN
    return values + (f", ... {more:,} more" if more > 0 else "") + " V"


def table_of_point(caption: str, circuit: Circuit, v: Floats, i: Floats) -> str:
    """Return the first voltages and currents of one point, a row each."""
    nodes, names = circuit.nodes, circuit.element_names
    rows = [(f"v({nodes[k]})", f"{v[k]:.6g} V") for k in range(1, min(MAX_ROWS, len(nodes)))]
    rows += [(f"i({names[k]})", f"{i[k]:.6g} A") for k in range(min(MAX_ROWS, len(names)))]
    return html_table(caption, ("quantity", "value"), rows, len(nodes) - 1 + len(names))


def table_of_points(caption: str, header: Sequence[str], values: Floats) -> str:
    """Return the first points, a row each."""
    cells = [[f"{x:.6g}" for x in row[:MAX_ROWS]] for row in values[:MAX_ROWS]]
    return html_table(caption, header[:MAX_ROWS], cells, len(values))
