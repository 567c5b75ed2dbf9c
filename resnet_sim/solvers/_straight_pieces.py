"""Curves in straight pieces, which is where the search for points on them begins."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arrays import Floats, Ints
from ..graph.curve_rows import NO_CURVES
from ..graph.graphs import bincount
from ..graph.problem import EPS, Problem, Solution, difference
from ..workers.progress import report
from . import automatic, newton

#: Linear solves after which a network of pieces takes the long way.
FLIPS = 100
#: Times its load that a curve may carry where a search starts: each step takes a factor of e.
BEARABLE = 1e6
#: How often pieces are bent anew.
BENDINGS = 10


@dataclass(frozen=True)
class Bend:
    """Rectifiers that stand for one direction of curves."""

    curve: Ints
    rectifier: Ints


class Bends(NamedTuple):
    """Both directions."""

    ahead: Bend
    behind: Bend


def currents(problem: Problem, rough: Solution, bends: Bends) -> Floats:
    """Return the currents of the curves, given those of their straight pieces."""
    i = rough.edge_current[len(problem.edge_p) :].copy()
    for sign, part in ((1.0, bends.ahead), (-1.0, bends.behind)):
        i[part.curve] += sign * rough.current[part.rectifier]
    return i


def pieces_of(problem: Problem, load: Floats) -> tuple[Problem, Bends]:
    """Return the problem with three straight pieces for each curve: a chord, and two tangents."""
    rows = problem.curves
    ahead, behind = rows.at_current(load), rows.at_current(-load)
    chord = np.minimum(load / np.abs(ahead.v), load / np.abs(behind.v))
    diode_p, diode_q = [problem.diode_p], [problem.diode_q]
    drop, resistance = [problem.drop], [problem.resistance]
    bends: list[Bend] = []
    count = len(problem.drop)
    for point, p, q, sign in ((ahead, rows.p, rows.q, 1.0), (behind, rows.q, rows.p, -1.0)):
        # what the chord does not carry already
        steep = point.slope - chord
        some = np.flatnonzero(steep > 1e-3 * point.slope)
        rest = np.abs(point.i[some]) - chord[some] * np.abs(point.v[some])
        above = np.abs(point.v[some]) - rest / steep[some]
        diode_p.append(p[some])
        diode_q.append(q[some])
        drop.append(above + sign * rows.emf[some])
        resistance.append(1.0 / steep[some])
        bends.append(Bend(some, count + np.arange(len(some))))
        count += len(some)
    pieces = dataclasses.replace(
        problem,
        edge_p=np.concatenate((problem.edge_p, rows.p)),
        edge_q=np.concatenate((problem.edge_q, rows.q)),
        conductance=np.concatenate((problem.conductance, chord)),
        emf=np.concatenate((problem.emf, rows.emf)),
        diode_p=np.concatenate(diode_p), diode_q=np.concatenate(diode_q),
        drop=np.concatenate(drop), resistance=np.concatenate(resistance),
        curves=NO_CURVES,
    )  # fmt: skip
    return pieces, Bends(*bends)


def local_load(problem: Problem) -> Floats:
    """Return currents (A) that curves may have to carry, by what is connected to their ends."""
    rows, g = problem.curves, np.abs(problem.conductance)
    total = bincount(problem.edge_p, g, problem.n) + bincount(problem.edge_q, g, problem.n)
    total[0] = np.inf
    some = total[(total > 0) & (total < np.inf)]
    # `numpy.median` imports masked arrays
    total[total == 0] = np.sort(some)[len(some) // 2] if len(some) else 1.0
    volts = max(
        float(np.abs(problem.emf).max(initial=0.0)),
        float(np.abs(rows.emf).max(initial=0.0)),
        float((np.abs(problem.turnover) / total)[1:].max(initial=0.0)),
    )
    least = np.minimum(total[rows.p], total[rows.q])
    least[np.isinf(least)] = 1.0
    return np.asarray(np.maximum(volts, 1e-3) * least)


def feasible(problem: Problem, x: Floats) -> tuple[Floats, Floats, int]:
    """Return a point, with its low parts, where no curve carries a current beyond all measure.

    Straight pieces that bend where a curve carries `load` lie above it beyond: where more
    flows, they are bent anew there.
    """
    load, count = local_load(problem), 0
    for _ in range(BENDINGS):
        pieces, bends = pieces_of(problem, load)
        on, strict = newton.guess(pieces, x), bool(problem.hard.any())
        rough = newton.solve(pieces, on, x, cap=FLIPS, stubborn=strict)
        count += rough.iterations
        if not (rough.converged or _bearable(problem, rough, load)):
            rough = automatic.solve(pieces, x=rough.x)
            count += rough.iterations
        x = rough.x
        amps = np.abs(currents(problem, rough, bends))
        report("straight pieces: up to %.1e of the load", float((amps / load).max()))
        if (amps <= 2.0 * load).all():
            break
        load = np.maximum(load, 2.0 * amps)
    return x, rough.low, count


def _bearable(problem: Problem, rough: Solution, load: Floats) -> bool:
    """Tell whether a search may start where straight pieces contradict their states."""
    rows, hard = problem.curves, np.flatnonzero(problem.hard)
    if len(hard) and rough.gap()[hard].min() < -EPS * float(rough.voltage_scale):
        return False
    v = difference(rough.x, rough.low, rows.p, rows.q, rows.emf)
    return bool((np.abs(rows.point(v, np.zeros(len(rows))).i) <= BEARABLE * load).all())
