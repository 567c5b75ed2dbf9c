"""Transconductances that belong to the co-content: where what i does to j, j does to i.

Sources ``i_pq = g v_c`` and ``i_c = g v_pq`` are together ``g v_pq v_c`` of co-content, of which
each is half.  As ``-v_a v_b = 1/2 (v_a - v_b)^2 - 1/2 v_a^2 - 1/2 v_b^2``, each is then four
conductances of either sign between its own nodes, those of its control, and ground.  What matters
is that all of them together are symmetric (Hopfield networks of pairs of G sources, a source
that its own voltage controls), not that they come in pairs.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.graphs import bincount, components
from .branches import Conductors, Controls, Injections, Kinds

#: How far two transconductances may be from each other, relative to their size.
NEAR = 1e-12


def merged(kinds: Kinds, controls: Controls) -> tuple[Kinds, Controls]:
    """Return branches and controls with reciprocal transconductances as conductors."""
    rows = _candidates(kinds[3], controls)
    if not len(rows):
        return kinds, controls
    term, owner = _terms(controls, rows)
    rows = rows[_symmetric(controls, rows, term, owner)]
    if not len(rows):
        return kinds, controls
    ties, conductors, rectifiers, injections, curves, laws = kinds
    taken = np.zeros(len(controls), dtype=np.bool_)
    taken[rows] = True
    number = np.cumsum(~taken) - 1
    conductors = _joined(conductors, _conductors(controls, *_terms(controls, rows)))
    ties = dataclasses.replace(ties, source=_renumbered(ties.source, number))
    injections = _without(injections, taken, number)
    return (ties, conductors, rectifiers, injections, curves, laws), _kept(controls, ~taken)


def _candidates(injections: Injections, controls: Controls) -> Ints:
    """Return the controls that voltages alone make a current of."""
    if not len(controls):
        return np.zeros(0, dtype=np.int64)
    fit = np.zeros(len(controls), dtype=np.bool_)
    fit[injections.source[injections.source >= 0]] = True
    fit[controls.owner[controls.of_current]] = False
    return (fit & ~controls.is_voltage & np.isnan(controls.rest)).nonzero()[0]


def _terms(controls: Controls, rows: Ints) -> tuple[Ints, Ints]:
    """Return the terms of some controls that count, and the control of each."""
    owner = controls.owner
    chosen = np.zeros(len(controls), dtype=np.bool_)
    chosen[rows] = True
    term = (chosen[owner] & (controls.index != 0) & (controls.gain != 0)).nonzero()[0]
    return term, owner[term]


def _symmetric(controls: Controls, rows: Ints, term: Ints, owner: Ints) -> Bools:
    """Tell which controls belong to a group whose matrix of transconductances is symmetric."""
    node, gain = controls.index[term], controls.gain[term]
    p, q = controls.p[owner], controls.q[owner]
    row = np.concatenate((p, q))
    column, value = np.tile(node, 2), np.concatenate((gain, -gain))
    own = np.tile(np.searchsorted(rows, owner), 2)
    inner = (row != 0) & (row != column)
    row, column, value, own = (part[inner] for part in (row, column, value, own))
    first, place = _distinct(np.minimum(row, column), np.maximum(row, column))
    skew = bincount(place, np.where(row < column, value, -value), len(first))
    size = bincount(place, np.abs(value), len(first))
    lame = np.abs(skew) > NEAR * size
    # controls that share a pair of nodes stand or fall together
    count, group = components(len(rows) + len(first), own, len(rows) + place)
    bad = np.zeros(count, dtype=np.bool_)
    bad[group[len(rows) :][lame]] = True
    return ~bad[group[: len(rows)]]


def _conductors(controls: Controls, term: Ints, owner: Ints) -> Conductors:
    """Return the conductors that some terms amount to.

    Of these, those at the first node of a source carry half of its current.
    """
    node, half, zero = controls.index[term], 0.5 * controls.gain[term], np.zeros_like(term)
    p, q, element = controls.p[owner], controls.q[owner], controls.element[owner]
    parts: list[tuple[Ints, Ints, Floats, float]] = [
        (p, node, -half, 2.0), (p, zero, half, 2.0), (q, node, half, 0.0), (q, zero, -half, 0.0),
    ]  # fmt: skip
    start, end, g, sign = (
        np.concatenate([np.broadcast_to(part[k], len(term)) for part in parts]) for k in range(4)
    )
    whose = np.tile(element, 4)
    # the two nodes of a control cancel exactly where ground is only the reference
    first, place = _distinct(sign, end, start, whose)
    g = bincount(place, g, len(first))
    first, g = (part[(start != end)[first] & (g != 0)] for part in (first, g))
    return Conductors(whose[first], start[first], end[first], sign[first], g)


def _distinct(*keys: Ints | Floats) -> tuple[Ints, Ints]:
    """Return one row of each kind, in order, and the kind of each row.

    `numpy.unique` would import what takes as long as a small deck.
    """
    order = np.lexsort(keys)
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.cumsum(new) - 1
    return order[new], place


def _joined(one: Conductors, other: Conductors) -> Conductors:
    columns = (field.name for field in dataclasses.fields(Conductors))
    return Conductors(*(np.concatenate((getattr(one, c), getattr(other, c))) for c in columns))


def _renumbered(source: Ints, number: Ints) -> Ints:
    return np.where(source >= 0, number[source], -1)


def _without(injections: Injections, taken: Bools, number: Ints) -> Injections:
    """Return the injections with what controls add to some of them taken away."""
    own = injections.source >= 0
    gone = np.zeros(len(injections), dtype=np.bool_)
    gone[own] = taken[injections.source[own]]
    # of those whose constant is nothing, nothing is left
    held = injections.held.reshape(len(injections), -1)
    kept = ~(gone & ~held.any(axis=1))
    source = np.where(gone, -1, _renumbered(injections.source, number))
    columns = {
        field.name: getattr(injections, field.name)[kept]
        for field in dataclasses.fields(Injections)
        if field.name != "source"
    }
    return Injections(**columns, source=source[kept])


def _kept(controls: Controls, kept: Bools) -> Controls:
    """Return some of the controls."""
    count = np.diff(controls.ptr)
    terms = np.repeat(kept, count)
    of_rows = ("element", "is_voltage", "p", "q", "constant", "rest")
    return Controls(
        **{name: getattr(controls, name)[kept] for name in of_rows},
        ptr=np.cumsum([0, *count[kept].tolist()], dtype=np.int64),
        **{name: getattr(controls, name)[terms] for name in ("of_current", "index", "gain")},
    )
