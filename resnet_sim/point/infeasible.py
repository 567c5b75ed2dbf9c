"""From numbers of coordinates and branches back to words: which elements make it impossible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..arrays import Bools, Ints
from ..diagnostics import Diagnostic, Label
from ..errors import ConvergenceError, TopologyError
from ..graph.topology import MOST_AMPS, Cut
from ..model.circuit import Circuit
from ..model.display import few
from .branches import Branches
from .plan import Plan
from .reduction import Reduction
from .rounding import Noise
from .state import State

#: Of two conductances side by side the smaller may be lost where they differ so much.
DROWNED = 1e-13


def volts(value: float) -> str:
    """Return a voltage in a few digits."""
    return f"{value:.6g} V"


def far_apart(circuit: Circuit, inside: Bools | None = None) -> str:
    """Return which resistors differ by more than rounding lets stand side by side, "" if none do.

    Parameters
    ----------
    inside : ndarray of bool, shape (n_nodes,), optional
        Nodes: the weaker ties them to the rest, and the stronger is one of theirs.
    """
    table = circuit.resistors
    with np.errstate(divide="ignore"):
        siemens = np.where(table.ohms != 0, np.abs(1.0 / table.ohms), 0.0)
    tie, other = np.where(siemens > 0, siemens, np.inf), siemens
    if inside is not None:
        p, q = inside[table.p], inside[table.q]
        tie, other = np.where(p != q, -siemens, 0.0), np.where(p | q, siemens, 0.0)
    if not len(table) or not 0.0 < abs(tie.min()) < DROWNED * other.max():
        return ""
    weak, strong = (
        f"{table.names[k]} ({table.ohms[k]:g} ohm)" for k in (tie.argmin(), other.argmax())
    )
    return f": {weak} may be nothing beside {strong}"


def names_of(circuit: Circuit, elements: Iterable[int] | Ints) -> str:
    """Return the names of some elements in a few words."""
    numbers = elements if isinstance(elements, np.ndarray) else list(elements)
    return few([circuit.name_of(int(k)) for k in numbers[:8]], total=len(numbers))


def impossible(
    circuit: Circuit, code: str, message: str, elements: Sequence[int], hint: str
) -> TopologyError:
    """Return the error for elements that make a circuit unsolvable; the last gets the caret."""
    spans = [(k, circuit.span(k)) for k in elements]
    labels = tuple(
        Label(span, describe(circuit, k)) for k, span in spans[:-1][:8] if span is not None
    )
    main = spans[-1][1] if spans else None
    if main is None and labels:
        main, labels = labels[-1].span, labels[:-1]
    caret = describe(circuit, elements[-1]) if elements else ""
    diagnostic = Diagnostic(code, message, main, hint, labels, caret)
    p, q = circuit.terminals
    nodes = sorted({int(k) for e in elements for k in (p[e], q[e])})
    return TopologyError(
        (diagnostic,),
        elements=[circuit.element_names[k] for k in elements],
        nodes=[circuit.nodes[k] for k in nodes],
        lines=[circuit.line(k) for k in elements],
    )


def describe(circuit: Circuit, element: int) -> str:
    """Return what an element imposes, such as ``sets v(a) = 5 V``."""
    name, row = circuit.locate(element)
    table = circuit.tables[name]
    p, q = circuit.nodes[table.p[row]], circuit.nodes[table.q[row]]
    return table.describe(row, p, q, f"v({p})" if q == "0" else f"v({p},{q})")


# ---- loops of ties ----


def check_loops(state: State) -> None:
    """Raise `TopologyError` if a loop of ties fixes two different voltages."""
    red = state.reduction
    for tie in (~red.forest.in_tree).nonzero()[0]:
        p, q = int(red.ties.p[tie]), int(red.ties.q[tie])
        found = state.offset[p] - state.offset[q]
        wanted = state.tie_value[tie]
        if abs(found - wanted) <= 1e-9 * (abs(found) + abs(wanted)):
            continue
        if abs(found - wanted) <= Noise(state).of_loop(int(tie)):
            continue
        ties = [*red.path(p, q), int(tie)]
        sources = red.ties.source[ties]
        loop = [int(e) for e in red.ties.element[ties]]
        circuit = red.circuit
        if state.undefined_sources[sources[sources >= 0]].any():
            raise ConvergenceError(
                f"the voltages around the loop {names_of(circuit, loop)} would have to fix a "
                "floating control: such loops are not solved"
            )
        name = circuit.element_names[loop[-1]]
        if len(loop) == 1:
            message = f"{name} sets {volts(wanted)} between a node and itself"
        else:
            message = (
                f"loop of ideal voltage sources and shorts ({names_of(circuit, loop)}) "
                f"fixes two different voltages: {volts(found)} and {volts(wanted)}"
            )
        hint = "remove one source or put a resistor in series"
        raise impossible(circuit, "E201", message, loop, hint)


def path_elements(red: Reduction, p: int, q: int) -> list[int]:
    """Return the elements of the ties between two nodes of one tree."""
    return [int(red.ties.element[tie]) for tie in red.path(p, q)]


# ---- constraints ----


def check_fixed_rectifiers(state: State) -> None:
    """Raise `TopologyError` if a hard rectifier, or a curve, stands against ties alone."""
    red = state.reduction
    rows = state.compiled.fixed_rectifiers
    branch = red.rectifiers
    p, q = branch.p[rows], branch.q[rows]
    above = state.above(rows)
    size = np.abs(state.offset[p]) + np.abs(state.offset[q]) + np.abs(branch.drop[rows])
    for k in ((branch.resistance[rows] == 0) & (above > 1e-9 * size)).nonzero()[0]:
        noise = Noise(state).of_nodes
        if above[k] <= noise[p[k]] + noise[q[k]]:
            continue
        raise _contradiction(state, [(branch, int(rows[k]))])
    rows, curves = state.compiled.fixed_curves, red.curves
    for k in (np.abs(state.curve_current[rows]) > MOST_AMPS).nonzero()[0]:
        raise _contradiction(state, [(curves, int(rows[k]))])


def check_transistors(state: State) -> None:
    """Raise `TopologyError` if what sources put across junctions lets absurd currents flow."""
    red, amps = state.reduction, np.abs(state.law_current)
    circuit = red.circuit
    for k in np.flatnonzero(~(amps <= MOST_AMPS)):
        element = int(red.laws.element[k])
        if hasattr(circuit.tables[circuit.locate(element)[0]], "terminals"):
            message = (
                f"{circuit.kind(element)} {circuit.element_names[element]} would carry "
                f"{amps[k]:.3g} A: its junctions short what sources put across them"
            )
            hint = "put resistors in series with its terminals"
            raise impossible(circuit, "E202", message, [element], hint)


def contradiction(state: State, plan: Plan, cycle: list[int]) -> TopologyError:
    """Return the error for rectifiers of a stage that contradict each other and the ties."""
    red, count = state.reduction, len(plan.rectifiers)
    return _contradiction(state, [
        (red.rectifiers, int(plan.rectifiers[k])) if k < count
        else (red.curves, int(plan.curves[k - count]))
        for k in cycle
    ])  # fmt: skip


def _contradiction(state: State, rows: list[tuple[Branches, int]]) -> TopologyError:
    red = state.reduction
    circuit = red.circuit
    elements: list[int] = []
    for k, (branch, row) in enumerate(rows):
        elements.append(int(branch.element[row]))
        # from here to the next one of the cycle lead ties of one tree
        next_branch, follower = rows[(k + 1) % len(rows)]
        own = branch.p[row], branch.q[row]
        its = next_branch.p[follower], next_branch.q[follower]
        # of curves, either end may come first
        ends = [(int(own[j]), int(its[k])) for j, k in ((0, 1), (1, 0), (0, 0), (1, 1))]
        for one, other in ends:
            if red.forest.label[one] == red.forest.label[other]:
                elements += [e for e in path_elements(red, one, other) if e not in elements]
                break
    diodes = list(dict.fromkeys(int(branch.element[row]) for branch, row in rows))
    others = [e for e in dict.fromkeys(elements) if e not in diodes]
    total = names_of(circuit, diodes)
    kinds = {circuit.kind(e) for e in diodes}
    ideal = any(branch is red.rectifiers for branch, _ in rows)
    noun = kinds.pop() if len(kinds) == 1 else "element"
    noun = f"{'ideal ' * ideal}{noun}{'s' * (len(diodes) > 1)}"
    if others:
        verb = "short" if len(diodes) > 1 else "shorts"
        message = f"{noun} {total} {verb} {names_of(circuit, others)}: no voltages satisfy both"
    else:
        message = f"{noun} {total} contradict each other: no voltages satisfy all of them"
    if not ideal:
        message += f" with a current below {MOST_AMPS:g} A"
    parameter = "Ron" if ideal else "RS"
    hint = f"put a resistor in series, or give the diode a model with {parameter} > 0"
    return impossible(circuit, "E202", message, [*others, *diodes], hint)


# ---- currents ----


def no_path(state: State, plan: Plan, cut: Cut) -> TopologyError:
    """Return the error for a current that can't leave, or reach, some part of the circuit."""
    red = state.reduction
    circuit = red.circuit
    inside_coordinate = np.zeros(len(red.part), dtype=np.bool_)
    inside_coordinate[plan.coordinates[cut.coordinates[1:]]] = True
    inside = inside_coordinate[red.coordinate]
    feeds = [e for e in _crossing(red.injections, inside) if _active(state, e)]
    blocked = [*_crossing(red.rectifiers, inside), *_crossing(red.curves, inside)]
    # what drives a current and blocks lets that current through, and no more
    limits = [e for e in feeds if e in blocked]
    feeds, blocked = ([e for e in some if e not in limits] for some in (feeds, blocked))
    nodes = [circuit.nodes[k] for k in inside[: len(circuit.nodes)].nonzero()[0]]
    verb = "leave" if cut.excess > 0 else "reach"
    where = f"node{'s' * (len(nodes) > 1)} {few(nodes)}"
    message = f"{abs(cut.excess):.6g} A of {names_of(circuit, feeds)} can't {verb} {where}"
    if limits:
        message += f" through {names_of(circuit, limits)}"
    if blocked:
        message += f": {names_of(circuit, blocked)} would have to conduct backwards"
    hint = "give the current a return path, for example a large resistor to ground"
    error = impossible(circuit, "E203", message, [*blocked, *limits, *feeds], hint)
    error.nodes = tuple(nodes)
    return error


def _crossing(branches: Branches, inside: Bools) -> list[int]:
    crossing = inside[branches.p] != inside[branches.q]
    return list(dict.fromkeys(int(e) for e in branches.element[crossing]))


def _active(state: State, element: int) -> bool:
    red = state.reduction
    return bool((state.injection_value[red.injections.element == element] != 0).any())
