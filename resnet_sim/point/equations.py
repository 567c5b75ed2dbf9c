"""The equations of a stage with feedback: everything in it as sums of a few unknowns.

Unknowns are the stage's coordinates, the values of its controlled sources and the currents of
sensed loops; then come the currents of its rectifiers.  Node voltages and what leaves each node
are sums of some of them each, and so is every equation: KCL at the coordinates, the laws of the
sources, and what the rectifiers see.  What follows the sources may have an axis of points more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.graphs import bincount
from ..graph.law_problem import LawProblem
from ..graph.mixed import Entries, Extended, MixedProblem, MixedSolution
from . import sources
from .branches import Branches
from .cascade import Stage
from .plan import Plan
from .state import State
from .sums import Sums, Terms

#: Conductance that holds nodes where a search is to start, S.
HOLD = 1e6
NONE = np.zeros(0, dtype=np.int64)


class Equations:
    """The equations of a stage."""

    def __init__(self, state: State, stage: Stage, plan: Plan) -> None:
        self.state, self.stage, self.plan = state, stage, plan
        red = self.red = state.reduction
        self.sources = stage.sources[~state.compiled.paired[stage.sources]]
        self.n_coordinates = len(plan.coordinates)
        self.loops = stage.loops
        self.first_loop = self.n_coordinates + len(self.sources)
        self.n = self.first_loop + len(self.loops)
        #: the unknown of each control, -1 if it is none of the stage
        self.column = np.full(len(red.controls), -1)
        self.column[self.sources] = self.n_coordinates + np.arange(len(self.sources))
        self.points = state.offset.shape[1:]
        state.set_sources(self.sources, np.zeros((len(self.sources), *self.points)))
        local = np.full(len(red.part), -1)
        local[plan.coordinates] = np.arange(self.n_coordinates)
        #: the coordinate of each node, -1 if it is none of the stage
        self.row_of_node = local[red.coordinate]
        self.nodes = self._node_voltages()
        #: nodes that the stage moves
        self.moved = np.diff(self.nodes.ptr) > 0
        later = ~state.known_sources
        later[self.sources] = False
        #: nodes whose voltages depend on sources that later stages find
        self.later = red.moved(later)
        self.offset = state.offset.copy()
        self.rectifiers = self._own(red.rectifiers)
        self.conductors = self._own(red.conductors)
        self._hang()
        self.law_rows = self._own_laws()
        self.curve_rows = self._own(red.curves)
        self.laws = red.laws
        if len(self.laws) or len(self.curve_rows):
            self.laws = red.laws.some(self.law_rows).beside(red.curves, self.curve_rows)
        branch, rows = red.conductors, self.conductors
        #: what the conductors and the rectifiers see, beside offsets
        self.rises = self.nodes.differences(branch.p[rows], branch.q[rows])
        rect, rows = red.rectifiers, self.rectifiers
        self.senses = self.nodes.differences(rect.p[rows], rect.q[rows])
        #: the same of the laws, whose currents come after those of the rectifiers
        self.law_senses = self.nodes.differences(self.laws.p, self.laws.q)
        self.first_law = self.n + len(self.rectifiers)
        self.outflow = self._outflow()
        self.constant_flows = self._constant_flows()

    def _own(self, branches: Branches) -> Ints:
        """Return the branches of the stage's parts, and those between nodes that it fixes.

        What leads from nodes that it fixes into parts solved later belongs to those.
        """
        if not len(branches):
            return NONE
        parts = self.red.branch_parts(branches)
        fixed = (parts < 0) & (self.moved[branches.p] | self.moved[branches.q] | self.stage.whole)
        fixed &= ~(self.later[branches.p] | self.later[branches.q])
        chosen = np.zeros(self.red.n_parts + 1, dtype=np.bool_)
        chosen[self.stage.parts] = True  # index -1, for no part, stays False
        return np.flatnonzero(chosen[parts] | fixed)

    def _own_laws(self) -> Ints:
        """Return the rows of the laws of the stage's devices, and of those whose nodes it fixes."""
        red = self.red
        if not len(red.laws):
            return NONE
        parts, laws = red.law_parts, red.laws
        moved, later = (
            laws.anchors(some.astype(np.int64)) > 0 for some in (self.moved, self.later)
        )
        fixed = (parts < 0) & (moved | self.stage.whole) & ~later
        return np.flatnonzero(np.isin(parts, self.stage.parts) | fixed)

    def _hang(self) -> None:
        """Let the unknown of a node behind a resistance of a device be the voltage across that.

        What a small resistance carries would be lost in the difference of two voltages.
        """
        red = self.red
        self.hung = np.zeros(0, dtype=np.int64)
        if len(red.coordinate) == len(red.circuit.nodes):
            return
        branches = [red.conductors, red.laws]
        hung = [np.flatnonzero((b.sign == 0) & (b.q >= len(red.circuit.nodes))) for b in branches]
        inner, outer = (
            np.concatenate([ends[rows] for ends, rows in zip(each, hung, strict=True)])
            for each in ([b.q for b in branches], [b.p for b in branches])
        )
        own = self.row_of_node[inner] >= 0
        self.hung, outer = inner[own], outer[own]
        if len(self.hung):
            self.nodes = self.nodes.raised(self.hung, outer)
            self.offset[self.hung] = self.offset[outer]

    def _node_voltages(self) -> Sums:
        """Return the voltages of all nodes, without offsets."""
        red, at = self.red, self.row_of_node
        own = np.flatnonzero(at >= 0)
        parts: Terms = [(own, at[own], red.scale[own])]
        for tie in np.flatnonzero(self._columns(red.ties.source) >= 0).tolist():
            if red.forest.in_tree[tie]:
                below = red.nodes_below(tie)
                sign = 1.0 if red.forest.edge[red.ties.p[tie]] == tie else -1.0
                column = np.full(len(below), self.column[red.ties.source[tie]])
                parts.append((below, column, np.full(len(below), sign)))
        return Sums.of(len(red.coordinate), parts)

    def _columns(self, source: Ints) -> Ints:
        """Return the unknown of the sources of branches, -1 for none."""
        if not len(self.column):
            return np.full(len(source), -1)
        return np.where(source >= 0, self.column[source], -1)

    def _outflow(self) -> Sums:
        """Return what leaves each node through all but ties, without what is constant."""
        red, rises = self.red, self.rises
        branch = red.conductors
        rows = self.conductors[rises.row]
        flow = branch.siemens[rows] * rises.value
        parts: Terms = [(branch.p[rows], rises.column, flow), (branch.q[rows], rises.column, -flow)]
        injected = self._columns(red.injections.source)
        for kind, rows, column in (
            (red.injections, np.flatnonzero(injected >= 0), injected[injected >= 0]),
            (red.ties, self.loops, self.first_loop + np.arange(len(self.loops))),
            (red.rectifiers, self.rectifiers, self.n + np.arange(len(self.rectifiers))),
            (self.laws, np.arange(len(self.laws)), self.first_law + np.arange(len(self.laws))),
        ):
            if not len(rows):
                continue
            one = np.ones(len(rows))
            parts += [(kind.p[rows], column, one), (kind.q[rows], column, -one)]
        return Sums.of(len(red.coordinate), parts)

    def _constant_flows(self) -> list[tuple[Branches, Floats]]:
        """Return what flows in all branches whatever the unknowns are, A."""
        red, state = self.red, self.state
        branch = red.conductors
        flow = state.conductor_current.copy()
        rows = self.conductors
        rise = branch.rise(self.offset, rows)
        flow[rows] = sources.column(branch.siemens[rows], rise) * rise
        rectified = state.rectifier_current.copy()
        rectified[self.rectifiers] = 0.0
        curved, lawful = state.curve_current.copy(), state.law_current.copy()
        curved[self.curve_rows], lawful[self.law_rows] = 0.0, 0.0
        looping = state.loop_current.copy()
        looping[self.loops] = 0.0
        flows = [
            (branch, flow), (red.rectifiers, rectified), (red.laws, lawful),
            (red.curves, curved), (red.injections, state.injection_value), (red.ties, looping),
        ]  # fmt: skip
        return [(kind, current) for kind, current in flows if len(kind)]

    def _constant_outflow(self, nodes: Ints) -> Extended:
        """Return what leaves some nodes whatever the unknowns are, A."""
        total = np.zeros((len(self.red.coordinate), *self.points), dtype=np.longdouble)
        wanted = np.zeros(len(total), dtype=np.bool_)
        wanted[nodes] = True
        for kind, current in self.constant_flows:
            for ends, add in ((kind.p, np.add), (kind.q, np.subtract)):
                rows = np.flatnonzero(wanted[ends])  # of long chains a stage is a small part
                add.at(total, ends[rows], current[rows])
        return total[nodes]

    def problem(self) -> MixedProblem:
        """Return KCL at the coordinates, the laws of the sources and the rectifiers' as one."""
        red = self.red
        rhs = np.zeros((self.n, *self.points), dtype=np.longdouble)
        parts: Terms = [*self._kirchhoff(rhs), *self._source_laws(rhs)]
        if len(self.loops):
            parts += self._loop_laws(rhs)
        branch, rows = red.rectifiers, self.rectifiers
        if len(rows):
            first = self.n + np.arange(len(rows))
            parts.append((self.n + self.senses.row, self.senses.column, self.senses.value))
            parts.append((first, first, -branch.resistance[rows]))
        row, column, value = (np.concatenate(kind) for kind in zip(*parts, strict=True))
        value = value.astype(np.longdouble)
        entries = Entries.added(row, column, value, np.abs(value).astype(float))
        if len(self.laws):
            lawful = entries.column >= self.first_law
            feed, entries = entries.where(lawful), entries.where(~lawful)
            self.law_feed = dataclasses.replace(feed, column=feed.column - self.first_law)
        rise = branch.rise(self.offset, rows)
        drop = sources.column(branch.drop[rows], rise) - rise
        return MixedProblem(entries, rhs, drop, branch.resistance[rows])

    def with_laws(self, linear: MixedProblem) -> LawProblem:
        """Return the problem with its laws."""
        laws, own = self.laws, np.zeros(self.n, dtype=np.bool_)
        own[self.column[self.sources]] = True
        senses, offset = self.law_senses, laws.rise(self.offset)
        return LawProblem(linear, self.law_feed, senses, offset, laws, own, self.lift())

    def lift(self) -> Entries:
        """Return what negative conductances in KCL lack of being as large and positive."""
        branch, siemens = self.red.conductors, self.red.conductors.siemens[self.conductors]
        rise = self.rises.where((siemens < 0)[self.rises.row])
        flow = -2.0 * siemens[rise.row] * rise.value
        at = np.concatenate([end[self.conductors[rise.row]] for end in (branch.p, branch.q)])
        own = self.row_of_node[at] >= 0
        value = np.concatenate((flow, -flow)) / self.red.scale[at]
        row, column = self.row_of_node[at], np.tile(rise.column, 2)
        return Entries.added(row[own], column[own], value[own])

    def held(self, problem: LawProblem, start: Floats) -> LawProblem:
        """Return the problem with some nodes held where one is to start.

        Where a controlled source sets a node it gives way: it is its law that is outweighed.
        """
        linear, free = problem.linear, self.row_of_node >= 0
        rows = np.where(free, self.row_of_node, self._setting())
        nodes = np.flatnonzero(np.isfinite(start) & (rows >= 0))
        pull = np.where(free, HOLD / self.red.scale, HOLD**2)[nodes]
        rhs, entries = linear.rhs.copy(), linear.entries
        np.add.at(rhs, rows[nodes], pull * (start - self.offset)[nodes])
        place, column, value = self.nodes.take(nodes)
        entries = Entries.added(
            np.concatenate((entries.row, rows[nodes][place])),
            np.concatenate((entries.column, column)),
            np.concatenate((entries.value, pull[place] * value)),
        )
        held = dataclasses.replace(linear, entries=entries, rhs=rhs)
        return dataclasses.replace(problem, linear=held)

    def _setting(self) -> Ints:
        """Return the row of a source of the stage that moves each node, -1 if none does."""
        found = np.full(len(self.row_of_node), -1)
        place, column, _ = self.nodes.take(np.arange(len(found)))
        source = (column >= self.n_coordinates) & (column < self.first_loop)
        found[place[source]] = column[source]
        return found

    def _kirchhoff(self, rhs: Extended) -> Terms:
        """Write that nothing is left over at the coordinates."""
        red, row_of_node = self.red, self.row_of_node
        own = np.flatnonzero(row_of_node >= 0)
        weight = 1.0 / red.scale[own]
        outflow = self._constant_outflow(own)
        np.subtract.at(rhs, row_of_node[own], sources.column(weight, outflow) * outflow)
        place, column, value = self.outflow.take(own)
        return [(row_of_node[own][place], column, weight[place] * value)]

    def _source_laws(self, rhs: Extended) -> Terms:
        """Write ``s - sum gain * control = constant`` for the sources."""
        table, own = self.red.controls, self.column[self.sources]
        rhs[own] += sources.column(table.constant[self.sources], rhs)
        parts: Terms = [(own, own, np.ones(len(own)))]
        term, owner = self.state.compiled.terms(self.sources)
        of_voltage = ~table.of_current[term]
        index, gain = table.index[term[of_voltage]], table.gain[term[of_voltage]]
        row = self.column[owner[of_voltage]]
        place, column, value = self.nodes.take(index)
        parts.append((row[place], column, -gain[place] * value))
        # coordinates of the stage are zero yet
        volts = self.state.node_voltages(index)
        np.add.at(rhs, row, sources.column(gain, volts) * volts)
        for k, source in zip(term[~of_voltage].tolist(), owner[~of_voltage], strict=True):
            column, value, constant = self._tie_current(int(table.index[k]))
            row = np.full(len(column), self.column[source])
            parts.append((row, column, -table.gain[k] * value))
            rhs[self.column[source]] += table.gain[k] * constant
        return parts

    def _loop_laws(self, rhs: Extended) -> Terms:
        """Write that the voltages around loops of ties fit."""
        ties, loops = self.red.ties, self.loops
        p, q = ties.p[loops], ties.q[loops]
        rises = self.nodes.differences(p, q)
        rhs[self.first_loop :] = self.state.tie_value[loops] - (self.offset[p] - self.offset[q])
        column = self._columns(ties.source[loops])
        own = np.flatnonzero(column >= 0)
        return [
            (self.first_loop + rises.row, rises.column, rises.value),
            (self.first_loop + own, column[own], -np.ones(len(own))),
        ]

    def _tie_current(self, element: int) -> tuple[Any, Any, Any]:
        """Return the current of a tie: columns, factors, and what is constant."""
        red = self.red
        tie = red.tie_of[element]
        if not red.forest.in_tree[tie]:
            own = np.flatnonzero(self.loops == tie)
            return self.first_loop + own, np.ones(len(own), dtype=np.longdouble), np.longdouble(0)
        below = red.nodes_below(tie)
        sign = -1.0 if red.forest.edge[red.ties.p[tie]] == tie else 1.0
        _, column, value = self.outflow.take(below)
        return column, sign * value, sign * self._constant_outflow(below).sum(axis=0)

    # ---- start and result ----

    def conducting(self, start: Floats) -> Bools:
        """Return the rectifiers that given node voltages would make conduct."""
        branch = self.red.rectifiers
        v = np.where(np.isfinite(start), start, 0.0)
        p, q = branch.p[self.rectifiers], branch.q[self.rectifiers]
        return v[p] - v[q] - branch.drop[self.rectifiers] >= 0

    def voltages(self, solution: MixedSolution) -> Floats:
        """Return the voltages of all nodes that the stage moves."""
        rows = np.flatnonzero(self.moved)
        place, column, value = self.nodes.take(rows)
        z, volts = solution.z[column], self.offset.copy()
        terms = sources.column(value.astype(float), z) * z
        volts[rows] += bincount(place, terms, len(rows))
        return volts

    def distance(self, start: Floats | None) -> Callable[[MixedSolution], float]:
        """Return a sort key: how far a solution's voltages are from where one starts."""

        def key(solution: MixedSolution) -> float:
            if start is None:
                return 0.0
            # other nodes wait for their stages
            off = np.abs(self.voltages(solution) - start)[self.moved]
            return float(np.nan_to_num(off).sum())

        return key
