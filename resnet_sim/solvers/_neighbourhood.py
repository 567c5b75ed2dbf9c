"""A part of a problem by itself: the coordinates around some curves, all others held."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.problem import Problem


@dataclass(frozen=True)
class Neighbourhood:
    """The problem of some coordinates, and which of the whole they, its curves and rectifiers are.

    Attributes
    ----------
    problem : Problem
        Held coordinates are its reference, at emfs and drops that tell how high they are.
    nodes, curves, rectifiers : ndarray of int
        The reference is the first of the nodes.
    """

    problem: Problem
    nodes: Ints
    curves: Ints
    rectifiers: Ints


def around(problem: Problem, some: Bools, x: Floats) -> Neighbourhood:
    """Return what some curves, and the curves and rectifiers beside them, have at their ends.

    A resistor leads on, but holds better than they do.
    """
    rows = problem.curves
    free = np.zeros(problem.n, dtype=np.bool_)
    free[rows.p[some]] = free[rows.q[some]] = True
    for p, q in ((rows.p, rows.q), (problem.diode_p, problem.diode_q)):
        beside = free[p] | free[q]
        free[p[beside]] = free[q[beside]] = True
    free[0] = False
    number, held = np.where(free, np.cumsum(free), 0), np.where(free, 0.0, x)

    def part(p: Ints, q: Ints, volts: Floats) -> tuple[Ints, Ints, Ints, Floats]:
        inner = np.flatnonzero(free[p] | free[q])
        p, q = p[inner], q[inner]
        return inner, number[p], number[q], volts[inner] - held[p] + held[q]

    edges, edge_p, edge_q, emf = part(problem.edge_p, problem.edge_q, problem.emf)
    curves, curve_p, curve_q, own = part(rows.p, rows.q, rows.emf)
    rectifiers, diode_p, diode_q, drop = part(problem.diode_p, problem.diode_q, problem.drop)
    free[0] = True
    alone = dataclasses.replace(
        problem, n=int(free.sum()), edge_p=edge_p, edge_q=edge_q, emf=emf,
        conductance=problem.conductance[edges],
        injection=problem.injection[free], turnover=problem.turnover[free],
        diode_p=diode_p, diode_q=diode_q, drop=drop, resistance=problem.resistance[rectifiers],
        curves=dataclasses.replace(rows.take(curves), p=curve_p, q=curve_q, emf=own),
    )  # fmt: skip
    return Neighbourhood(alone, np.flatnonzero(free), curves, rectifiers)
