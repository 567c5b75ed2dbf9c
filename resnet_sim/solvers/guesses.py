"""All conducting sets of a small problem, and which of them a rough look refutes."""

from __future__ import annotations

import itertools

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..graph.mixed import MixedProblem
from .pivoting import Complementarity, limiters
from .singular import scales

#: Relative size of what a rough look takes for wrong, and of singular values that it takes for
#: nothing or for something: what lies between them it leaves open.
WRONG, NOTHING, SOMETHING = 1e-6, 1e-13, 1e-6
#: Relative size of entries of which rounding may have left another one.
BLURRED = 1e-9


def every(problem: MixedProblem) -> Bools | None:
    """Return all conducting sets that can be right, few conducting first; None if too many.

    A limiter is at one end at most.
    """
    m = len(problem.drop)
    if not m:
        return np.zeros((1, 0), dtype=np.bool_)
    pairs = limiters(problem)
    apart = problem.drop[pairs].sum(axis=1) > 0
    pairs = pairs[apart]
    alone = np.ones(m, dtype=np.bool_)
    alone[pairs] = False
    singles = np.flatnonzero(alone)
    if 3 ** len(pairs) * 2 ** len(singles) > 2**policy.POLICY.enumerated:
        return None
    ends = [[(), (a,), (b,)] for a, b in pairs.tolist()] + [[(), (k,)] for k in singles.tolist()]
    states = [sorted(itertools.chain(*state))[::-1] for state in itertools.product(*ends)]
    found = np.zeros((len(states), m), dtype=np.bool_)
    for on, state in zip(found, sorted(states, key=lambda state: (len(state), state)), strict=True):
        on[state] = True
    return found


def refuted(problem: MixedProblem, sets: Bools) -> Bools:
    """Tell which conducting sets are no solutions, by so much that more digits change nothing.

    All sets with as many unknowns are solved at once, in terms of the rectifiers alone.
    """
    wrong = np.zeros(len(sets), dtype=np.bool_)
    start = Complementarity.held(problem, limiters(problem)) if problem.m else None
    if start is None:
        return wrong
    parts = start.M, start.q, start.span, *start.sizes
    M, q, span, around, size = (np.asarray(part, dtype=float) for part in parts)
    if ((M != 0) & (np.abs(M) < BLURRED * around)).any():
        return wrong  # what is left of a difference may be nothing
    rows, columns = scales(M, even=True)
    M, q, span, size = M / rows[:, None] / columns, q / rows, span * columns, size / rows
    states = start.states(sets)
    unknown = (states == 1).sum(axis=1)
    for count in np.unique(unknown):
        group = np.flatnonzero(unknown == count)
        wrong[group] = _wrong(M, (q, size), span, states[group], int(count))
    return wrong


def _wrong(
    M: Floats, constant: tuple[Floats, Floats], span: Floats, states: Ints, count: int
) -> Bools:
    """Tell which states of the rows, so many between their ends, are wrong beyond doubt.

    Constants come with the sizes of what they were made from: a difference of these may be nothing.
    """
    q, made_from = constant
    between = states == 1
    x = np.where(states == 2, np.where(np.isfinite(span), span, 0.0), 0.0)
    clear, vague = np.ones(len(states), dtype=np.bool_), np.zeros(len(states), dtype=np.bool_)
    if count:
        free = np.argsort(~between, axis=1, kind="stable")[:, :count]
        right = -np.take_along_axis(q + x @ M.T, free, 1)
        left, values, turned = np.linalg.svd(M[free[:, :, None], free[:, None]])
        share = values / np.maximum(values[:, :1], np.finfo(float).tiny)
        clear = share[:, -1] > SOMETHING
        vague = ((share > NOTHING) & (share <= SOMETHING)).any(axis=1)
        parts = np.einsum("bij,bi->bj", left, right)
        parts = np.where(share > SOMETHING, parts / np.where(values > 0, values, 1.0), 0.0)
        np.put_along_axis(x, free, np.einsum("bij,bi->bj", turned, parts), 1)
    w = q + x @ M.T
    size = made_from + np.abs(x) @ np.abs(M).T
    slack = WRONG * (size + 1e-3 * size.max(axis=1, keepdims=True))
    reach = WRONG * np.abs(x).max(axis=1, initial=0.0, keepdims=True)
    # where equations are singular only contradictions count: the rest may still move
    bad = between & (np.abs(w) > slack)
    bad |= clear[:, None] & (states == 0) & (w < -slack)
    bad |= clear[:, None] & (states == 2) & (w > slack)
    bad |= clear[:, None] & between & ((x < -reach) | (x > span + reach))
    wrong: Bools = bad.any(axis=1) & ~vague
    return wrong
