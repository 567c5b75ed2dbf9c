"""What the solution of a stage with feedback means for the state: values and what is open."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..graph.balance import blur, corrections
from ..graph.graphs import bincount
from ..graph.law_problem import spread
from ..graph.mixed import MixedSolution
from ..graph.problem import EPS
from .equations import Equations
from .sources import column as factor
from .state import State

#: Relative size of what counts as zero in a change.
NOISE = 1e-12


def absorb(equations: Equations, solution: MixedSolution) -> None:
    """Write a solution, or one of each of many points, into the state."""
    state, plan, red = equations.state, equations.plan, equations.red
    first = equations.first_loop
    state.loop_current[equations.loops] = solution.z[first:]
    state.loop_determined[equations.loops] = True
    state.set_sources(equations.sources, solution.z[equations.n_coordinates : first])
    state.known_sources[equations.sources] = True
    z = solution.z.astype(np.longdouble) + solution.low
    x = z[: equations.n_coordinates].copy()
    if len(equations.hung):
        place, column, value = equations.nodes.take(equations.hung)
        hung = equations.offset[equations.hung].astype(np.longdouble)
        np.add.at(hung, place, factor(value, z) * z[column])
        x[equations.row_of_node[equations.hung]] = hung
    state.x[plan.coordinates] = x
    state.low[plan.coordinates] = (x - state.x[plan.coordinates]).astype(float)
    branch, rows = red.conductors, equations.conductors
    rise = equations.rises.times(z, len(rows)) + branch.rise(equations.offset, rows)
    state.conductor_current[rows] = factor(branch.siemens[rows], rise) * rise
    state.rectifier_current[equations.rectifiers] = solution.current
    _balance(equations, equations.voltages(solution))


def absorb_laws(equations: Equations, voltages: Floats, current: Floats) -> Floats:
    """Write the currents of the laws into the state; return their derivatives."""
    state, count = equations.state, len(equations.law_rows)
    slopes = equations.laws.evaluate(voltages)[1]
    state.law_current[equations.law_rows] = current[:count]
    state.curve_current[equations.curve_rows] = current[count:]
    # curves are last, and each depends on its own voltage alone
    state.curve_slope[equations.curve_rows] = slopes[len(slopes) - len(equations.curve_rows) :]
    return slopes


def _balance(equations: Equations, volts: Floats) -> None:
    """Take what rounding has left over at the coordinates out of the conductors' currents."""
    red, rows, state = equations.red, equations.conductors, equations.state
    at = 1 + equations.row_of_node
    branch = red.conductors
    p, q = branch.p[rows], branch.q[rows]
    if not (red.scale[at > 0] == 1).all():
        return  # the parts of scaled amplifiers weigh their currents
    open_ = blur(volts, p, q)
    count, p, q = 1 + equations.n_coordinates, at[p], at[q]
    for _ in range(2):  # the second takes away the rounding of the first
        leaving = bincount(at, state.outflow(), count)
        size = np.abs(state.conductor_current[rows])
        digits = 4 * EPS * (bincount(p, size, count) + bincount(q, size, count))
        over = ~(np.abs(leaving) <= digits)[1:].all(axis=0)
        if not over.any():
            return
        # a point that needs nothing has the same digits whatever others need
        more = corrections(count, p, q, branch.siemens[rows], leaving, open_)
        state.conductor_current[rows] += np.where(over, more, 0.0)


def mark_free(equations: Equations, directions: Floats, slopes: Floats | None = None) -> None:
    """Note how the stage may change, and that nothing else in it does.

    `slopes` are the derivatives of its laws.
    """
    state, red, n = equations.state, equations.red, equations.n
    free = (directions != 0.0).any(axis=0)
    part = red.part[equations.plan.coordinates]
    # pieces of one part are not told apart
    state.mark_floating(equations.plan, np.where(free[: equations.n_coordinates], part + 1, 0))
    state.undefined_sources[equations.sources] = free[
        equations.n_coordinates : equations.first_loop
    ]
    state.loop_determined[equations.loops] = ~free[equations.first_loop : n]
    for kind, rows in (
        (red.conductors, equations.conductors),
        (red.rectifiers, equations.rectifiers),
        (red.curves, equations.curve_rows),
        (red.laws, equations.law_rows),
        (red.controls, equations.sources),
    ):
        if len(rows):
            np.subtract.at(state.uncharted, kind.element[rows], 1)
    # what a source moves together with a coordinate that others find may float with that
    own = (equations.row_of_node >= 0) | (red.coordinate == 0)
    state.charted_nodes |= equations.moved & ~equations.later & own
    state.drifts += [_drift(equations, direction, slopes) for direction in directions]


def _drift(equations: Equations, direction: Floats, slopes: Floats | None) -> State:
    """Return how everything changes along a direction of the solution set."""
    n, first, fresh = equations.n, equations.first_loop, equations.state.at_rest()
    fresh.set_sources(equations.sources, direction[equations.n_coordinates : first])
    fresh.x[equations.plan.coordinates] = direction[: equations.n_coordinates]
    fresh.loop_current[equations.loops] = direction[first:n]
    branch, rows = equations.red.conductors, equations.conductors
    terms = equations.rises.value.astype(float) * direction[equations.rises.column]
    rise = bincount(equations.rises.row, terms, len(rows))
    size = bincount(equations.rises.row, np.abs(terms), len(rows))
    rise[np.abs(rise) <= NOISE * size] = 0.0
    fresh.conductor_current[:] = 0.0
    fresh.conductor_current[rows] = branch.siemens[rows] * rise
    fresh.rectifier_current[:] = 0.0
    fresh.rectifier_current[equations.rectifiers] = direction[n:]
    fresh.law_current[:], fresh.curve_current[:] = 0.0, 0.0
    if slopes is not None:
        rise = equations.law_senses.times(direction, len(equations.laws)).astype(float)
        change = spread(equations.laws, slopes, rise)
        fresh.law_current[equations.law_rows] = change[: len(equations.law_rows)]
        fresh.curve_current[equations.curve_rows] = change[len(equations.law_rows) :]
    return fresh
