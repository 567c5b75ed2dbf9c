"""Results for people: aligned tables in engineering notation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ...model.display import aligned, how_many, printable
from ..operating_point import OperatingPoint

if TYPE_CHECKING:
    from ..predictions import Answers, Result

#: rows of nodes, elements or switches that a table shows, and columns of a sweep's table
MAX_ROWS = 40
MAX_COLUMNS = 8

#: power of ten -> metric prefix
PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M",
             9: "G", 12: "T"}  # fmt: skip
#: sources that the head of a supply net names
_NAMED_SOURCES = 3
_EVERYTHING = "--format csv shows everything"

#: characters in a line of the terminal that is printed to; infinite for files and pipes
terminal: ContextVar[float] = ContextVar("terminal", default=math.inf)


def engineering(value: float, unit: str, digits: int = 6) -> str:
    """Return a value with a metric prefix, such as ``-1.50000 mA``."""
    if value == 0 or not math.isfinite(value):
        return f"{abs(value) if value == 0 else value:.0f} {unit}".rstrip()
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    thousands = exponent // 3 * 3
    if thousands not in PREFIXES:
        return f"{value:.{digits - 1}e} {unit}".rstrip()
    decimals = max(0, digits - 1 - exponent + thousands)
    return f"{value / 10.0**thousands:.{decimals}f} {PREFIXES[thousands]}{unit}".rstrip()


def write(results: Sequence[Result], outputs: Sequence[str], answers: Answers) -> str:
    """Return tables of the voltages and currents of one or several analyses.

    Large circuits are cut to the part that most likely interests; the text says so.
    """
    title = printable(results[0].circuit.title).strip()
    blocks = [title] if title else []
    nets = (answers or {}).get("supply_nets", ())
    if nets:
        blocks += _supply_blocks(nets)
    for number, result in enumerate(results, 1):
        if len(results) > 1:
            kind = "sweep" if result.sweep else "operating point"
            blocks.append(f"analysis {number}: {kind}")
        if isinstance(result, OperatingPoint):
            names = result.chosen(outputs)
            single = result.node_voltages.ndim == 1
            if not single:
                blocks.append(_sweep_block(result, names))
            elif not nets or names:  # who asks for the worst nodes need not see the first
                blocks += _point_blocks(result, names)
            blocks.append(_certificate_lines(result))
        else:
            blocks.append(_rows(result, result.names))
    return "\n\n".join(blocks) + "\n" + format_answers(answers or {})


def _point_blocks(op: OperatingPoint, outputs: Sequence[str]) -> list[str]:
    if outputs:
        rows = [(name, *_cell(op.value(name), name, op)) for name in outputs]
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
    names = op.circuit.switches.names if "switches" in op.circuit.tables else ()
    states = dict(zip(names, np.asarray(op.closed).tolist(), strict=True))
    _, missing = _cut(range(len(states)), len(states), "switches")
    first = islice(states.items(), MAX_ROWS)
    rows = [(name, "closed" if closed else "open", "", "") for name, closed in first]
    return blocks + ([_aligned(("switch", "state"), rows) + missing] if rows else [])


def _supply_blocks(nets: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a table for each supply net, the worst node first."""
    blocks = [f"{_net_head(net)}\n{_net_table(net)}" for net in nets[:MAX_ROWS]]
    if len(nets) > MAX_ROWS:
        blocks.append(f"({len(nets) - MAX_ROWS} more nets: --format json shows all)")
    return blocks


def _drop_or_bounce(net: Mapping[str, Any]) -> str:
    return "drop" if net["volts"] else "bounce"


def _net_head(net: Mapping[str, Any]) -> str:
    """Return how a net is called: by its voltage and its sources."""
    names = list(net["sources"])
    more = len(names) - _NAMED_SOURCES
    named = ", ".join(names[:_NAMED_SOURCES]) + (f" and {more} more" if more > 0 else "")
    shown = f"the {len(net['worst'])} largest of {net['size']} {_drop_or_bounce(net)}s"
    return f"net of {net['volts']:g} V ({named}): {shown}"


def _net_table(net: Mapping[str, Any]) -> str:
    placed = any(row["place"] for row in net["worst"])
    header = ["node", "voltage", _drop_or_bounce(net), *(["layer", "x", "y"] if placed else [])]
    rows = [header]
    for row in net["worst"]:
        place = [str(part) for part in row["place"] or ("", "", "")] if placed else []
        volts = engineering(row["voltage"], "V"), engineering(row["drop"], "V", 4)
        rows.append([row["node"], *volts, *place])
    # names stand at the left, numbers at the right
    return "\n".join(f"  {line}" for line in aligned(rows, left=(0, 3)))


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
        for k in range(start, start + len(circuit.tables.get(table, ()))):
            if "." not in names[k]:
                telling.add(k)
                yield k
    yield from (k for k in range(len(names)) if k not in telling)


