"""Which charts show a result: what is plotted, against what, and how curves are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise

import numpy as np

from ..analyses.measure import marks
from ..arrays import Floats
from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.names import several
from ..results.operating_point import OperatingPoint
from .charts import UNITS, Axis, Curve, Mark, Panel, is_geometric, spread_of

#: outputs that are shown if none is named
MOST_OUTPUTS = 8
#: bars of one panel
MOST_BARS = 40

#: by `_order`
_UNITS = (("voltage", "V"), ("current", "A"), ("power", "W"), ("formula", ""))

Limits = Mapping[str, tuple[float, float]]


def panels_of(
    op: OperatingPoint,
    outputs: Sequence[str] = (),
    against: str = "",
    limits: Limits | None = None,
) -> list[Panel]:
    """Return the charts of a result: curves of a sweep, histograms of samples, or bars.

    Parameters
    ----------
    outputs : sequence of str
        Such as ``v(out)``; by default what ``.plot`` names, one chart a card, or ``.print``, or
        else the voltages that vary.
    against : str
        An output for the horizontal axis, in place of the swept quantity.
    limits : mapping of str to (float, float), optional
        Between which values the samples of an output are good.

    Raises
    ------
    UsageError
        If an output is unknown, or there is nothing that `against` or `limits` could apply to.
    """
    samples = list(op.sweep) == ["sample"]
    if against and (samples or not op.sweep):
        raise UsageError("only a sweep can be plotted against an output")
    if limits and not samples:
        raise UsageError("limits are for random samples: give a spread")
    limits = {name.lower().replace(" ", ""): bounds for name, bounds in (limits or {}).items()}
    found: list[Panel] = []
    for card in _cards(op, outputs, against):
        if samples:
            found += [_histogram(op, name, limits.pop(name, None)) for name in card]
        elif op.sweep:
            found += _curves(op, card, against)
        else:
            found += _bars(op, card)
    if limits:
        found += [_histogram(op, name, bounds) for name, bounds in limits.items()]
    return found


# ---- which outputs ----


def _cards(op: OperatingPoint, outputs: Sequence[str], against: str) -> list[tuple[str, ...]]:
    """Return the outputs of each chart, spelt as decks spell them."""
    circuit = op.circuit
    chosen = [tuple(several(outputs))] if outputs else list(circuit.plots) or [circuit.outputs]
    if chosen == [()] or list(chosen[0]) == ["all"]:
        chosen = [_everything(op, against) if list(chosen[0]) == ["all"] else _telling(op, against)]
    return [tuple(name.lower().replace(" ", "") for name in card) for card in chosen]


def _everything(op: OperatingPoint, against: str) -> tuple[str, ...]:
    circuit = op.circuit
    names = [f"v({node})" for node in circuit.nodes[1:]]
    names += [f"i({element})" for element in circuit.element_names]
    return tuple(name for name in names if name != against)


def _telling(op: OperatingPoint, against: str) -> tuple[str, ...]:
    """Return what shows most: voltages that vary, outside of subcircuits first."""
    circuit = op.circuit
    if not op.sweep:
        return _everything(op, against)
    names = [f"v({node})" for node in sorted(circuit.nodes[1:], key=lambda node: "." in node)]
    swept = [f"v({node})" for node in _driven(op)]
    names = [name for name in names if name not in (against, *swept)]
    moving = [name for name in names if _varies(op.value(name))]
    return tuple((moving or names or swept)[:MOST_OUTPUTS])


def _driven(op: OperatingPoint) -> Iterator[str]:
    """Yield nodes whose voltage is the swept one itself: their curve says nothing."""
    for name in op.sweep:
        number = op.circuit.find(name)
        if number is not None and op.circuit.kind(number) == "voltage source":
            p, q = (int(ends[number]) for ends in op.circuit.terminals)
            if q == 0:
                yield op.circuit.nodes[p]


def _varies(values: Floats) -> bool:
    known = values[np.isfinite(values)]
    return bool(len(known) and np.ptp(known) > 1e-9 * np.abs(known).max())


# ---- curves ----


def _curves(op: OperatingPoint, outputs: Sequence[str], against: str) -> list[Panel]:
    """Return a panel for each unit, with a curve per output and per outer value."""
    (inner, values), *outer = op.sweep.items()
    x = _axis(against) if against else axis_of(op.circuit, inner, values)
    across = op.value(against) if against else values
    runs = list(_runs(op))
    found = []
    for quantity, same in groupby(sorted(outputs, key=_order), key=_order):
        names = list(same)
        curves = [
            Curve(_label(op, name, rows, len(names)), across[rows], op.value(name)[rows], family)
            for family, name in enumerate(names)
            for rows in runs
        ]
        y = _axis(names[0]) if len(names) == 1 else Axis(*_UNITS[quantity])
        placed, notes = ([], []) if against else _marks(op, x, y, quantity, names, bool(outer))
        found.append(Panel(op.circuit.title, x, y, curves, marks=placed, notes=notes))
    return found


def _runs(op: OperatingPoint) -> Iterator[slice]:
    """Yield the points of each run of the innermost quantity."""
    outer = np.array([*list(op.sweep.values())[1:], np.zeros(len(op.node_voltages))])
    changed = np.flatnonzero((outer[:, 1:] != outer[:, :-1]).any(axis=0)) + 1
    ends = [0, *changed.tolist(), outer.shape[1]]
    yield from (slice(first, last) for first, last in pairwise(ends))


def _label(op: OperatingPoint, output: str, rows: slice, count: int) -> str:
    """Return how a curve is called: by its output, its outer values, or both."""
    outer = [
        f"{name} = {axis_of(op.circuit, name, column).say(float(column[rows.start]))}"
        for name, column in list(op.sweep.items())[1:]
    ]
    return ", ".join(([output] if count > 1 or not outer else []) + outer)


def axis_of(circuit: Circuit, name: str, values: Floats) -> Axis:
    """Return the axis of a swept quantity."""
    log = is_geometric(np.unique(values))
    number = circuit.find(name)
    if name == "temp" and number is None:
        return Axis("temperature", "°C")
    column = "" if number is None else circuit.tables[circuit.locate(number)[0]].value
    return Axis(name, UNITS.get(column or "", ""), log)


def _order(output: str) -> int:
    """Return where the unit of an output comes: volts, amps, watts, that of formulas.

    ``@r1[i]`` is a current; formulas are in braces or called by a plain name.
    """
    if output[0] == "{" or not {*"(["} & {*output}:
        return 3
    power = output.startswith("p(") or output.endswith("[p]")
    return 2 if power else 0 if output.startswith("v(") else 1


def _axis(output: str) -> Axis:
    return Axis(output, _UNITS[_order(output)][1])


def _marks(
    op: OperatingPoint, x: Axis, y: Axis, quantity: int, outputs: Sequence[str], many: bool
) -> tuple[list[Mark], list[str]]:
    """Return what ``.meas`` found that belongs into a panel; what has no place is a note."""
    placed, notes = [], []
    for mark in marks(op):
        name = f"{mark.name} ({mark.run + 1})" if many else mark.name
        if np.isnan(mark.value):
            continue
        if mark.operation == "when":
            label = f"{name} = {x.say(mark.value)}"
            y_there = mark.y if mark.expression in outputs else np.nan
            placed.append(Mark(label, mark.x, y_there))
        elif mark.expression in outputs and mark.operation in ("find", "max", "min"):
            placed.append(Mark(f"{name} = {y.say(mark.value)}", mark.x, mark.y))
        elif _order(mark.expression) == quantity:
            if mark.operation in ("pp", "avg", "rms", "find", "max", "min"):
                notes.append(f"{name} = {y.say(mark.value)}")
            else:
                notes.append(f"{name} = {mark.value:.6g}")
    return placed, notes


# ---- samples and single points ----


def _histogram(op: OperatingPoint, output: str, limits: tuple[float, float] | None) -> Panel:
    x = _axis(output)
    values = np.asarray(op.value(output), dtype=np.float64)
    curve = Curve(output, op.sweep["sample"], values)
    notes = spread_of(values, x, limits)
    y = Axis("samples")
    return Panel(op.circuit.title, x, y, [curve], "histogram", limits=limits, notes=notes)


def _bars(op: OperatingPoint, outputs: Sequence[str]) -> list[Panel]:
    """Return a panel of bars for each unit; of many the largest are shown."""
    found = []
    for quantity, same in groupby(sorted(outputs, key=_order), key=_order):
        names = list(same)
        values = np.array([float(op.value(name)) for name in names])
        notes = []
        if len(names) > MOST_BARS:
            largest = np.argsort(-np.abs(np.nan_to_num(values)), kind="stable")[:MOST_BARS]
            notes = [f"the largest {MOST_BARS} of {len(names)}"]
            names, values = [names[k] for k in sorted(largest)], values[np.sort(largest)]
        zero = np.zeros(1)
        curves = [
            Curve(name, zero, np.array([value])) for name, value in zip(names, values, strict=True)
        ]
        x = Axis(*_UNITS[quantity])
        found.append(Panel(op.circuit.title, x, Axis(""), curves, "bars", notes=notes))
    return found
