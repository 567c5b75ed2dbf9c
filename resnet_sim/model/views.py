"""How a circuit shows itself: in a line, in some lines, and as a table in a notebook."""

from __future__ import annotations

from collections.abc import Iterable

from ..diagnostics import Diagnostic
from .display import MAX_ROWS, few, how_many, html_table
from .numbered import Numbered
from .requests import Analysis


def size(circuit: Numbered) -> str:
    """Return how large a circuit is, in words."""
    kinds = [how_many(len(table), table.kind) for table in circuit.present.values()]
    return ", ".join([how_many(len(circuit.nodes), "node"), *kinds])


def summary(
    circuit: Numbered, analyses: Iterable[Analysis], diagnostics: Iterable[Diagnostic]
) -> str:
    """Return what a circuit consists of, what is asked for and what was said, in some lines."""
    lines = [circuit.title] if circuit.title else []
    lines.append(f"{how_many(len(circuit.nodes), 'node')}: {few(circuit.nodes, 8)}")
    for table in circuit.present.values():
        lines.append(f"{how_many(len(table), table.kind)}: {few(table.names, 8)}")
    for analysis in analyses:
        swept = [f"{s.name} at {how_many(len(s.values), 'value')}" for s in analysis.sweeps]
        lines.append(f".{analysis.name} {', '.join(swept)}".rstrip())
    severities = [diagnostic.severity for diagnostic in diagnostics]
    said = [how_many(severities.count(s), s) for s in ("warning", "note") if s in severities]
    return "\n".join([*lines, *([", ".join(said)] if said else [])])


def html(circuit: Numbered) -> str:
    """Return the first elements as a table."""
    rows = []
    for number in range(min(MAX_ROWS, circuit.n_elements)):
        p, q = (circuit.nodes[ends[number]] for ends in circuit.terminals)
        table, row = circuit.locate(number)
        device = circuit.tables[table]
        column = getattr(device, device.value, None) if device.value else None
        value = "" if column is None or not len(column) else f"{column[row]:.6g}"
        rows.append((circuit.element_names[number], device.kind, p, q, value))
    header = ("element", "kind", "from", "to", "value")
    return html_table(f"{circuit.title} ({size(circuit)})", header, rows, circuit.n_elements)