def _cut(ranked: Iterable[int], count: int, what: str) -> tuple[list[int], str]:
    """Return what to show of `count` things, in their usual order, and a line about the others."""
    shown = sorted(islice(ranked, MAX_ROWS))
    text = f"\n  ({count - MAX_ROWS} more {what}: {_EVERYTHING})" if count > MAX_ROWS else ""
    return shown, text


def _sweep_block(op: OperatingPoint, outputs: Sequence[str]) -> str:
    names, missing = (outputs, "") if outputs else _sweep_columns(op)
    return _rows(op, names) + missing


def _rows(result: Result, outputs: Sequence[str]) -> str:
    """Return a line for each point."""
    names, values = result.table(outputs)
    swept, unsolved = len(result.sweep), getattr(result, "unsolved", {})
    lines = [names if swept else ["point", *names]]
    for point, row in enumerate(values.tolist()):
        where = [f"{value:.6g}" for value in row[:swept]] or [str(point)]
        cells = [
            " ".join(_cell(value, name, result)[:2]).rstrip()
            for name, value in zip(names[swept:], row[swept:], strict=True)
        ]
        lines.append([*where, *(["no solution"] * len(cells) if point in unsolved else cells)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    kept = _fitting(widths, max(swept, 1))
    left = len(widths) - kept
    text = [f"  {line}" for line in aligned([line[:kept] for line in lines], left=())]
    return "\n".join(text) + (f"\n  ({left} more columns: {_EVERYTHING})" if left else "")


def _fitting(widths: Sequence[int], least: int) -> int:
    """Return how many columns fit on the terminal, at least one more than `least`."""
    total = 0
    for kept, width in enumerate(widths):
        total += 2 + width
        if total > terminal.get() and kept > least:
            return kept
    return len(widths)


def _sweep_columns(op: OperatingPoint) -> tuple[list[str], str]:
    """Return the quantities to show for each point, and a line about the others."""
    nodes, elements = op.circuit.nodes, op.circuit.element_names
    voltages = (f"v({nodes[k]})" for k in _near(range(1, len(nodes)), nodes))
    currents = (f"i({elements[k]})" for k in _interesting(op))
    left = len(nodes) - 1 + len(elements) - MAX_COLUMNS
    text = f"\n  ({left} more quantities: {_EVERYTHING})" if left > 0 else ""
    return list(islice(chain(voltages, currents), MAX_COLUMNS)), text


_UNITS = {"v(": "V", "i(": "A", "p(": "W"}


def _cell(value: float, name: str, result: Result) -> tuple[str, str, str]:
    """Return number, unit and remark; words in place of what is undefined."""
    voltage = name.startswith("v")
    if name in result.words:
        return result.words[name][int(value)], "", ""
    if math.isnan(value):
        return ("floating" if voltage else "undefined"), "", ""
    # ie(q1) is a formula of currents
    formula = name in result.circuit.formulas and name[-1] not in ")]"
    plain = name in getattr(result, "sampled", ()) or formula
    unit = "" if plain else _UNITS.get(name[:2], result.unit)
    number, _, unit = (engineering(value, unit) if unit else f"{value:.6g}").partition(" ")
    unique = voltage or name.partition("(")[2].rstrip(")") not in result.nonunique
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
    lines.append(f"solver: {solver.method}, {how_many(solver.iterations, 'iteration')}, {time}")
    return "\n".join(lines + [f"  note: {note}" for note in solver.notes])


def _at(record: Mapping[str, Any]) -> str:
    """Return in which run of a deck with several something was asked."""
    values = record.get("at", {}).items()
    return " at " + ", ".join(f"{name} = {value:g}" for name, value in values) if values else ""


def format_answers(found: Mapping[str, Any]) -> str:
    """Return answers for people, empty if there are none."""
    lines: list[str] = []
    for record in found.get("sensitivities", ()):
        lines += ["", f"sensitivity of {record['output']} = {record['value']:.6g}{_at(record)}",
                  f"  {'value of':20} {'per unit':>14} {'per percent':>14}"]  # fmt: skip
        for name, slope in record["derivatives"].items():
            lines.append(f"  {name:20} {slope:14.6g} {record['normalised'][name]:14.6g}")
        if record["at_knee"]:
            names = ", ".join(record["at_knee"])
            lines.append(f"  on its knee: {names}; derivatives hold to one side")
    for record in found.get("transfer_functions", ()):
        lines += ["", f"transfer function {record['output']} / {record['source']}{_at(record)}"]
        for name in ("gain", "input_resistance", "output_resistance"):
            shown = "infinite" if record[name] is None else f"{record[name]:.6g}"
            lines.append(f"  {name.replace('_', ' '):20} {shown:>14}")
    for number, record in enumerate(found.get("measurements", ()), 1):
        many = len(found["measurements"]) > 1
        lines += ["", f"measurements of sweep {number}" if many else "measurements"]
        for name, value in record.items():
            values = value if isinstance(value, list) else [value]
            shown = " ".join("never" if v is None else f"{v:.6g}" for v in values)
            lines.append(f"  {name:20} {shown:>14}")
    return "\n".join([*lines, ""]) if lines else ""
