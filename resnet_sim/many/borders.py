"""One factor for points whose rectifiers differ but in a few.

Rectifiers that conduct at all points are in it, those that differ are not: where they conduct,
their currents follow from a small dense system of each point (Woodbury).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..compiled.registers import DOUBLES, aligned
from ..solvers.linear.common_factor import CommonFactor
from ..solvers.linear.fronts import Fronts
from .threads import spread, threads

if TYPE_CHECKING:
    from ..compiled.packs import Pack

#: Ohms between the ends of a rectifier over those of what is around it, up to which the factor
#: tells what happens when it conducts: else digits cancel.
LOOSE = 1e4


def pays(fronts: Fronts, on: Bools) -> bool:
    """Tell whether one factor for points with these sets takes less time than one of each.

    By operations; and whether there is room for what unit currents do.
    """
    count = int((on.any(axis=0) & ~on.all(axis=0)).sum())
    groups, columns = -(-len(on) // DOUBLES), -(-count // DOUBLES)
    room = columns * fronts.n <= policy.POLICY.kept and count * (count + 35) // 2 <= fronts.size
    once = fronts.operations + 2 * columns * fronts.size
    each = groups * (count**3 // 6 + 2 * count * fronts.n)
    return room and once + each < groups * fronts.operations


def bordered(
    fronts: Fronts, place: tuple[Ints, Ints], entries: Any, values: tuple[Floats, Floats],
    around: Floats, on: Bools,
) -> Pack | None:  # fmt: skip
    """Return what loops of `_borders` need to know, None where one factor does not tell enough.

    Parameters
    ----------
    place : tuple of ndarray of int, shape (m,)
        The ends of rectifiers.
    entries, values
        Of edges and of conducting rectifiers, S, and where both are in the factor.
    around : ndarray, shape (m,)
        Conductance at the ends of each rectifier, S.
    on : ndarray of bool, shape (S, m)
    """
    from ..compiled.packs import Pack
    from ._borders import unit_currents

    always = on.all(axis=0)
    which = np.flatnonzero(on.any(axis=0) & ~always)
    which = which[np.argsort(np.minimum(place[0], place[1])[which], kind="stable")]
    factor = CommonFactor(fronts, entries, np.concatenate((values[0], values[1] * always)))
    p, q = (ends[which] for ends in place)
    moved = aligned((-(-len(which) // DOUBLES), fronts.n + 1, DOUBLES), np.float64)
    none = aligned((1, DOUBLES), np.float64)

    def task(group: int) -> None:
        ends = (end[DOUBLES * group :][:DOUBLES] for end in (p, q))
        unit_currents(
            fronts.plan, fronts.rows, none, factor.factor, factor.pivot, *ends, moved[group]
        )

    spread(task, range(len(moved)), threads(), len(moved) * fronts.size)
    column = np.arange(len(which))
    group, lane = column // DOUBLES, column % DOUBLES
    mutual = moved[group, p[:, None], lane] - moved[group, q[:, None], lane]
    if not (factor.regular and (mutual.diagonal() * around[which] <= LOOSE).all()):
        return None
    return Pack((factor.factor, factor.pivot, which, p, q, moved, np.ascontiguousarray(mutual)))


@cache
def nothing() -> Pack:
    """Return what stands for one factor where each point has its own."""
    from ..compiled.packs import Pack

    number, index = np.zeros(0), np.zeros(0, dtype=np.int64)
    moved = aligned((0, 1, DOUBLES), np.float64)
    return Pack((number, number, index, index, index, moved, np.zeros((0, 0))))
