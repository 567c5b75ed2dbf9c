"""Where to start: a few sweeps over all coordinates at once tell most rectifiers that conduct.

Jacobi's method, damped, for the problem in which hard rectifiers have resistances like those of
the edges beside them.  It is far from a solution, but a guess from it saves two or three of the
rough steps that a guess from nothing takes, each of which costs more than all of the sweeps.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled.kernels import kernel
from ..graph.graphs import bincount
from ..graph.problem import Problem, node_sums_abs

SWEEPS = 15
#: Share of each step that is taken: all of it lets neighbours swing against each other.
DAMPED = 0.8
#: Conductance of a hard rectifier, relative to those of the edges at its weaker end.
SOFT = 0.5


def relaxed(problem: Problem) -> tuple[Bools, Floats]:
    """Return the rectifiers that probably conduct, shape (m,), and coordinates, shape (n,)."""
    p = np.concatenate((problem.edge_p, problem.diode_p))
    q = np.concatenate((problem.edge_q, problem.diode_q))
    first = len(problem.edge_p)
    ends = p[first:], q[first:]
    held = node_sums_abs(problem.n, problem.edge_p, problem.edge_q, problem.conductance)
    held[0] = np.inf  # the reference
    softened = SOFT * np.minimum(*(held[end] for end in ends))
    siemens = 1.0 / np.where(problem.hard, 1.0, problem.resistance)
    siemens = np.where(problem.hard, softened, np.minimum(siemens, softened))
    g = np.concatenate((problem.conductance, np.where(np.isfinite(siemens), siemens, 0.0)))
    rise = np.concatenate((problem.emf, problem.drop))
    x = np.zeros(problem.n)
    run = _jacobi.at(problem.size, cost=problem.size // 4)
    run(x, p, q, g, rise, first, problem.injection, SWEEPS)
    return np.asarray(x[ends[0]] - x[ends[1]] > problem.drop), x


def _jacobi_by_arrays(
    x: Floats, p: Ints, q: Ints, g: Floats, rise: Floats, first: int, injection: Floats,
    sweeps: int,
) -> None:  # fmt: skip
    n = len(x)
    for _ in range(sweeps):
        above = x[p] - x[q] - rise
        slope = g.copy()
        slope[first:][~(above[first:] > 0.0)] = 0.0
        current = slope * above
        excess = injection - (bincount(p, current, n) - bincount(q, current, n))
        held = bincount(p, slope, n) + bincount(q, slope, n)
        held[0] = 0.0
        moves = held > 0.0
        x[moves] += DAMPED * (excess[moves] / held[moves])


@partial(kernel, interpreted=_jacobi_by_arrays)
def _jacobi(x, p, q, g, rise, first, injection, sweeps):  # type: ignore[no-untyped-def]
    """Move all coordinates but the reference at once, `sweeps` times; changes `x`.

    From `first` on, currents flow from p to q only.
    """
    n = len(x)
    for _ in range(sweeps):
        # two sums at each node and one difference, as by `bincount`: other orders are other bits
        out, into, held_p, held_q = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
        for k in range(len(p)):
            above = x[p[k]] - x[q[k]] - rise[k]
            if k < first or above > 0.0:
                out[p[k]] += g[k] * above
                into[q[k]] += g[k] * above
                held_p[p[k]] += g[k]
                held_q[q[k]] += g[k]
        for a in range(1, n):
            held = held_p[a] + held_q[a]
            if held > 0.0:
                x[a] += DAMPED * ((injection[a] - (out[a] - into[a])) / held)
