"""Warnings about circuits and solutions: what floats, what is not unique, what dangles."""

from __future__ import annotations

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..diagnostics import Diagnostic
from ..errors import TopologyError
from ..graph.forests import spanning_forest
from ..graph.graphs import bincount, bridges, components
from ..graph.problem import EPS
from ..graph.topology import TIGHT
from ..model.circuit import Circuit
from ..model.display import few
from .cascade import strong_components
from .infeasible import far_apart, names_of
from .state import State

#: So many nodes that dangle, and parts that float, have a warning of their own.
MOST_LOOSE, MOST_PARTS = 5, 10


def structure(circuit: Circuit) -> list[Diagnostic]:
    """Return warnings that follow from the circuit alone."""
    found = []
    p, q = circuit.terminals
    if circuit.n_elements and not ((p == 0) | (q == 0)).any():
        message = "the circuit has no ground: no element connects to node 0 or gnd"
        hint = "call one node 0; voltages are measured from it"
        found.append(Diagnostic("W203", message, circuit.span(0), hint))
    found += _dangling(circuit)
    negative = (circuit.resistors.ohms < 0).nonzero()[0]
    if len(negative):
        names = names_of(circuit, negative)
        message = f"negative resistance ({names}): a solution need not exist or be the only one"
        found.append(Diagnostic("W207", message, circuit.span(int(negative[0]))))
    return found


def _dangling(circuit: Circuit) -> list[Diagnostic]:
    """Nodes with a single terminal that also control nothing, or that do nothing else."""
    p, q = circuit.terminals
    n = len(circuit.nodes)
    degree = np.bincount(p, minlength=n) + np.bincount(q, minlength=n)
    controls = np.zeros(n, dtype=np.bool_)
    for device in circuit.present.values():
        controls[device.controls()[0]] = True
    odd = np.where(controls, degree == 0, degree == 1)
    odd[0] = False
    loose = odd.nonzero()[0]
    if not len(loose):
        return []
    found = []
    for node in loose[:MOST_LOOSE].tolist():
        if controls[node]:
            element = _reader(circuit, node)
            name = circuit.element_names[element]
            message = f"nothing connects to node {circuit.nodes[node]}, which {name} reads"
        else:
            element = int(np.argmax((p == node) | (q == node)))
            name = circuit.element_names[element]
            message = f"only {name} connects to node {circuit.nodes[node]}"
        found.append(Diagnostic("W204", message, circuit.span(element), "is the name misspelt?"))
    if len(loose) > MOST_LOOSE:
        more = f"{len(loose) - MOST_LOOSE} more nodes have a single connection"
        found.append(Diagnostic("W204", more))
    return found


def _reader(circuit: Circuit, node: int) -> int:
    """Return the first element that a node controls."""
    return next(
        circuit.first[name] + row
        for name, device in circuit.present.items()
        if node in device.controls()[0]
        for row in range(len(device))
        if node in device.touched(row)
    )


def undefined(state: State) -> tuple[Bools, Bools]:
    """Return which nodes float and which elements' currents depend on that."""
    red = state.reduction
    lost = state.lost_nodes()
    floating = np.where(state.charted_nodes, lost, state.piece[red.coordinate] > 0)
    circuit, forest = red.circuit, red.forest
    p, q = circuit.terminals
    known = state.uncharted == 0
    uncharted = state.uncharted_nodes()
    unknown = uncharted[p] | uncharted[q]
    for drift in state.drifts:
        v = drift.moving_voltages()
        unknown |= np.abs(v[p] - v[q]) > 1e-9 * (np.abs(v[p]) + np.abs(v[q]))
    unknown &= ~known
    unknown[red.ties.element] = False  # by what their far sides exchange with the rest, below
    for name, device in circuit.present.items():
        if device.fixes_current:
            start = circuit.first[name]
            unknown[start : start + len(device)] = False
    # what is nothing but a source is as defined as its controls
    table = red.controls
    plain = np.bincount(table.element, minlength=circuit.n_elements) == red.pieces
    feeds = ~table.is_voltage & ~state.compiled.paired & plain[table.element]
    unknown[table.element[feeds]] = False
    controlled = table.element[state.undefined_sources]
    unknown[controlled[~known[controlled]]] = True
    if unknown.any():
        # a tie's current is unknown if one crosses between its far side and the rest: give
        # every unknown one a weight of its own and see whether the weights cancel
        ties = np.zeros(circuit.n_elements, dtype=np.bool_)
        ties[red.ties.element] = True
        some = (unknown & ~ties).nonzero()[0]
        weight = 1.0 + np.sqrt(np.arange(len(some)) + 2.0)
        n = len(lost)
        over = bincount(p[some], weight, n) - bincount(q[some], weight, n)
        tie, crossing = forest.carried(red.ties.p, over)
        unknown[red.ties.element[tie[np.abs(crossing) > 1e-9]]] = True
    # within a stage with feedback what changes is known, and what of it cancels
    for drift in state.drifts:
        unknown |= drift.moving_currents() != 0
    return floating | lost, unknown


