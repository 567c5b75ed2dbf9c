"""Operating points while they are found: problem out, solution in; and what is undefined."""

from __future__ import annotations

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.graphs import bincount
from ..graph.problem import Problem, Solution
from ..graph.topology import ROUNDING, rigid_pieces
from .cascade import Stage
from .flows import Flows
from .plan import Compiled, Plan, chosen
from .sources import column


class State(Flows):
    """An operating point, or many, while they are found.

    What floats, or is lost, is so in all points.

    Attributes
    ----------
    piece : ndarray of int, shape (n_coordinates,)
        0 where a coordinate is defined, else the number of the rigid piece that floats.
    known_sources : ndarray of bool
        Controls whose value has been found.
    undefined_sources : ndarray of bool
        Controls that something undefined enters.
    lost_parts : ndarray of bool
        Parts that an undefined source feeds: nothing in them is defined.
    uncharted : ndarray of int, shape (n_elements,)
        How many conductors, rectifiers and controls of each element are in no stage with feedback.
    charted_nodes : ndarray of bool
        Nodes of such stages, of which `drifts` tell all that is undefined.
    drifts : list of State
        How stages with feedback may change without leaving their solutions, one each.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        red = self.reduction
        self.piece = np.zeros(len(red.part), dtype=np.int64)
        self.undefined_sources = np.zeros(len(red.controls), dtype=np.bool_)
        self.known_sources = np.zeros_like(self.undefined_sources)
        self.lost_parts = np.zeros(red.n_parts + 1, dtype=np.bool_)  # the last is for no part
        self.uncharted = red.pieces.copy()
        self.charted_nodes = np.zeros(len(red.coordinate), dtype=np.bool_)
        self.drifts: list[State] = []

    def problem(self, plan: Plan) -> Problem:
        """Return the co-content of a stage, in scaled coordinates."""
        red = self.reduction
        out, into = feeds = self.feeds(plan)
        turnover = bincount(plan.feed_q, np.abs(into), plan.n)
        turnover += bincount(plan.feed_p, np.abs(out), plan.n)
        return Problem(
            plan.n, plan.edge_p, plan.edge_q, chosen(red.conductors.siemens, plan.conductors),
            self.emf(plan), self.injection(plan, feeds), turnover,
            plan.diode_p, plan.diode_q, self.drop(plan),
            chosen(red.rectifiers.resistance, plan.rectifiers), self.curves(plan),
        )  # fmt: skip

    def absorb(self, plan: Plan, solution: Solution) -> None:
        """Take over the solution of a stage's problem; of many points, none may float."""
        self.x[plan.coordinates], self.low[plan.coordinates] = solution.x[1:], solution.low[1:]
        scale = column(plan.edge_scale, solution.x)
        self.conductor_current[plan.conductors] = solution.balanced_current() * scale
        scale = column(plan.diode_scale, solution.x)
        self.rectifier_current[plan.rectifiers] = solution.current * scale
        if len(plan.curves):
            self.curve_current[plan.curves] = solution.curves.i * column(
                plan.curve_scale, solution.x
            )
            self.curve_slope[plan.curves] = solution.curves.slope
        if solution.x.ndim == 1:
            self._still(plan, solution)
            self.mark_floating(plan, rigid_pieces(solution)[1:])
            self._rest(plan)

    def _still(self, plan: Plan, solution: Solution) -> None:
        """Leave no rounding in local coordinates that nothing drives."""
        resting = solution.resting()
        if not resting.any():
            return
        here = plan.coordinates[resting[1:]]
        self.x[here] = self.low[here] = 0.0
        joined = resting[plan.edge_p] & resting[plan.edge_q]
        self.conductor_current[plan.conductors[joined]] = 0.0
        # a part that leaned through a rectifier on what is gone follows
        p, q, problem = plan.diode_p, plan.diode_q, solution.problem
        moved, x = resting & (solution.x != 0), np.append(0.0, self.x[plan.coordinates])
        above = x[p] - x[q] - problem.drop
        leaning = (moved[p] & ~resting[q] | moved[q] & ~resting[p]) & (above > 0)
        if not leaning.any():
            return
        every = np.ones(len(problem.curves), dtype=np.bool_)
        _, part = problem.joined_by(solution.current > 0, every)
        for k in np.flatnonzero(leaning).tolist():
            moves = part == part[q[k] if resting[p[k]] else p[k]]
            self.x[plan.coordinates[moves[1:]]] += above[k] if resting[p[k]] else -above[k]

    def mark_floating(self, plan: Plan, piece: Ints) -> None:
        """Note which of a stage's coordinates float, as rigid pieces numbered from 1."""
        start = self.piece.max(initial=0)
        self.piece[plan.coordinates] = np.where(piece > 0, piece + start, 0)

    def _rest(self, plan: Plan) -> None:
        """Put what only a control of zero leaves open where the control says."""
        red = self.reduction
        if not len(red.controls):
            return
        c = red.coordinate[red.controls.q]
        resting = np.isfinite(red.controls.rest) & (self.piece[c] > 0)
        resting &= np.isin(red.part[c], plan.stage.parts)
        self.x[c[resting]], self.piece[c[resting]] = red.controls.rest[resting], 0

    def start(self, plan: Plan, voltages: Floats) -> Floats:
        """Return local coordinates that come near given node voltages (NaN: don't care)."""
        red = self.reduction
        x = np.zeros(len(red.part))
        given = np.isfinite(voltages).nonzero()[0]
        x[red.coordinate[given]] = (voltages[given] - self.offset[given]) / red.scale[given]
        return np.concatenate(([0.0], x[plan.coordinates]))

    # ---- controlled sources ----

    def evaluate_sources(self, rows: Ints) -> None:
        """Compute the values of controlled sources whose controls are known."""
        rows = rows[~self.compiled.paired[rows]]
        if not len(rows):
            return
        red = self.reduction
        table, tie_of = red.controls, red.tie_of
        term, owner = self.compiled.terms(rows)
        index, sensed = table.index[term], table.of_current[term]
        control = self.node_voltages(np.where(sensed, 0, index))
        if sensed.any():
            control[sensed] = self.tie_currents()[[tie_of[k] for k in index[sensed].tolist()]]
        self.control(owner, column(table.gain[term], control) * control)
        self.known_sources[rows] = True
        if self._something_open():
            self.undefined_sources[rows] = [self._control_undefined(int(row)) for row in rows]

    def set_sources(self, rows: Ints, values: Floats) -> None:
        """Set the volts or amps of controlled sources."""
        for row, target in (
            (self.compiled.tie_of_source[rows], self.tie_value),
            (self.compiled.injection_of_source[rows], self.injection_value),
        ):
            target[row[row >= 0]] = values[row >= 0]
        self.refresh()

    def lost_nodes(self) -> Bools:
        """Tell which nodes' voltages depend on something undefined, shape (n_nodes,)."""
        lost = self.uncharted_nodes()
        for drift in self.drifts:
            lost |= drift.moving_voltages() != 0.0
        return lost

    def uncharted_nodes(self) -> Bools:
        """Tell which nodes an undefined source moves by what no drift tells, shape (n_nodes,)."""
        red = self.reduction
        lost = self.lost_parts[red.part[red.coordinate]] | red.moved(self.undefined_sources)
        return np.asarray(lost & ~self.charted_nodes)

    def mark_lost(self, plan: Plan) -> None:
        """Note which parts of a stage an undefined source feeds."""
        if not self.undefined_sources.any():
            return
        red = self.reduction
        lost = self.lost_nodes()
        for kind, rows in (
            (red.conductors, plan.conductors),
            (red.rectifiers, plan.rectifiers),
            (red.curves, plan.curves),
        ):
            touched = lost[kind.p[rows]] | lost[kind.q[rows]]
            self.lost_parts[red.branch_parts(kind)[rows[touched]]] = True
        touched = np.isin(red.law_parts, plan.stage.parts) & (lost[red.laws.p] | lost[red.laws.q])
        self.lost_parts[red.law_parts[touched]] = True
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
        if any(drift.moving_currents()[element] for drift in self.drifts):
            return True
        if not self.undefined_sources.any() or not red.forest.in_tree[tie]:
            return False
        side, lost = red.below(tie), self.lost_nodes()
        for kind in (*red.joining, red.laws):
            crossing = (side[kind.p] != side[kind.q]) & (self.uncharted[kind.element] > 0)
            touched = lost[kind.p] | lost[kind.q]
            if kind is red.laws:  # what any voltage of a device is, its currents are
                touched = kind.anchors(lost.astype(np.int64)) > 0
            if (crossing & touched).any():
                return True
        feeds = red.injections
        crossing = (side[feeds.p] != side[feeds.q]) & (feeds.source >= 0)
        crossing &= self.uncharted[feeds.element] > 0
        return bool(self.undefined_sources[feeds.source[crossing]].any())

    def controls_undefined(self, stage: Stage) -> bool:
        """Tell whether something undefined outside of a stage with feedback controls it."""
        self.loop_determined[stage.loops] = True
        return any(self._control_undefined(int(row)) for row in stage.sources)

    def _something_open(self) -> bool:
        """Tell whether anything may be undefined; hardly ever, and looking at all takes long."""
        loops = not self.reduction.forest.in_tree.all()
        marks = self.undefined_sources, self.piece, self.lost_parts
        return bool(self.drifts) or loops or any(mark.any() for mark in marks)

    def _control_undefined(self, row: int) -> bool:
        """Tell whether a controlled source's value depends on something undefined."""
        if any(drift._controls(row) for drift in self.drifts):
            return True
        red, table = self.reduction, self.reduction.controls
        lever: dict[int, float] = {}
        size = 0.0
        lost = self.lost_nodes()
        for k in range(table.ptr[row], table.ptr[row + 1]):
            if table.of_current[k]:
                if self._current_undefined(int(table.index[k])):
                    return True
                continue
            node, gain = int(table.index[k]), float(table.gain[k])
            if self.charted_nodes[node]:
                continue
            if lost[node]:
                return True
            piece = int(self.piece[red.coordinate[node]])
            lever[piece] = lever.get(piece, 0.0) + gain * float(red.scale[node])
            size = max(size, abs(gain))
        return any(piece and abs(sum_) > ROUNDING * size for piece, sum_ in lever.items())

    def _controls(self, row: int) -> bool:
        """Tell whether what controls a source differs from zero by more than rounding."""
        table = self.reduction.controls
        terms = slice(table.ptr[row], table.ptr[row + 1])
        of_current, index = table.of_current[terms], table.index[terms]
        control = self.moving_voltages()[np.where(of_current, 0, index)]
        if of_current.any():
            control[of_current] = self.moving_currents()[index[of_current]]
        control *= table.gain[terms]
        return bool(abs(control.sum()) > 1e-9 * np.abs(control).sum())
