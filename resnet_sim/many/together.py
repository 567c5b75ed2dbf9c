"""The structure that the points of one circuit share, and how some of them are solved with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..arrays import Bools, Floats, as_slice
from ..curves import Points
from ..diagnostics import Diagnostic
from ..errors import ConvergenceError, TopologyError
from ..laws.points import certify_many
from ..model.display import few
from ..point.state import State
from ..point.warnings import nonunique
from ..results.proof import Certificate
from .one_by_one import OneByOne
from .question import Question
from .rows import Rows
from .stages import TIGHT, Stage
from .varied_rows import VariedRows

#: Which points settled, steps taken, sets of rectifiers on loops, and states by number.
Found = tuple[Bools, int, list[Bools], Callable[[int], State]]


class Solved(NamedTuple):
    """What was found out about some points.

    Which are solved and certified, with the certificates of those; steps taken; elements whose
    current is one of many in some of them, and warnings.
    """

    good: Bools
    proofs: list[Certificate]
    steps: int
    nonunique: tuple[str, ...]
    warnings: tuple[Diagnostic, ...]


class Together:
    """The structure that points share; arrays of numbers have shape (entries, points).

    Attributes
    ----------
    reason : str or None
        Why points can't be solved together; then nothing else is there.
    """

    def __init__(self, question: Question) -> None:
        self.question, self.circuit = question, question.circuit
        self.reason = self._unfit()
        if self.reason is not None:
            return
        self.solver = OneByOne(question).solver(self.circuit)
        self.solver.share(self.compiled)
        self.rows = Rows(self.compiled) if Rows.fit(self.compiled) else None
        self._note_conducting()
        for stage in self.proper:
            stage.prepare()
        self._known_loops: dict[bytes, tuple[tuple[str, ...], list[Diagnostic]]] = {}

    def _unfit(self) -> str | None:
        """Look for what points share; return a reason if that is not enough."""
        self.compiled = compiled = self.question.compiled
        self.reduction = red = compiled.reduction
        if not red.forest.in_tree.all():
            return "ideal sources and shorts form a loop"
        if any(plan.stage.feedback for plan in compiled.plans):
            return "controlled sources feed back to what controls them"
        if len(compiled.fixed_curves):
            return "there are smooth curves between given potentials"
        state, common = State(compiled), "resistors" not in self.question.places[0]
        self.stages = [Stage(plan, state.problem(plan), common) for plan in compiled.plans]
        self.proper = [stage for stage in self.stages if stage.plan.n > 1]
        problems = [stage.problem for stage in self.proper]
        if not problems or not all(one.positive and len(one.conductance) for one in problems):
            return "there are negative resistances, or none at all"
        self.varied = VariedRows(self.question)
        if without := self.varied.without:
            return (
                f"the values of {few(without)} tell what is connected, or are those of a crossbar"
            )
        return next((stage.unfit for stage in self.proper if stage.unfit), None)

    @property
    def threads(self) -> int:
        """How many threads there is room for."""
        return min(stage.at_once for stage in self.proper)

    @property
    def straight(self) -> bool:
        """Whether points know nothing of each other."""
        return all(stage.straight for stage in self.proper)

    @property
    def size(self) -> int:
        """Entries of all factors of a point."""
        return sum(stage.size for stage in self.proper)

    def _note_conducting(self) -> None:
        """Let points begin with the rectifiers that conduct in the circuit as it is."""
        if not any(len(stage.on) for stage in self.stages):
            return
        try:
            state = self.solver.solve(self.circuit).state
        except (TopologyError, ConvergenceError):
            return
        v, curves = state.node_voltages(), self.reduction.curves
        for stage in self.stages:
            stage.on = state.rectifier_current[stage.plan.rectifiers] > 0
            if stage.bends:
                rows = stage.plan.curves
                rise = v[curves.p[rows]] - v[curves.q[rows]]
                current, slope = state.curve_current[rows], state.curve_slope[rows]
                scale = stage.plan.curve_scale
                stage.bends.start = Points(rise / scale, current / scale, slope)

    def solve(self, values: Floats, v: Floats, i: Floats) -> Solved:
        """Solve some points, and set their voltages and currents.

        Parameters
        ----------
        values : ndarray, shape (points, names)
        v, i : ndarray, shapes (points, n_nodes) and (points, n_elements)
            V and A, to be set.
        """
        solve = self._by_rows if self.rows else self._by_state
        settled, steps, patterns, at = solve(values, v, i)
        settled &= self.varied.allowed(values)
        # the others are solved again, one by one
        rows = slice(None) if settled.all() else np.flatnonzero(settled)
        good = settled.copy()
        proofs, good[rows] = certify_many(
            self.circuit, self.question.columns(values[rows]), v[rows], i[rows],
            self.circuit.switches.closed, self.question.tolerance,
        )  # fmt: skip
        return Solved(good, proofs, steps, *self._nonunique(patterns, at))

    def _by_rows(self, values: Floats, v: Floats, i: Floats) -> Found:
        """Solve where all sources are independent."""
        assert self.rows is not None
        columns = dict(self.varied.columns(values))
        count, red = len(values), self.reduction
        offset = self.rows.offsets(columns, count)
        at = self._spanned(values)
        x = np.zeros((count, len(red.part)))
        current = np.zeros((count, len(red.rectifiers) + len(red.curves)))
        settled, steps = np.ones(count, dtype=np.bool_), 0
        patterns: list[Bools] = []
        for number, stage in enumerate(self.stages):
            if stage.plan.n > 1:
                data = self.rows.data(number, columns, offset)
                if stage.bends:
                    answers, bent, _ = stage.bend(data, self.rows.emf(number, offset), at)
                    current[:, len(red.rectifiers) + stage.plan.curves] = bent
                else:
                    answers = stage.settle(data)
                x[:, as_slice(stage.plan.coordinates)] = answers.x
                current[:, as_slice(stage.plan.rectifiers)] = answers.current
                settled &= answers.settled
                steps += int(answers.steps.sum())
                patterns += stage.loops(answers.x, data.drop, answers.current)
        patterns.append(self._shorted(offset, columns["rectifiers"]))
        self.rows.results(columns, offset, x, current, v, i)

        def state(k: int) -> State:
            if len(red.curves):
                chosen = dict(zip(self.question.varied, values[k].tolist(), strict=True))
                return self.solver.solve(self.circuit.with_values(chosen)).state
            one = self._state(values[k : k + 1])
            for stage in self.stages:
                here = x[k, stage.plan.coordinates], current[k, stage.plan.rectifiers]
                stage.absorb(one, one.problem(stage.plan), *(each[None] for each in here))
            return one.point(0)

        return settled, steps, patterns, state

    def _by_state(self, values: Floats, v: Floats, i: Floats) -> Found:
        """Solve stage after stage: sources may depend on what was found before."""
        state, at = self._state(values), self._spanned(values)
        settled, steps = np.ones(len(values), dtype=np.bool_), 0
        common = "resistors" not in self.varied.of
        drop = state.reduction.rectifiers.drop.T
        patterns = []
        for stage in self.stages:
            if stage.plan.n > 1:
                answers = stage.solve(state, common, at)
                settled &= answers.settled
                steps += int(answers.steps.sum())
                patterns += stage.loops(answers.x, state.drop(stage.plan).T, answers.current)
            state.evaluate_sources(stage.plan.stage.sources)
        patterns.append(self._shorted(state.offset.T, drop))
        v[:] = state.node_voltages()[: v.shape[1]].T
        i[:] = state.currents().T
        return settled, steps, patterns, state.point

    def _state(self, values: Floats) -> State:
        """Return the points before they are solved."""
        return State(self.compiled.replace(**self.varied.branches(values)))

    def _nonunique(
        self, looping: list[Bools], at: Callable[[int], State]
    ) -> tuple[tuple[str, ...], tuple[Diagnostic, ...]]:
        """Return elements whose current is one of many in some variant, and warnings."""
        names: dict[str, None] = {}
        found: dict[Diagnostic, None] = {}
        patterns: Bools = np.concatenate(looping, axis=1)
        odd = np.flatnonzero(patterns.any(axis=1))
        keys = {patterns[k].tobytes(): k for k in odd[::-1].tolist()}
        for key, k in reversed(keys.items()):
            if key not in self._known_loops:
                self._known_loops[key] = nonunique(at(k))
            more, warnings = self._known_loops[key]
            names |= dict.fromkeys(more)
            found |= dict.fromkeys(warnings)
        return tuple(names), tuple(found)

    def _shorted(self, offset: Floats, drop: Floats) -> Bools:
        """Tell which ideal rectifiers between given potentials touch their drop, (S, fixed)."""
        branch, rows = self.reduction.rectifiers, self.compiled.fixed_rectifiers
        rows = rows[branch.resistance[rows] == 0]
        first, second = offset[:, branch.p[rows]], offset[:, branch.q[rows]]
        size, above = np.abs(first) + np.abs(second), first - second - drop[:, rows]
        return np.abs(above) <= TIGHT * (size + np.abs(drop[:, rows]))

    def _spanned(self, values: Floats) -> Floats:
        """Return where points are if each value spans one: curves ask for that."""
        if not any(stage.bends for stage in self.stages):
            return values
        span = np.ptp(values, axis=0)
        return values / np.where(span > 0, span, 1.0)