def floating_parts(state: State, floating: Bools) -> list[Diagnostic]:
    """Return a warning for each floating part, naming its nodes and what touches it."""
    if not floating.any():
        return []
    red = state.reduction
    circuit = red.circuit
    p, q = circuit.terminals
    inner = floating[p] & floating[q]
    _, island = components(len(circuit.nodes), p[inner], q[inner])
    found = []
    islands = np.unique(island[floating])
    for number in islands[:MOST_PARTS]:
        inside = floating & (island == number)
        nodes = [circuit.nodes[k] for k in inside.nonzero()[0]]
        touching = (inside[p] | inside[q]).nonzero()[0].tolist()
        noun = "node" if len(nodes) == 1 else "nodes"
        if drowned := far_apart(circuit, inside):
            message = f"rounding leaves nothing of the voltage of {noun} {few(nodes)}{drowned}"
            hint = "doubles have sixteen digits: write 0 for what is a short"
        else:
            message = f"nothing fixes the voltage of {noun} {few(nodes)}"
            if touching:
                message += f" (at {names_of(circuit, touching)})"
            hint = "tie it down, for example with a large resistor to ground"
        span = circuit.span(touching[0]) if touching else None
        found.append(Diagnostic("W201", message, span, hint))
    if len(islands) > MOST_PARTS:
        found.append(Diagnostic("W201", f"{len(islands) - MOST_PARTS} more parts float"))
    if state.undefined_sources.any():
        rows = np.unique(red.controls.element[state.undefined_sources]).tolist()
        message = f"{names_of(circuit, rows)}: what controls them is undefined, and so are they"
        found.append(Diagnostic("W206", message, circuit.span(rows[0])))
    return found


def uncontrolled_switches(circuit: Circuit, voltages: Floats, currents: Floats) -> list[Diagnostic]:
    """Return a warning for switches that keep their state because their control is undefined.

    `voltages` and `currents` are NaN where undefined.
    """
    table = circuit.switches
    control = np.where(table.ce >= 0, currents[table.ce], voltages[table.cp] - voltages[table.cn])
    rows = (circuit.first["switches"] + (np.isnan(control) & ~table.fixed).nonzero()[0]).tolist()
    if not rows:
        return []
    message = f"{names_of(circuit, rows)}: what controls them is undefined; they keep their state"
    return [Diagnostic("W206", message, circuit.span(rows[0]))]


def nonunique(state: State) -> tuple[tuple[str, ...], list[Diagnostic]]:
    """Return elements whose current is one of many, and a warning that names them.

    Around a loop of ties any current may flow; around a loop of conducting ideal rectifiers
    between coordinates too, and then it passes the ties between their ends.  An ideal
    rectifier that is just not conducting may take part in its forward direction.
    """
    red = state.reduction
    tree = bool(red.forest.in_tree.all())
    if tree and not len(red.rectifiers):
        return (), []
    rows, p, q, turn = _looping_rectifiers(state)
    if tree and not len(rows):
        return (), []
    # send random currents around all loops and see where they flow
    weights = np.sqrt(2.0 + np.arange(len(rows) + len(red.ties)))
    swirl = state.without_currents()
    swirl.rectifier_current[rows] = turn * _circulation(len(red.part), p, q, weights)
    free = ~red.forest.in_tree & ~state.loop_determined
    swirl.loop_current[free] = weights[len(rows) :][free]
    currents = swirl.currents()
    elements = (np.abs(currents) > 1e-9 * np.abs(currents).max()).nonzero()[0].tolist()
    if not elements:
        return (), []
    circuit = red.circuit
    message = f"the currents of {names_of(circuit, elements)} are not unique: they form a loop "
    message += "without resistance; one possible set is given"
    warning = Diagnostic("W202", message, circuit.span(elements[0]))
    return tuple(circuit.element_names[k] for k in elements), [warning]


