"""Whether a state lasts, each node having a small capacitance to ground.

With rectifying elements as they stand the circuit is linear.  If it is reciprocal, the state
lasts where its co-content has a minimum: the conductances between nodes, those that ideal
elements hold together being one, have a positive definite matrix.  Otherwise the symmetric part of
that matrix proves that a state lasts, whatever the capacitances are; and else the eigenvalues with
the same capacitance at each node tell.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..model.circuit import Circuit
from .check import clusters
from .registry import law_of

#: Tables of which all is known here that an unstable circuit may have.
KNOWN = frozenset({
    "resistors", "voltage_sources", "current_sources", "diodes", "capacitors", "inductors",
    "controlled_sources",
})  # fmt: skip
#: Eigenvalues within so much of the largest conductance say nothing.
MARGIN = 1e-12
NONE = np.zeros(0)
#: Largest number of nodes whose matrix is looked at.
MOST = 3000


def stable(circuit: Circuit, v: Floats, i: Floats) -> bool | None:
    """Tell whether a state lasts, None where that can't be told.

    Parameters
    ----------
    v, i : ndarray, shapes (n_nodes,) and (n_elements,)
    """
    tables, rising = _kinds(circuit), NONE
    if "behavioural_sources" in tables:
        growth = law_of("behavioural_sources")(circuit).growth(v)
        if growth is not None:
            rising = growth
            tables.discard("behavioural_sources")
    if _all_rise(circuit, tables):
        return True
    sources = circuit.controlled_sources
    if not (tables <= KNOWN or _rise(tables)) or len(circuit.nodes) > MOST:
        return None
    if sources.is_voltage.any() or sources.of_current.any():
        return None
    if not tables <= KNOWN or len(rising):
        # what is left out only adds to the matrix: without it nothing is known but that it lasts
        return _lasts(circuit, v, i, False, rising) or None
    # a diode on its knee may stand either way
    least = most = _lasts(circuit, v, i, True)
    if any(not np.array_equal(*both) for both in zip(
        *(_diodes(circuit, v, i, knee) for knee in (True, False)), strict=True
    )):  # fmt: skip
        most = _lasts(circuit, v, i, False)
    if most is True:
        return True
    return False if least is False else None


def monotone(circuit: Circuit) -> bool:
    """Tell whether no current falls where its voltage rises: then every state lasts."""
    return _all_rise(circuit, _kinds(circuit))


def _kinds(circuit: Circuit) -> set[str]:
    return set(circuit.present)


def _all_rise(circuit: Circuit, tables: set[str]) -> bool:
    return _rise(tables) and not (circuit.resistors.ohms < 0).any()


def _rise(tables: set[str]) -> bool:
    """Tell whether no current falls where its voltage rises, negative resistances apart."""
    return all(law_of(name).monotone for name in tables)


def _lasts(
    circuit: Circuit, v: Floats, i: Floats, knee: bool, rising: Floats = NONE
) -> bool | None:
    """Tell whether conductances are positive definite, diodes on a knee conducting or not.

    `rising` are the least slopes of sources by formulas, if these are currents that rise, S.
    """
    r = circuit.resistors
    short = r.ohms == 0
    hard = [(r.p[short], r.q[short])]
    for table in (circuit.voltage_sources, circuit.inductors):
        hard.append((table.p, table.q))
    siemens = np.divide(1.0, r.ohms, out=np.zeros(len(r)), where=~short)
    soft = [(r.p, r.q, siemens)]
    if len(rising):
        formulas = circuit.tables["behavioural_sources"]
        soft.append((formulas.p, formulas.q, rising))
    ideal, slope = _diodes(circuit, v, i, knee)
    d = circuit.diodes
    hard.append((d.p[ideal], d.q[ideal]))
    soft.append((d.p[~ideal], d.q[~ideal], slope[~ideal]))
    group = clusters(len(v), *(np.concatenate(ends) for ends in zip(*hard, strict=True)))
    p, q, g = (np.concatenate(part) for part in zip(*soft, strict=True))
    return _definite(*_matrix(circuit, group, p, q, g))


def _diodes(circuit: Circuit, v: Floats, i: Floats, knee: bool) -> tuple[Bools, Floats]:
    """Return which diodes hold their voltage, and the slopes of the others, S."""
    d = circuit.diodes
    first = circuit.first["diodes"]
    current, across = i[first : first + len(d)], v[d.p] - v[d.q]
    leak = 1.0 / d.r_off
    scale = float(np.abs(i).max(initial=0.0))
    extra = current - across * leak
    near = 1e-12 * scale
    size = np.abs(across) + np.abs(d.v_forward)
    touching = across >= d.v_forward - 1e-9 * size
    forward = (extra > near) | (touching & (np.abs(extra) <= near) & knee)
    broken = (extra < -near) & np.isfinite(d.v_reverse)
    ohms = np.where(forward, d.r_on, np.where(broken, d.r_reverse, d.r_off))
    ideal = ohms == 0
    slope: Floats = 1.0 / np.where(ideal, 1.0, ohms)
    return ideal, slope


def _matrix(circuit: Circuit, group: Ints, p: Ints, q: Ints, g: Floats) -> tuple[Floats, Floats]:
    """Return the conductances between groups, and how many nodes each has; not that of ground."""
    roots, place = np.unique(group, return_inverse=True)
    n, a, b = len(roots), place[p], place[q]
    # most conductances of some networks lead to where potentials are given: they count once
    inner = (a != 0) & (b != 0)
    ends = np.concatenate((a[inner] * n + b[inner], b[inner] * n + a[inner]))
    matrix = np.bincount(ends, np.tile(-g[inner], 2), n * n).reshape(n, n).astype(float)
    total = np.bincount(a, g, n) + np.bincount(b, g, n)
    matrix[np.arange(n), np.arange(n)] += total
    source = circuit.controlled_sources
    of = np.repeat(np.arange(len(source)), np.diff(source.ptr))
    for end, sign in ((source.p, 1.0), (source.q, -1.0)):
        np.add.at(matrix, (place[end[of]], place[source.index]), sign * source.gain)
    matrix, size = matrix[1:, 1:], np.bincount(place, minlength=n)[1:].astype(float)
    # nodes that nothing holds don't fall anywhere
    touched = (np.abs(matrix).sum(axis=0) > 0) | (np.abs(matrix).sum(axis=1) > 0)
    return matrix[np.ix_(touched, touched)], size[touched]


def _definite(matrix: Floats, size: Floats) -> bool | None:
    """Tell whether what falls towards a state does so for conductances, None if nearly not."""
    if not len(matrix):
        return True
    margin = MARGIN * float(np.abs(matrix).max())
    half = 0.5 * (matrix + matrix.T)
    lasts = _positive(half, margin)
    if lasts or np.abs(matrix - half).max() <= margin:
        return lasts
    slowest = float(np.linalg.eigvals(matrix / size[:, None]).real.min())
    near = 1e3 * margin * len(matrix)
    return None if abs(slowest) <= near else slowest > 0


def _positive(matrix: Floats, margin: float) -> bool | None:
    """Tell whether a symmetric matrix is positive definite, None if nearly."""
    shift = margin * np.eye(len(matrix))
    for sign, verdict in ((-1.0, True), (1.0, False)):
        try:
            np.linalg.cholesky(matrix + sign * shift)
        except np.linalg.LinAlgError:
            if not verdict:
                return False
        else:
            if verdict:
                return True
    return None
