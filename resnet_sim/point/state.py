"""The numbers of one operating point while it is being found: problem out, solution in."""

from __future__ import annotations

import copy

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.problem import EPS, Problem, Solution, bincount
from ..graph.topology import ROUNDING, rigid_pieces
from .cascade import Stage
from .plan import Compiled, Plan


class State:
    """Numbers of one operating point.

    Attributes
    ----------
    tie_value, injection_value : ndarray of float
        Volts of the ties, amps of the injections; controlled ones as far as known.
    x, low : ndarray of float, shape (n_coordinates,)
        Coordinates as double-doubles, V.
    conductor_current, rectifier_current : ndarray of float
    loop_current : ndarray of float
        Currents of the ties that close loops; zero unless `loop_determined`.
    piece : ndarray of int, shape (n_coordinates,)
        0 where a coordinate is defined, else the number of the rigid piece that floats.
    known_sources : ndarray of bool
        Controlled sources whose value has been found.
    undefined_sources : ndarray of bool
        Controlled sources whose control is undefined.
    lost_parts : ndarray of bool
        Parts that an undefined source feeds: nothing in them is defined.
    """

    def __init__(self, compiled: Compiled) -> None:
        red = compiled.reduction
        self.compiled, self.reduction = compiled, red
        self.tie_value, self.injection_value = red.ties.value.copy(), red.injections.value.copy()
        count = len(red.part)
        self.x, self.low = np.zeros(count), np.zeros(count)
        self.conductor_current = np.zeros(len(red.conductors))
        self.rectifier_current = np.zeros(len(red.rectifiers))
        self.loop_current = np.zeros(len(red.ties))
        self.loop_determined = np.zeros(len(red.ties), dtype=np.bool_)
        self.piece = np.zeros(count, dtype=np.int64)
        self.undefined_sources = np.zeros(len(red.circuit.controlled_sources), dtype=np.bool_)
        self.known_sources = np.zeros_like(self.undefined_sources)
        self.lost_parts = np.zeros(red.n_parts + 1, dtype=np.bool_)  # the last is for no part
        self.refresh()

    def refresh(self) -> None:
        """Recompute what follows from the ties: offsets, and branches without a coordinate."""
        red = self.reduction
        if red.pairs:
            self._scale_pair_offsets()
        self.offset = red.forest.offsets(red.ties.p, self.tie_value)
        rows = self.compiled.fixed_conductors
        branch = red.conductors
        rise = self.offset[branch.p[rows]] - self.offset[branch.q[rows]]
        self.conductor_current[rows] = branch.value[rows] * rise
        rows, branch = self.compiled.fixed_rectifiers, red.rectifiers
        above = self.offset[branch.p[rows]] - self.offset[branch.q[rows]] - branch.value[rows]
        soft = branch.resistance[rows] > 0
        current = np.zeros(len(rows))
        current[soft] = np.maximum(above[soft], 0.0) / branch.resistance[rows][soft]
        self.rectifier_current[rows] = current

    def _scale_pair_offsets(self) -> None:
        """Let the output of each scaled amplifier carry the constant part of its input."""
        red = self.reduction
        tie_of = {int(s): k for k, s in enumerate(red.ties.source) if s >= 0}
        for pair in red.pairs:
            self.tie_value[tie_of[pair.forward]] = 0.0
        offset = red.forest.offsets(red.ties.p, self.tie_value)
        for pair in red.pairs:
            self.tie_value[tie_of[pair.forward]] = pair.gain * offset[pair.control]

    def problem(self, plan: Plan) -> Problem:
        """Return the co-content of a stage, in scaled coordinates."""
        red = self.reduction
        branch, rows = red.conductors, plan.conductors
        scale = red.branch_scale(branch, rows)
        emf = (self.offset[branch.q[rows]] - self.offset[branch.p[rows]]) / scale
        conductance = branch.value[rows]

        branch, rows = red.rectifiers, plan.rectifiers
        scale = red.branch_scale(branch, rows)
        rise = self.offset[branch.p[rows]] - self.offset[branch.q[rows]]
        drop = (branch.value[rows] - rise) / np.abs(scale)
        turned = scale < 0
        diode_p = np.where(turned, plan.diode_q, plan.diode_p)
        diode_q = np.where(turned, plan.diode_p, plan.diode_q)
        resistance = branch.resistance[rows]

        amps, rows = self.injection_value[plan.injections], plan.injections
        out = amps / red.scale[red.injections.p[rows]]
        into = amps / red.scale[red.injections.q[rows]]
        injection = bincount(plan.feed_q, into, plan.n) - bincount(plan.feed_p, out, plan.n)
        turnover = bincount(plan.feed_q, np.abs(into), plan.n)
        turnover += bincount(plan.feed_p, np.abs(out), plan.n)
        return Problem(
            plan.n, plan.edge_p, plan.edge_q, conductance, emf, injection, turnover,
            diode_p, diode_q, drop, resistance,
        )  # fmt: skip

    def absorb(self, plan: Plan, solution: Solution) -> None:
        """Take over the solution of a stage's problem."""
        red = self.reduction
        self.x[plan.coordinates], self.low[plan.coordinates] = solution.x[1:], solution.low[1:]
        branch, rows = red.conductors, plan.conductors
        scale = red.branch_scale(branch, rows)
        self.conductor_current[rows] = solution.edge_current * scale
        branch, rows = red.rectifiers, plan.rectifiers
        scale = red.branch_scale(branch, rows)
        self.rectifier_current[rows] = solution.current * np.abs(scale)
        self.mark_floating(plan, rigid_pieces(solution)[1:])

    def mark_floating(self, plan: Plan, piece: Ints) -> None:
        """Note which of a stage's coordinates float, as rigid pieces numbered from 1."""
        start = self.piece.max(initial=0)
        self.piece[plan.coordinates] = np.where(piece > 0, piece + start, 0)

    def start(self, plan: Plan, voltages: Floats) -> Floats:
        """Return local coordinates that come near given node voltages (NaN: don't care)."""
        red = self.reduction
        x = np.zeros(len(red.part))
        given = np.flatnonzero(np.isfinite(voltages))
        x[red.coordinate[given]] = (voltages[given] - self.offset[given]) / red.scale[given]
        return np.concatenate(([0.0], x[plan.coordinates]))

    # ---- controlled sources ----

    def evaluate_sources(self, rows: Ints) -> None:
        """Compute the values of controlled sources whose controls are known."""
        rows = rows[~self.compiled.paired[rows]]
        if not len(rows):
            return
        self.set_sources(rows, self._source_values(rows))
        self.known_sources[rows] = True
        self.undefined_sources[rows] = [self._control_undefined(int(row)) for row in rows]

    def set_sources(self, rows: Ints, values: Floats) -> None:
        """Set the volts or amps of controlled sources."""
        red = self.reduction
        value = np.zeros(len(red.circuit.controlled_sources))
        known = np.zeros(len(value), dtype=np.bool_)
        value[rows], known[rows] = values, True
        for source, target in (
            (red.ties.source, self.tie_value),
            (red.injections.source, self.injection_value),
        ):
            which = np.flatnonzero(source >= 0)
            which = which[known[source[which]]]
            target[which] = value[source[which]]
        self.refresh()

    def _source_values(self, rows: Ints) -> Floats:
        """Return the volts or amps of controlled sources, from the present state."""
        table = self.reduction.circuit.controlled_sources
        tie_of, v = self.reduction.tie_of, self.node_voltages()
        of_current = any(table.of_current[table.ptr[k] : table.ptr[k + 1]].any() for k in rows)
        i = self.tie_currents() if of_current else np.zeros(0)
        values = table.constant[rows].copy()
        for k, row in enumerate(rows):
            for term in range(table.ptr[row], table.ptr[row + 1]):
                index = int(table.index[term])
                control = i[tie_of[index]] if table.of_current[term] else v[index]
                values[k] += table.gain[term] * control
        return values

    def node_voltages(self, nodes: Ints | slice = slice(None)) -> Floats:
        """Return the voltages of all or some nodes, V; what floats is centred on zero.

        Below the last digit of a double-double is zero.
        """
        red = self.reduction
        c, scale, offset = red.coordinate[nodes], red.scale[nodes], self.offset[nodes]
        value = (scale * self.x[c] + offset) + scale * self.low[c]
        size = np.abs(scale * self.x[c]) + np.abs(offset)
        result: Floats = np.where(np.abs(value) <= 16 * EPS**2 * size, 0.0, value)
        return result

    def node_voltage(self, node: int) -> float:
        """Return the voltage of one node, V."""
        return float(self.node_voltages(np.array([node]))[0])

    def tie_currents(self) -> Floats:
        """Return the currents of all ties, A: what KCL leaves for them, shape (n_ties,)."""
        forest, ties = self.reduction.forest, self.reduction.ties
        if not len(ties):
            return np.zeros(0)
        flow = forest.subtree_sums(self.outflow())
        child = np.flatnonzero(forest.parent >= 0)
        tie = forest.edge[child]
        current = self.loop_current.copy()
        current[tie] = np.where(ties.p[tie] == child, -1.0, 1.0) * flow[child]
        return current

    def outflow(self) -> Floats:
        """Return the current that leaves each node through all but ties, A."""
        red = self.reduction
        n = len(red.coordinate)
        total = np.zeros(n)
        for branch, current in (
            (red.conductors, self.conductor_current),
            (red.rectifiers, self.rectifier_current),
            (red.injections, self.injection_value),
            (red.ties, self.loop_current),
        ):
            total += bincount(branch.p, current, n) - bincount(branch.q, current, n)
        return total

    def lost_nodes(self) -> Bools:
        """Tell which nodes' voltages depend on an undefined source, shape (n_nodes,)."""
        red = self.reduction
        lost = self.lost_parts[red.part[red.coordinate]]
        if self.undefined_sources.any():
            lost |= (red.above >= 0) & self.undefined_sources[red.above]
        return lost

    def mark_lost(self, plan: Plan) -> None:
        """Note which parts of a stage an undefined source feeds."""
        if not self.undefined_sources.any():
            return
        red = self.reduction
        lost = self.lost_nodes()
        for kind, rows in (
            (red.conductors, plan.conductors),
            (red.rectifiers, plan.rectifiers),
        ):
            touched = lost[kind.p[rows]] | lost[kind.q[rows]]
            self.lost_parts[red.branch_parts(kind)[rows[touched]]] = True
        feeds, rows = red.injections, plan.injections
        fed = (feeds.source[rows] >= 0) & self.undefined_sources[feeds.source[rows]]
        part = red.part[red.coordinate]
        self.lost_parts[part[feeds.p[rows[fed]]]] = True
        self.lost_parts[part[feeds.q[rows[fed]]]] = True
        self.lost_parts[-1] = False

    def looping_ties(self) -> Bools:
        """Tell which ties lie on a loop of ties around which any current may flow."""
        mask = np.zeros(len(self.reduction.ties), dtype=np.bool_)
        for tie, loop in self.compiled.loops.items():
            if not self.loop_determined[tie]:
                mask[loop] = True
        return mask

    def _current_undefined(self, element: int) -> bool:
        """Tell whether a tie's current is one of many, or depends on an undefined source."""
        red = self.reduction
        tie = red.tie_of[element]
        if self.looping_ties()[tie]:
            return True
        if not self.undefined_sources.any() or not red.forest.in_tree[tie]:
            return False
        side, lost = red.below(tie), self.lost_nodes()
        for kind in (red.conductors, red.rectifiers):
            crossing = side[kind.p] != side[kind.q]
            if (crossing & (lost[kind.p] | lost[kind.q])).any():
                return True
        feeds = red.injections
        crossing = (side[feeds.p] != side[feeds.q]) & (feeds.source >= 0)
        return bool(self.undefined_sources[feeds.source[crossing]].any())

    def controls_undefined(self, stage: Stage) -> bool:
        """Tell whether something undefined outside of a stage with feedback controls it."""
        self.loop_determined[stage.loops] = True
        return any(self._control_undefined(int(row)) for row in stage.sources)

    def _control_undefined(self, row: int) -> bool:
        """Tell whether a controlled source's value depends on something undefined."""
        red, table = self.reduction, self.reduction.circuit.controlled_sources
        lever: dict[int, float] = {}
        size = 0.0
        lost = self.lost_nodes()
        for k in range(table.ptr[row], table.ptr[row + 1]):
            if table.of_current[k]:
                if self._current_undefined(int(table.index[k])):
                    return True
                continue
            node, gain = int(table.index[k]), float(table.gain[k])
            if lost[node]:
                return True
            piece = int(self.piece[red.coordinate[node]])
            lever[piece] = lever.get(piece, 0.0) + gain * float(red.scale[node])
            size = max(size, abs(gain))
        return any(piece and abs(sum_) > ROUNDING * size for piece, sum_ in lever.items())

    # ---- result ----

    def without_currents(self) -> State:
        """Return a copy with the same voltages, in which no current flows yet."""
        fresh = copy.copy(self)
        fresh.conductor_current = np.zeros_like(self.conductor_current)
        fresh.rectifier_current = np.zeros_like(self.rectifier_current)
        fresh.injection_value = np.zeros_like(self.injection_value)
        fresh.loop_current = np.zeros_like(self.loop_current)
        return fresh

    def currents(self) -> Floats:
        """Return the currents of all elements, A, shape (n_elements,).

        Ties carry what KCL leaves for them, backward sources of amplifiers what these sense.
        """
        red = self.reduction
        table = red.circuit.controlled_sources
        ties = self.tie_currents()
        for pair in red.pairs:
            term = table.ptr[pair.backward]
            sensed = ties[red.tie_of[int(table.index[term])]]
            feed = red.injections.source == pair.backward
            self.injection_value[feed] = table.gain[term] * sensed
        current = np.zeros(red.circuit.n_elements)
        for branch, value in (
            (red.conductors, self.conductor_current),
            (red.rectifiers, self.rectifier_current),
            (red.injections, self.injection_value),
        ):
            np.add.at(current, branch.element, branch.sign * value)
        # what the backward sources draw changes those of the forward ones
        current[red.ties.element] = self.tie_currents() if red.pairs else ties
        return current
