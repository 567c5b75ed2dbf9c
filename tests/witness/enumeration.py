"""The witness: every solution of a small circuit by exhaustion, in exact arithmetic.

All laws are written down from scratch (modified nodal analysis) from the tables of a
circuit.  Every combination of diode pieces (off, on, breakdown) and switch states is one
linear system; it is solved in rational numbers, so that "singular", "inconsistent" and
"exactly on the knee" mean what they say.  What a combination allows is a polyhedron, of
which only the affine hull matters: a quantity is defined iff it is constant there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from exact_laws import UNIT, ZERO, Laws, Piece, constant, pieces
from rationals import ONE, Eliminated, Expression, Vector, add, affine_hull, exact, solve_dense
from rationals import substitute as insert

MOST_COMBINATIONS = 1100


class Undecided(Exception):
    """The witness has no opinion."""


@dataclass(frozen=True)
class Outcome:
    """One connected piece of the solution set: values, None where not the same throughout."""

    voltages: tuple[Fraction | None, ...]
    currents: tuple[Fraction | None, ...]


def combinations(circuit) -> int:
    """How many linear systems exhaustion has to solve."""
    count = 2 ** int((~circuit.switches.fixed).sum())
    for row in range(len(circuit.diodes)):
        count *= len(pieces(circuit, row))
    return count


def all_outcomes(circuit) -> list[Outcome]:
    """Every solution of a circuit, those that are one and the same merged."""
    found: dict[Outcome, None] = {}
    table = circuit.switches
    choices = [
        (bool(closed),) if fixed else (False, True)
        for closed, fixed in zip(table.closed, table.fixed, strict=True)
    ]
    for closed in itertools.product(*choices):
        for outcome in _outcomes(circuit, closed):
            if _switches_agree(circuit, closed, outcome):
                found[outcome] = None
    return list(found)


def _switches_agree(circuit, closed: tuple[bool, ...], outcome: Outcome) -> bool:
    """Whether every controlled switch may stay as it is; limits as `Switches` states them."""
    table = circuit.switches
    for row, shut in enumerate(closed):
        if table.fixed[row]:
            continue
        if table.ce[row] >= 0:
            control = outcome.currents[table.ce[row]]
        else:
            ends = outcome.voltages[table.cp[row]], outcome.voltages[table.cn[row]]
            control = None if None in ends else ends[0] - ends[1]
        if control is None:
            raise Undecided("something that floats controls a switch")
        limit, width = exact(table.threshold[row]), exact(table.hysteresis[row])
        if control < limit - width if shut else control > limit + width:
            return False
        if not shut and width == 0 and control == limit:
            return False
    return True


def _outcomes(circuit, closed: tuple[bool, ...]) -> Iterator[Outcome]:
    laws = Laws(circuit, closed)
    count = len(circuit.diodes)
    ports = {(kind, row) for kind in ("id", "vd") for row in range(count)}
    unknown = {key for row in laws.equations for key in row if key != ONE} - ports
    unknown |= {("v", node) for node in range(1, len(circuit.nodes))}
    # what cancels wherever it stands may be anything
    unknown |= {key for row in laws.current for key in row if key != ONE} - ports
    reduced = Eliminated(laws.equations, unknown)
    if any(set(row) == {ONE} for row in reduced.rest):
        return
    choices = [pieces(circuit, row) for row in range(count)]
    for chosen in _candidates(reduced.rest, choices):
        hull = _hull(reduced.rest, chosen)
        if hull is not None:
            yield _read(laws, reduced, chosen, *hull)


def _port_matrix(rest: list[Expression], count: int) -> tuple[list[Vector], ...]:
    of_i = [[row.get(("id", k), ZERO) for k in range(count)] for row in rest]
    of_v = [[row.get(("vd", k), ZERO) for k in range(count)] for row in rest]
    return of_i, of_v, [row.get(ONE, ZERO) for row in rest]


def _candidates(rest: list[Expression], choices: list[list[Piece]]) -> Iterator[tuple]:
    """Combinations that floating point cannot rule out beyond doubt."""
    every = list(itertools.product(*choices))
    count = len(choices)
    if len(rest) != count or count == 0:
        return iter(every)
    of_i, of_v, rhs = (np.array(m, dtype=float) for m in _port_matrix(rest, count))
    data = np.array(every_float(every))  # (combination, diode, field)
    v0, a, i0, b, low, high = np.moveaxis(data, 2, 0)
    matrix = of_i[None] * b[:, None, :] + of_v[None] * a[:, None, :]
    right = -(rhs[None] + i0 @ of_i.T + v0 @ of_v.T)
    rows = np.abs(matrix).max(axis=2)
    rows[rows == 0] = 1
    matrix, right = matrix / rows[:, :, None], right / rows
    columns = np.abs(matrix).max(axis=1)
    columns[columns == 0] = 1
    matrix = matrix / columns[:, None, :]
    singular = np.linalg.svd(matrix, compute_uv=False)
    clear = singular[:, -1] > 1e-7 * singular[:, 0]
    t = np.zeros_like(right)
    t[clear] = np.linalg.solve(matrix[clear], right[clear][..., None])[..., 0]
    margin = 1e-6 * (np.abs(t).max(axis=1, keepdims=True) + 1e-3)
    inside = ((t - low * columns > -margin) & (t - high * columns < margin)).all(axis=1)
    keep = inside | ~clear
    return (every[k] for k in np.flatnonzero(keep))


def every_float(every: list[tuple[Piece, ...]]) -> list[list[list[float]]]:
    cache: dict[Piece, list[float]] = {}

    def floats(piece: Piece) -> list[float]:
        if piece not in cache:
            low = -math.inf if piece.low is None else float(piece.low)
            high = math.inf if piece.high is None else float(piece.high)
            cache[piece] = [*map(float, piece[:4]), low, high]
        return cache[piece]

    return [[floats(piece) for piece in chosen] for chosen in every]


def _hull(rest: list[Expression], chosen: tuple[Piece, ...]) -> tuple[Vector, list[Vector]] | None:
    """A point and directions of the affine hull of what a combination allows, in t."""
    count = len(chosen)
    of_i, of_v, rhs = _port_matrix(rest, count)
    rows = []
    for i_row, v_row, known in zip(of_i, of_v, rhs, strict=True):
        row = [i * p.b + v * p.a for i, v, p in zip(i_row, v_row, chosen, strict=True)]
        for i, v, p in zip(i_row, v_row, chosen, strict=True):
            known += i * p.i0 + v * p.v0
        rows.append([*row, -known])
    solution = solve_dense(rows, count)
    if solution is None:
        return None
    point, directions = solution
    limits = []
    for k, piece in enumerate(chosen):
        slope = [d[k] for d in directions]
        if piece.low is not None:
            limits.append([point[k] - piece.low, *slope])
        if piece.high is not None:
            limits.append([piece.high - point[k], *[-s for s in slope]])
    if not directions:
        return (point, []) if all(row[0] >= 0 for row in limits) else None
    hull = affine_hull(limits, len(directions))
    if hull is None:
        return None
    at, along = hull
    start = [
        x + sum(s * d[k] for s, d in zip(at, directions, strict=True)) for k, x in enumerate(point)
    ]
    lifted = [
        [sum(s * d[k] for s, d in zip(w, directions, strict=True)) for k in range(count)]
        for w in along
    ]
    return start, lifted


def _read(
    laws: Laws, reduced: Eliminated, chosen, point: Vector, directions: list[Vector]
) -> Outcome:
    """Values of everything; what depends on a direction or a free unknown has none."""
    ports: dict = {}
    for k, piece in enumerate(chosen):
        t: Expression = constant(point[k])
        for number, direction in enumerate(directions):
            add(t, {("along", number): UNIT}, direction[k])
        for kind, origin, slope in (("vd", piece.v0, piece.a), ("id", piece.i0, piece.b)):
            value = constant(origin)
            add(value, t, slope)
            ports[kind, k] = value
    known = reduced.expand(ports)

    def value(expression: Expression) -> Fraction | None:
        result = insert(expression, known)
        return result.get(ONE, ZERO) if not set(result) - {ONE} else None

    nodes = range(1, len(laws.circuit.nodes))
    voltages = (ZERO, *(value({("v", node): UNIT}) for node in nodes))
    return Outcome(voltages, tuple(value(current) for current in laws.current))


def merged(outcomes: list[Outcome]) -> Outcome:
    """The one outcome of solutions that are a connected set."""

    def same(values: tuple) -> Fraction | None:
        return values[0] if len(set(values)) == 1 else None

    return Outcome(
        tuple(map(same, zip(*(o.voltages for o in outcomes), strict=True))),
        tuple(map(same, zip(*(o.currents for o in outcomes), strict=True))),
    )


def apart(outcomes: list[Outcome]) -> list[Outcome]:
    """Isolated solutions: outcomes that agree wherever both have a voltage belong together."""
    groups: list[list[Outcome]] = []
    for outcome in outcomes:
        touching = [g for g in groups if any(_touch(outcome, other) for other in g)]
        groups = [g for g in groups if g not in touching]
        groups.append([outcome, *(o for g in touching for o in g)])
    return [merged(group) for group in groups]


def _touch(one: Outcome, other: Outcome) -> bool:
    pairs = zip(one.voltages, other.voltages, strict=True)
    return all(a == b for a, b in pairs if a is not None and b is not None)
