"""How values and circuits show themselves at a prompt and in a notebook: in a few words."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # the command's help needs none of these
    from ..diagnostics import Diagnostic
    from .numbered import Numbered
    from .requests import Analysis

#: rows of a table in a notebook; what is beyond is counted
MAX_ROWS = 20


def how_many(number: int, thing: str, plural: str = "") -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> how_many(1, "node"), how_many(2, "diode"), how_many(2, "index", "indices")
    ('1 node', '2 diodes', '2 indices')
    """
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {plural or thing + 's'}"


def printable(title: str) -> str:
    """Return a title with blanks in place of what would move a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in title)


def few(texts: Sequence[str], most: int = 8, total: int | None = None) -> str:
    """Return some of many texts, and how many more there are; with `total`, of so many."""
    more = (len(texts) if total is None else total) - most
    return ", ".join(texts[:most]) + (f", ... {more:,} more" if more > 0 else "")


def aligned(rows: Sequence[Sequence[str]], left: Container[int] = (0,)) -> list[str]:
    """Return rows of cells as lines; cells of the columns `left` stand at the left.

    Examples
    --------
    >>> aligned([["node", "V"], ["a", "12"]])
    ['node   V', 'a     12']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" if k in left else f"{cell:>{width}}"
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def html_table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], total: int | None = None
) -> str:
    """Return a table for notebooks.

    Parameters
    ----------
    rows : iterable of sequence of str
        Cells as plain text.
    total : int, optional
        How many rows there are in all; a last one says how many are not shown.
    """
    from html import escape  # commands never need its table of entities

    body = [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows]
    if total is not None and total > len(body):
        more = f"{total - len(body):,} more"
        body.append(f'<tr><td colspan="{len(header)}">{more}</td></tr>')
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    )


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
