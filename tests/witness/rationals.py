"""Exact rational algebra for the witness: elimination and linear programs without rounding.

Written with `fractions.Fraction` and dictionaries on purpose: slow, short, and in nothing
like the solvers whose answers it judges.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from fractions import Fraction

#: an affine expression: unknown -> coefficient, the constant under `ONE`
Expression = dict[Hashable, Fraction]
ONE = "1"
ZERO = Fraction(0)


def exact(value: float) -> Fraction:
    """Read a float as the short decimal that was written down, so that 0.1 + 0.2 is 0.3."""
    return Fraction(repr(float(value)))


def add(into: Expression, what: Expression, times: Fraction) -> None:
    """Add a multiple of one expression to another, dropping what cancels."""
    for key, coefficient in what.items():
        total = into.get(key, ZERO) + times * coefficient
        if total:
            into[key] = total
        else:
            into.pop(key, None)


class Eliminated:
    """Equations ``expression = 0`` after eliminating as many `inner` unknowns as possible.

    `rest` are the equations left among the other unknowns; `pivots` express eliminated
    unknowns by the others, in such an order that each uses only later ones.
    """

    def __init__(self, equations: Iterable[Expression], inner: set[Hashable]) -> None:
        rows = [dict(row) for row in equations if row]
        self.pivots: list[tuple[Hashable, Expression]] = []
        self.free = set(inner)
        self.rest: list[Expression] = []
        while rows:
            index = min(range(len(rows)), key=lambda k: len(rows[k]))
            row = rows.pop(index)
            candidates = [key for key in row if key in inner]
            if not candidates:
                self.rest.append(row)
                continue
            rows = self._eliminate(rows, row, candidates)

    def _eliminate(
        self, rows: list[Expression], row: Expression, candidates: list[Hashable]
    ) -> list[Expression]:
        key = min(candidates, key=lambda c: sum(c in other for other in rows))
        coefficient = row.pop(key)
        solved = {name: -value / coefficient for name, value in row.items()}
        for other in rows:
            if key in other:
                add(other, solved, other.pop(key))
        self.rest = [r for r in self.rest if r]
        self.pivots.append((key, solved))
        self.free.discard(key)
        return [r for r in rows if r]

    def expand(self, known: dict[Hashable, Expression]) -> dict[Hashable, Expression]:
        """Express every eliminated unknown by what `known` is expressed by."""
        out = dict(known)
        for key in self.free:
            out[key] = {key: Fraction(1)}
        for key, solved in reversed(self.pivots):
            out[key] = substitute(solved, out)
        return out


def substitute(expression: Expression, known: dict[Hashable, Expression]) -> Expression:
    """Replace the unknowns of an expression by what is known of them."""
    out: Expression = {}
    for key, coefficient in expression.items():
        if key == ONE:
            add(out, {ONE: coefficient}, Fraction(1))
        else:
            add(out, known[key], coefficient)
    return out


Vector = list[Fraction]


class Dictionary:
    """A linear program as Chvatal writes it: basic unknowns expressed by nonbasic ones.

    Rows are ``[constant, coefficient of each nonbasic unknown]``; every unknown is >= 0.
    Bland's rule (lowest number first) keeps it from cycling.
    """

    def __init__(self, rows: list[Vector], goal: Vector) -> None:
        width = len(goal) - 1
        self.rows, self.goal = [list(row) for row in rows], list(goal)
        self.nonbasic = list(range(width))
        self.basic = list(range(width, width + len(rows)))

    def pivot(self, r: int, c: int) -> None:
        """Exchange the basic unknown of row `r` and the nonbasic one of column `c`."""
        row = self.rows[r]
        coefficient = row[c + 1]
        solved = [-value / coefficient if value else ZERO for value in row]
        solved[c + 1] = 1 / coefficient
        self.rows[r] = solved
        for k, other in enumerate([*self.rows, self.goal]):
            if k != r and other[c + 1]:
                factor, other[c + 1] = other[c + 1], ZERO
                for j, value in enumerate(solved):
                    if value:
                        other[j] += factor * value
        self.basic[r], self.nonbasic[c] = self.nonbasic[c], self.basic[r]

    def climb(self) -> bool:
        """Raise the goal as far as it goes; False if that is for ever."""
        while True:
            rising = [(n, c) for c, n in enumerate(self.nonbasic) if self.goal[c + 1] > 0]
            if not rising:
                return True
            c = min(rising)[1]
            limits = [
                (row[0] / -row[c + 1], self.basic[r], r)
                for r, row in enumerate(self.rows)
                if row[c + 1] < 0
            ]
            if not limits:
                return False
            self.pivot(min(limits)[2], c)

    def value(self, unknown: int) -> Fraction:
        """Return the value of an unknown at the present corner."""
        return self.rows[self.basic.index(unknown)][0] if unknown in self.basic else ZERO


def _feasible(rows: list[Vector], width: int) -> Dictionary | None:
    """First phase: one more unknown lifts all rows, and is then driven back to zero."""
    goal = [ZERO] * (width + 1)
    if all(row[0] >= 0 for row in rows):
        return Dictionary(rows, goal)
    lifted = Dictionary([[*row, Fraction(1)] for row in rows], [*goal, Fraction(-1)])
    # its number must be the lowest, so that it leaves as soon as it can
    lifted.nonbasic[width] = -1
    lifted.basic = [n - 1 for n in lifted.basic]
    lifted.pivot(min(range(len(rows)), key=lambda r: rows[r][0]), width)
    lifted.climb()
    if lifted.value(-1) != 0:
        return None
    if -1 in lifted.basic:
        r = lifted.basic.index(-1)
        lifted.pivot(r, next(c for c in range(width + 1) if lifted.rows[r][c + 1]))
    c = lifted.nonbasic.index(-1)
    for row in lifted.rows:
        row.pop(c + 1)
    lifted.nonbasic.pop(c)
    lifted.goal = goal
    return lifted


def maximise(goal: Vector, constraints: list[Vector]) -> tuple[str, Vector]:
    """Maximise ``goal . t`` over free t subject to ``[b, a]: b + a . t >= 0``.

    Returns ``"optimal"``, ``"unbounded"`` (with a feasible t) or ``"infeasible"``.
    """
    k = len(goal)
    rows = [[row[0], *row[1:], *[-a for a in row[1:]]] for row in constraints]
    program = _feasible(rows, 2 * k)
    if program is None:
        return "infeasible", []
    split = [*goal, *[-g for g in goal]]
    for name, coefficient in enumerate(split):
        if not coefficient:
            continue
        if name in program.nonbasic:
            program.goal[program.nonbasic.index(name) + 1] += coefficient
        else:
            row = program.rows[program.basic.index(name)]
            program.goal = [g + coefficient * v for g, v in zip(program.goal, row, strict=True)]
    status = "optimal" if program.climb() else "unbounded"
    return status, [program.value(j) - program.value(j + k) for j in range(k)]


def affine_hull(constraints: list[Vector], width: int) -> tuple[Vector, list[Vector]] | None:
    """Return a point and a basis of directions of ``{t: b + a . t >= 0}``; None if empty."""
    status, point = maximise([ZERO] * width, constraints)
    if status == "infeasible":
        return None
    seen, normals = [point], []
    for row in constraints:
        if any(evaluate(row, t) > 0 for t in seen):
            continue
        best = maximise(row[1:], constraints)[1]
        # an unbounded program stops at a corner where the row may still be zero
        if evaluate(row, best) > 0 or _recedes(row, constraints):
            seen.append(best)
        else:
            normals.append(row[1:])
    return point, null_space(normals, width)


def _recedes(row: Vector, constraints: list[Vector]) -> bool:
    return maximise(row[1:], constraints)[0] == "unbounded"


def evaluate(row: Vector, t: Vector) -> Fraction:
    """Return ``b + a . t``."""
    return row[0] + sum((a * x for a, x in zip(row[1:], t, strict=True) if a), ZERO)


def null_space(rows: list[Vector], width: int) -> list[Vector]:
    """Return a basis of ``{t: a . t = 0 for all rows a}``."""
    solution = solve_dense([[*row, ZERO] for row in rows], width)
    assert solution is not None
    return solution[1]


def solve_dense(rows: list[Vector], width: int) -> tuple[Vector, list[Vector]] | None:
    """Solve ``a . t = b`` for rows ``[a, b]``: a point and a basis of directions, or None."""
    work = [list(row) for row in rows]
    pivots: list[int] = []
    for c in range(width):
        r = len(pivots)
        found = next((k for k in range(r, len(work)) if work[k][c]), None)
        if found is None:
            continue
        work[r], work[found] = work[found], work[r]
        scale = work[r][c]
        work[r] = [value / scale if value else ZERO for value in work[r]]
        for k, other in enumerate(work):
            if k != r and other[c]:
                f = other[c]
                work[k] = [x - f * y if y else x for x, y in zip(other, work[r], strict=True)]
        pivots.append(c)
    if any(row[width] for row in work[len(pivots) :]):
        return None
    point = [ZERO] * width
    for r, c in enumerate(pivots):
        point[c] = work[r][width]
    directions = []
    for free in set(range(width)) - set(pivots):
        direction = [ZERO] * width
        direction[free] = Fraction(1)
        for r, c in enumerate(pivots):
            direction[c] = -work[r][free]
        directions.append(direction)
    return point, directions
