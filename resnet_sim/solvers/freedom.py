"""How solutions of a `MixedProblem` may change: the directions that stay in the solution set.

A rectifier that carries current keeps doing so.  One without current and without gap may
either start to conduct or to block; each choice leaves a cone of directions, and what one of
them moves is not unique.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from ..arrays import Bools, Floats
from ..graph.mixed import Extended, MixedProblem, MixedSolution
from .singular import null_space, power_of_two, scales

#: Up to this many rectifiers between conducting and blocking all choices are tried.
CHOSEN = 6
#: Unknowns above which only the two extreme choices are: each is a decomposition.
LARGE = 200
#: Relative size of what counts as zero in a direction.
NOISE = 1e-12


def directions(
    problem: MixedProblem, group: list[MixedSolution], loose: Callable[[Bools], bool]
) -> Floats:
    """Return directions in which solutions that hang together differ, shape (k, n + m).

    Each is a mixture of all that one choice leaves, in which nothing cancels by chance; at
    the first solution without what moves currents of rectifiers and nothing else.  Columns
    are the unknowns, then the currents.  `loose` tells which conducting sets are singular.
    """
    n, m = len(problem.rhs), len(problem.drop)
    found = [np.zeros((0, n + m))]
    if not m and not loose(np.zeros(0, dtype=np.bool_)):
        return found[0]
    for number, solution in enumerate(group if n <= LARGE else group[:1]):
        on = problem.carrying(solution)
        idle = problem.touching(solution) & ~on
        moved = n if number == 0 else n + m
        for starts in _choices(idle, n):
            if loose(on | starts):
                found.append(_mixture(problem, on, starts, idle & ~starts, moved))
    return np.vstack(found)


def is_rigid(
    problem: MixedProblem, group: list[MixedSolution], loose: Callable[[Bools], bool]
) -> bool:
    """Tell whether solutions that hang together are one, which no choice lets change."""
    on = problem.carrying(group[0])
    idle = problem.touching(group[0]) & ~on
    return len(group) == 1 and not any(loose(on | s) for s in _choices(idle, problem.n))


def _cleaned(span: Floats) -> Floats:
    return np.where(np.abs(span) > NOISE, span, 0.0)


def _choices(idle: Bools, n: int) -> Iterator[Bools]:
    """Yield which of the idle rectifiers start to conduct, the others start to block."""
    rows = np.flatnonzero(idle)
    if len(rows) > CHOSEN or n > LARGE:
        yield np.zeros_like(idle)
        if len(rows):
            yield idle
        return
    for conducts in itertools.product((False, True), repeat=len(rows)):
        chosen = np.zeros_like(idle)
        chosen[rows] = conducts
        yield chosen


def _mixture(problem: MixedProblem, on: Bools, starts: Bools, blocks: Bools, moved: int) -> Floats:
    """Return the direction of one choice, shape (1, n + m), or none, shape (0, n + m).

    It is made of what moves any of the first `moved` columns.
    """
    basis, columns = _free(problem, on | starts)
    # currents that start are positive, and so are gaps that open
    limits = _limits(problem, starts, basis, columns)[starts | blocks]
    span = _within(_cleaned(basis), limits, _interior(np.zeros(len(limits)), limits))
    left, values, _ = np.linalg.svd(span[:, :moved], full_matrices=False)
    rank = int((values > NOISE).sum())
    if not rank:
        return np.zeros((0, len(columns)))
    moving = _cleaned((left[:, :rank] / values[:rank]).T @ span)
    return np.sqrt(2.0 + np.arange(rank))[None] @ moving / columns


def inside(
    problem: MixedProblem, on: Bools, known: Extended, noise: Floats
) -> tuple[Extended, Bools] | None:
    """Return about what solves a singular conducting set, amid all that does, and what is free.

    None if nothing solves it.  Both are of the unknowns, then the currents.

    Parameters
    ----------
    problem : MixedProblem
    on : ndarray of bool, shape (m,)
    known : ndarray of longdouble, shape (n + m,)
        Some solution of the equations: unknowns, then currents of any sign.
    noise : ndarray of float, shape (m,)
        Rounding of the currents of `on` and of the gaps of the others.
    """
    n = len(problem.rhs)
    basis, columns = _free(problem, on)
    slope = _limits(problem, on, basis, columns)
    z, current = known[:n].astype(float), known[n:].astype(float)
    value = np.where(on, current, problem.drop - problem.sense @ z)
    moving = np.abs(slope).max(axis=1, initial=0.0) > 0
    if (value < -noise)[~moving].any():
        return None
    shift, room = np.zeros(len(basis)), np.ones(int(moving.sum()))
    if (value[moving] <= noise[moving]).any():
        found = _interior(value[moving], slope[moving])
        if found is None:
            return None
        shift, room = found
    span = _cleaned(_within(_cleaned(basis), slope[moving], (shift, room)))
    return known + (shift @ basis) / columns, (span != 0.0).any(axis=0)


def _free(problem: MixedProblem, on: Bools) -> tuple[Floats, Floats]:
    """Return the null space of a conducting set in scaled unknowns and currents, and the scales.

    Shapes are (k, n + m) and (n + m,); an actual change is a scaled one over the scale.
    """
    n = len(problem.rhs)
    kept = np.concatenate((np.ones(n, dtype=np.bool_), on))
    basis, columns = np.zeros((0, len(kept))), np.ones(len(kept))
    if not kept.any():
        return basis, columns
    matrix = problem.equations[kept][:, kept]
    rows, columns[kept] = scales(matrix.astype(float), even=True)
    null = null_space(matrix / rows[:, None] / columns[kept])
    basis = np.zeros((len(null), len(kept)))
    basis[:, kept] = null
    return basis, columns


def _limits(problem: MixedProblem, on: Bools, basis: Floats, columns: Floats) -> Floats:
    """Return how currents of `on` and gaps of the others change, per row of a basis: (m, k)."""
    n = len(problem.rhs)
    rows = np.hstack((-problem.sense, np.zeros((len(on), len(on))))) / columns
    rows[on] = 0.0
    rows[on, n + np.flatnonzero(on)] = 1.0 / columns[n:][on]
    basis = _cleaned(basis)
    slope = rows @ basis.T
    slope[np.abs(slope) <= NOISE * (np.abs(rows) @ np.abs(basis.T))] = 0.0
    return slope


def _null(matrix: Floats) -> Floats:
    _, values, right = np.linalg.svd(matrix)
    rank = int((values > 1e-12 * values.max(initial=0.0)).sum())
    return right[rank:]


def _interior(value: Floats, slope: Floats) -> tuple[Floats, Floats] | None:
    """Return a point t amid ``value + slope t >= 0``, and which limits leave room; or None.

    One linear program finds both: seen from far away (all is multiplied by a `reach` of its
    choice) a limit that can be kept with room can be kept with room 1.
    """
    from scipy.optimize import linprog

    count, k = slope.shape
    if not count or not k:
        return np.zeros(k), np.zeros(count)
    scale = power_of_two(slope, 1)
    value, slope = value / scale, slope / scale[:, None]
    result = linprog(
        np.concatenate((np.zeros(k + 1), -np.ones(count))),
        A_ub=np.hstack((-slope, -value[:, None], np.eye(count))),
        b_ub=np.zeros(count),
        bounds=[(None, None)] * k + [(1.0, None)] + [(0.0, 1.0)] * count,
    )
    if result.x is None:
        return None
    point, room = result.x[:k] / result.x[k], np.where(result.x[k + 1 :] < 0.5, 0.0, 1.0)
    rows = slope[room == 0]
    if len(rows):  # what leaves no room holds exactly
        point -= np.linalg.lstsq(rows, value[room == 0] + rows @ point, rcond=1e-9)[0]
    return point, room


def _within(basis: Floats, slope: Floats, inner: tuple[Floats, Floats] | None) -> Floats:
    """Return a basis of what stays where limits leave no room."""
    if inner is None:
        return basis[:0]
    rows = slope[inner[1] == 0]
    rows = rows[np.abs(rows).max(axis=1, initial=0.0) > 0]
    return _null(rows / power_of_two(rows, 1)[:, None]) @ basis if len(rows) else basis
