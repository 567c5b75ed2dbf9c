"""Results for people: aligned tables in engineering notation."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from ...errors import UsageError
from ..operating_point import OperatingPoint

#: rows of nodes, elements or switches that a table shows, and columns of a sweep's table
MAX_ROWS = 40
MAX_COLUMNS = 8

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M",
             9: "G", 12: "T"}  # fmt: skip
_EVERYTHING = "--format csv shows everything"


def engineering(value: float, unit: str, digits: int = 6) -> str:
    """Return a value with a metric prefix, such as ``-1.50000 mA``."""
    if value == 0 or not math.isfinite(value):
        return f"{abs(value) if value == 0 else value:.0f} {unit}".rstrip()
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    thousands = exponent // 3 * 3
    if thousands not in _PREFIXES:
        return f"{value:.{digits - 1}e} {unit}".rstrip()
    decimals = max(0, digits - 1 - exponent + thousands)
    return f"{value / 10.0**thousands:.{decimals}f} {_PREFIXES[thousands]}{unit}".rstrip()


def format_table(ops: OperatingPoint | Sequence[OperatingPoint]) -> str:
    """Return tables of the voltages and currents of one or several analyses.

    A deck that names its outputs (``.print``, ``.save``) gets just these.  Large
    circuits are cut to the part that most likely interests; the text says so.
    """
    ops = [ops] if isinstance(ops, OperatingPoint) else ops
    title = "".join(c if c.isprintable() else " " for c in ops[0].circuit.title).strip()
    blocks = [title] if title else []
    for number, op in enumerate(ops, 1):
        if len(ops) > 1:
            blocks.append(f"analysis {number}: {'sweep' if op.sweep else 'operating point'}")
        blocks += _point_blocks(op) if op.node_voltages.ndim == 1 else [_sweep_block(op)]
        blocks.append(_certificate_lines(op))
    return "\n\n".join(blocks) + "\n"


def _point_blocks(op: OperatingPoint) -> list[str]:
    if op.circuit.outputs:
        rows = [(name, *_cell(_output(op, name), name, op)) for name in op.circuit.outputs]
        blocks = [_aligned(("output", "value"), rows)]
    else:
        nodes, v, i = op.circuit.nodes, op.node_voltages, op.element_currents
        shown, missing = _cut(_near(range(1, len(nodes)), nodes), len(nodes) - 1, "nodes")
        rows = [(nodes[k], *_cell(float(v[k]), f"v({nodes[k]})", op)) for k in shown]
        blocks = [_aligned(("node", "voltage"), rows) + missing] if rows else []
        names = op.circuit.element_names
        shown, missing = _cut(_interesting(op), len(names), "elements")
        rows = [(names[k], *_cell(float(i[k]), f"i({names[k]})", op)) for k in shown]
        blocks += [_aligned(("element", "current"), rows) + missing] if rows else []
    states = dict(zip(op.circuit.switches.names, np.asarray(op.closed).tolist(), strict=True))
    _, missing = _cut(range(len(states)), len(states), "switches")
    first = islice(states.items(), MAX_ROWS)
    rows = [(name, "closed" if closed else "open", "", "") for name, closed in first]
    return blocks + ([_aligned(("switch", "state"), rows) + missing] if rows else [])


def _near(numbers: Iterable[int], names: Sequence[str]) -> Iterator[int]:
    """Yield numbers, those first whose name is not inside a subcircuit."""
    inside = []
    for k in numbers:
        if "." in names[k]:
            inside.append(k)
        else:
            yield k
    yield from inside


def _interesting(op: OperatingPoint) -> Iterator[int]:
    """Yield the numbers of elements, those that say most about a circuit first."""
    circuit = op.circuit
    names = circuit.element_names
    tables = ("voltage_sources", "current_sources", "controlled_sources", "diodes", "switches")
    telling = set()
    for table in tables:
        start = circuit.first[table]
        for k in range(start, start + len(getattr(circuit, table))):
            if "." not in names[k]:
                telling.add(k)
                yield k
    yield from (k for k in range(len(names)) if k not in telling)


def _cut(ranked: Iterable[int], count: int, what: str) -> tuple[list[int], str]:
    """Return what to show of `count` things, in their usual order, and a line about the others."""
    shown = sorted(islice(ranked, MAX_ROWS))
    text = f"\n  ({count - MAX_ROWS} more {what}: {_EVERYTHING})" if count > MAX_ROWS else ""
    return shown, text


def _sweep_block(op: OperatingPoint) -> str:
    names, missing = _sweep_columns(op)
    columns = [_output(op, name) for name in names]
    sweeps = [values.tolist() for values in op.sweep.values()]
    header = [*(op.sweep or ("point",)), *names]
    lines = [header]
    for point in range(op.node_voltages.shape[0]):
        where = [f"{values[point]:.6g}" for values in sweeps] or [str(point)]
        cells = []
        for name, column in zip(names, columns, strict=True):
            value = None if column is None else float(column[point])
            number, unit, _ = _cell(value, name, op)
            cells.append(f"{number} {unit}".rstrip())
        cells = ["no solution"] * len(names) if point in op.unsolved else cells
        lines.append([*where, *cells])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    return "\n".join(text) + missing


def _sweep_columns(op: OperatingPoint) -> tuple[list[str], str]:
    """Return the quantities to show for each point, and a line about the others."""
    if op.circuit.outputs:
        return list(op.circuit.outputs), ""
    nodes, elements = op.circuit.nodes, op.circuit.element_names
    voltages = (f"v({nodes[k]})" for k in _near(range(1, len(nodes)), nodes))
    currents = (f"i({elements[k]})" for k in _interesting(op))
    left = len(nodes) - 1 + len(elements) - MAX_COLUMNS
    text = f"\n  ({left} more quantities: {_EVERYTHING})" if left > 0 else ""
    return list(islice(chain(voltages, currents), MAX_COLUMNS)), text


def _output(op: OperatingPoint, name: str) -> Any:
    """Return what an output such as ``v(a,b)``, ``i(r1)`` or ``@r1[i]`` names, None if unknown."""
    voltage = re.fullmatch(r"v\(([^,()]+)(?:,([^,()]+))?\)", name.replace(" ", "").lower())
    current = re.fullmatch(r"i\(@?([^()\[\]]+)(?:\[i\])?\)|@(.+)\[id?\]", name.lower())
    try:
        if voltage:
            return op.voltage(voltage[1], voltage[2] or "0")
        return op.current(current[1] or current[2]) if current else None
    except UsageError:
        return None


def _cell(value: float | None, name: str, op: OperatingPoint) -> tuple[str, str, str]:
    """Return number, unit and remark; words in place of what is undefined."""
    voltage = name.startswith("v")
    if value is None:
        return "unknown", "", ""
    if math.isnan(value):
        return ("floating" if voltage else "undefined"), "", ""
    number, _, unit = engineering(value, "V" if voltage else "A").partition(" ")
    unique = voltage or name.partition("(")[2].rstrip(")") not in op.nonunique
    return number, unit, "" if unique else "  (one of many)"


def _aligned(header: tuple[str, str], rows: Iterable[tuple[str, str, str, str]]) -> str:
    """Return columns of names, right-aligned values, units and remarks."""
    lines = [(*header, "", ""), *rows]
    left, right, unit, _ = (max(map(len, column)) for column in zip(*lines, strict=True))
    text = [
        f"  {name:<{left}}  {value:>{right}} {symbol:<{unit}}{remark}".rstrip()
        for name, value, symbol, remark in lines
    ]
    return "\n".join(text)


def _certificate_lines(op: OperatingPoint) -> str:
    c, solver = op.certificate, op.solver
    verdict = "ok" if c.ok else "FAILED"
    lines = [
        f"certificate: {verdict}, KCL {c.kcl_residual:.2g} A, laws {c.law_residual:.2g}, "
        f"diodes {c.diode_voltage_violation:.2g} V and {c.diode_current_violation:.2g} A, "
        f"power {c.power_mismatch:.2g} (tolerance {c.tolerance:g})"
    ]
    if not op.unsolved:
        lines += [f"  fails: {text}" for text in c.failures[:5]]
    time = engineering(solver.seconds, "s", 3)
    plural = "" if solver.iterations == 1 else "s"
    lines.append(f"solver: {solver.method}, {solver.iterations} iteration{plural}, {time}")
    return "\n".join(lines + [f"  note: {note}" for note in solver.notes])