def _circulation(n: int, p: Ints, q: Ints, weights: Floats) -> Floats:
    """Return currents of edges p -> q that balance at every node, none of them by chance."""
    if not len(p):
        return np.zeros(0)
    forest = spanning_forest(n, p, q)
    current = np.where(forest.in_tree, 0.0, weights[: len(p)])
    over = bincount(q, current, n) - bincount(p, current, n)
    edge, flow = forest.carried(p, over)
    current[edge] = flow
    return current


def _looping_rectifiers(state: State) -> tuple[Ints, Ints, Ints, Floats]:
    """Return the ideal rectifiers on loops of such between coordinates.

    Rows of the rectifiers, the coordinates at their ends in the direction in which they
    conduct in scaled units, and what a current of one scaled unit is.
    """
    red = state.reduction
    rect = red.rectifiers
    v = state.node_voltages()
    size = TIGHT * (np.abs(v[rect.p]) + np.abs(v[rect.q]) + np.abs(rect.drop))
    size += 4 * EPS * np.abs(v).max()
    tight = (np.abs(v[rect.p] - v[rect.q] - rect.drop) <= size) & (rect.resistance == 0)
    on = (tight & (state.rectifier_current > 0)).nonzero()[0]
    idle = (tight & (state.rectifier_current <= 0)).nonzero()[0]
    scale = red.branch_scale(rect, np.arange(len(rect)))
    # an amplifier that inverts turns what lies behind it around
    p = red.coordinate[np.where(scale < 0, rect.q, rect.p)]
    q = red.coordinate[np.where(scale < 0, rect.p, rect.q)]
    if len(idle):
        idle = idle[_on_directed_cycle(len(red.part), p[on], q[on], p[idle], q[idle])]
    rows = np.concatenate((on, idle))
    if len(rows):
        rows = rows[_in_loopy_parts(len(red.part), p[rows], q[rows])]
    if len(rows):
        nodes, ends = np.unique(np.concatenate((p[rows], q[rows])), return_inverse=True)
        rows = rows[~bridges(len(nodes), ends[: len(rows)], ends[len(rows) :])]
    return rows, p[rows], q[rows], np.abs(scale[rows])


def _in_loopy_parts(n: int, p: Ints, q: Ints) -> Bools:
    """Tell which edges belong to a connected part that is no tree."""
    forest = spanning_forest(n, p, q)
    loopy = np.zeros(forest.count, dtype=np.bool_)
    loopy[forest.label[p[~forest.in_tree]]] = True
    return loopy[forest.label[p]]


def _on_directed_cycle(n: int, p: Ints, q: Ints, tail: Ints, head: Ints) -> Bools:
    """Tell which arcs tail -> head lie on a cycle of arcs and of edges p - q."""
    _, group = components(n, p, q)
    groups, ends = np.unique(group[np.concatenate((tail, head))], return_inverse=True)
    tail, head = ends[: len(tail)], ends[len(tail) :]
    successors: list[list[int]] = [[] for _ in groups]
    for a, b in zip(tail.tolist(), head.tolist(), strict=True):
        successors[a].append(b)
    component = np.empty(len(groups), dtype=np.int64)
    for number, members in enumerate(strong_components(successors)):
        component[members] = number
    return np.asarray(component[tail] == component[head])


def unsettled(circuit: Circuit, all_tried: bool) -> TopologyError:
    """Return the error for switches that contradict themselves whatever their states."""
    first = circuit.first["switches"]
    free = (first + (~circuit.switches.fixed).nonzero()[0]).tolist()
    names = [circuit.element_names[k] for k in free]
    message = f"the switches {names_of(circuit, free)} never settle: each state undoes itself"
    if not all_tried:
        message = f"the switches {names_of(circuit, free)} did not settle"
    hint = "hold some of them with --open or --close, or give them hysteresis"
    diagnostic = Diagnostic("E205", message, circuit.span(free[0]), hint)
    return TopologyError((diagnostic,), names, (), [circuit.line(k) for k in free])


def between(circuit: Circuit, halfway: Bools) -> TopologyError:
    """Return the error for smooth switches whose controls are between on and off."""
    some = (circuit.first["switches"] + halfway.nonzero()[0]).tolist()
    names = [circuit.element_names[k] for k in some]
    message = f"{names_of(circuit, some)}: the control is between on and off"
    hint = "its resistance would move smoothly from Ron to Roff: these must be above 0 and finite"
    diagnostic = Diagnostic("E207", message, circuit.span(some[0]), hint)
    return TopologyError((diagnostic,), names, (), [circuit.line(k) for k in some])
