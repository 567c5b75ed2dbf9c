"""Compiled loops for any number of hidden layers: states of sixteen samples at a time.

Layers are counted from 0, the first behind the inputs.  Even ones are *rows* and odd ones
*columns* of the crossbars between them, of which each is held once, in tiles of 32 columns.
A sweep goes through the tiles: the columns of a tile follow the rows, and what they feed back
is added up while the tile is still in the cache; then the rows follow.  So each conductance
comes from memory once in a sweep, and the order is that of a red-black sweep.

Arrays over samples are held as ``[unit, sample]``, a group of sixteen samples to a vector;
the units of all layers are counted through.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..kernels import subroutine
from ..vectors import (
    add,
    bank,
    div,
    fma,
    load,
    load_bank,
    maximum,
    minimum,
    mul,
    outer,
    splat,
    store,
    store_bank,
    sub,
    total,
)
from ._crossbar import COLUMNS

#: samples in a group, and how many of them follow the rows at once
GROUP, SOME = 16, 8
#: sweeps after which a group counts as not converged
SWEEPS = 400
#: over-relaxation of the sweeps
RELAXATION = 1.07


class Units(NamedTuple):
    """The units of all layers, each layer filled up to a multiple of 32; arrays float32.

    Attributes
    ----------
    start : shape (layers + 1,), int
        Where each layer begins.
    state, excess, change : shape (units, B)
        Voltages of the lower nudged state, later the mean of both; how much the box cuts
        off; the difference of both, V.
    feed, current : shape (units, B)
        Current into a unit if its neighbours were at 0 V; what has been added up, A.
    inverse : shape (3, units)
        One over the sum of all conductances: free, less beta, plus beta at outputs, ohm.
    lower, upper : shape (units,)
        Box, V; 0 for units that only fill up.
    leak, constant : shape (units,)
        Conductance to given potentials, S, and the current from there at 0 V, A.
    bias, bias_mean : shape (units,)
        A, and its momentum (empty without momentum).
    real : shape (units,)
        0 for units that only fill up, else 1.
    product : shape (units,)
        Sum over the samples of ``change * state``.
    """

    start: Any
    state: Any
    excess: Any
    change: Any
    feed: Any
    current: Any
    inverse: Any
    lower: Any
    upper: Any
    leak: Any
    constant: Any
    bias: Any
    bias_mean: Any
    real: Any
    product: Any


class Links(NamedTuple):
    """The crossbars between layers ``k`` and ``k + 1``, one after the other; arrays float32.

    Attributes
    ----------
    start : shape (links + 1,), int
        Where each crossbar begins in `W`.
    W, W_mean : shape (n,)
        Conductances in the order tile, row, column, S; momentum (empty without momentum).
    row_sums : shape (n / COLUMNS,)
        Sums of the rows of each tile, in the order tile, row, S.
    column_sums : shape (links, units)
        Sums of the columns, S.
    """

    start: Any
    W: Any
    W_mean: Any
    row_sums: Any
    column_sums: Any


@subroutine
def remaining(step, before):  # type: ignore[no-untyped-def]
    """Estimate what is left to go from the last two steps.

    Each sweep leaves about the same share of the distance, but the first ones may take more.
    """
    if step >= before:
        return step
    return step * min(max(step / (before - step), np.float32(0.1)), np.float32(1.0))


@subroutine
def _gather(W, place, x, first, last, sample, left, right):  # type: ignore[no-untyped-def]
    """Add up what rows with voltages `x` feed into a tile, which begins at ``W[place]``."""
    batch = x.shape[1]
    for row in range(first, last):
        left = outer(left, x, row * batch + sample, 1, load(W, place))
        right = outer(right, x, row * batch + sample, 1, load(W, place + 16))
        place += COLUMNS
    return left, right


@subroutine
def _scatter(W, place, x, column, current, first, last, group):  # type: ignore[no-untyped-def]
    """Add what the tile of columns from `column` with voltages `x` feeds into the rows."""
    batch = x.shape[1]
    for row in range(first, last, 16):
        own = row * batch + group * GROUP
        sums = load_bank(current, own, batch, 16)
        for k in range(COLUMNS):
            v = load(x, (column + k) * batch + group * GROUP)
            sums = outer(sums, W, place + k, COLUMNS, v)
        store_bank(current, own, batch, sums)
        place += 16 * COLUMNS


@subroutine
def _respond(units, first, last, group, phase, moved):  # type: ignore[no-untyped-def]
    """Let units follow their currents; note the largest steps and voltages, lane by lane."""
    batch = units.state.shape[1]
    relaxation, zero = splat(RELAXATION), splat(0.0)
    steps, size = load(moved, group * 48), load(moved, group * 48 + 16)
    for unit in range(first, last):
        place = unit * batch + group * GROUP
        least, most = splat(units.lower[unit]), splat(units.upper[unit])
        v = mul(load(units.current, place), splat(units.inverse[phase, unit]))
        if phase == 2:
            # v + dv before the box becomes clip(v + dv) - clip(v) behind it: nothing cancels
            h = load(units.state, place)
            old, v = load(units.change, place), add(v, load(units.excess, place))
            least, most = sub(least, h), sub(most, h)
        else:
            old = load(units.state, place)
            store(units.excess, place, sub(v, minimum(maximum(v, least), most)))
        new = minimum(maximum(fma(relaxation, sub(v, old), old), least), most)
        if phase == 2:
            store(units.change, place, new)
        else:
            store(units.state, place, new)
        step = sub(new, old)
        steps = maximum(steps, maximum(step, sub(zero, step)))
        size = maximum(size, maximum(new, sub(zero, new)))
    store(moved, group * 48, steps)
    store(moved, group * 48 + 16, size)


@subroutine
def _reset(units, which, first, last, group, phase):  # type: ignore[no-untyped-def]
    """Begin to add up currents; of a difference, only the nudge feeds anything."""
    batch, fed = units.state.shape[1], phase != 2 or which == len(units.start) - 2
    for unit in range(first, last):
        place = unit * batch + group * GROUP
        store(units.current, place, load(units.feed, place) if fed else splat(0.0))


@subroutine
def _columns(units, links, which, unit, group, count, phase, x, some, scratch):  # type: ignore[no-untyped-def]
    """Add up the currents into the tile of layer `which` that begins with `unit`."""
    start = units.start
    _reset(units, which, unit, unit + COLUMNS, group, phase)
    for sample in range(group * GROUP, group * GROUP + count, SOME):
        left, right = bank(SOME), bank(SOME)
        for k in range(which - 1, min(which + 1, len(links.start) - 1)):
            # crossbar k has its rows in the other layer
            other = k if k < which else which + 1
            if some[group, other]:
                first, last = start[other], start[other + 1]
                place = links.start[k] + (unit - start[which]) * (last - first)
                left, right = _gather(links.W, place, x, first, last, sample, left, right)
        store_bank(scratch, 0, COLUMNS, left)
        store_bank(scratch, 16, COLUMNS, right)
        for column in range(COLUMNS):
            for b in range(SOME):
                units.current[unit + column, sample + b] += scratch[b, column]


@subroutine
def _feed_back(units, links, which, unit, group, x):  # type: ignore[no-untyped-def]
    """Add what the tile of layer `which` that begins with `unit` feeds into its neighbours."""
    start, batch = units.start, x.shape[1]
    size = splat(0.0)
    for place in range(unit * batch + group * GROUP, (unit + COLUMNS) * batch, batch):
        size = fma(load(x, place), load(x, place), size)
    if total(size) == 0.0:
        return
    for k in range(which - 1, min(which + 1, len(links.start) - 1)):
        other = k if k < which else which + 1
        first, last = start[other], start[other + 1]
        place = links.start[k] + (unit - start[which]) * (last - first)
        _scatter(links.W, place, x, unit, units.current, first, last, group)


@subroutine
def _finish(moved, some, which, group):  # type: ignore[no-untyped-def]
    """Note the largest relative step of a layer and whether it has any voltage; begin anew."""
    place = group * 48
    some[group, which] = total(load(moved, place + 16)) > 0.0
    ratio = div(load(moved, place), maximum(load(moved, place + 16), splat(1e-30)))
    store(moved, place + 32, maximum(load(moved, place + 32), ratio))
    store(moved, place, splat(0.0))
    store(moved, place + 16, splat(0.0))


@subroutine
def _sweep(units, links, first, last, batch, phase, work):  # type: ignore[no-untyped-def]
    """Let all columns follow the rows, then all rows, in the groups that still move."""
    active, moved, some, scratch = work
    start = units.start
    x = units.change if phase == 2 else units.state
    for group in range(first, last):
        store(moved, group * 48 + 32, splat(0.0))
    for which in range(0, len(start) - 1, 2):
        for group in range(first, last):
            if active[group]:
                _reset(units, which, start[which], start[which + 1], group, phase)
    for which in range(1, len(start) - 1, 2):
        for unit in range(start[which], start[which + 1], COLUMNS):
            for group in range(first, last):
                if active[group]:
                    count = min(GROUP, batch - group * GROUP)
                    _columns(units, links, which, unit, group, count, phase, x, some, scratch)
                    _respond(units, unit, unit + COLUMNS, group, phase, moved)
                    _feed_back(units, links, which, unit, group, x)
        for group in range(first, last):
            if active[group]:
                _finish(moved, some, which, group)
    for which in range(0, len(start) - 1, 2):
        for group in range(first, last):
            if active[group]:
                _respond(units, start[which], start[which + 1], group, phase, moved)
                _finish(moved, some, which, group)


@subroutine
def _begin(units, group, phase, moved, some):  # type: ignore[no-untyped-def]
    """Let the rows follow what is fed into them, all else being at 0 V."""
    start = units.start
    batch = units.state.shape[1]
    x = units.change if phase == 2 else units.state
    for unit in range(x.shape[0]):
        store(x, unit * batch + group * GROUP, splat(0.0))
    for which in range(len(start) - 1):
        some[group, which] = False
    for which in range(0, len(start) - 1, 2):
        _reset(units, which, start[which], start[which + 1], group, phase)
        _respond(units, start[which], start[which + 1], group, phase, moved)
        _finish(moved, some, which, group)


@subroutine
def settle(units, links, groups, batch, phase, tolerance, work):  # type: ignore[no-untyped-def]
    """Sweep until some groups of samples have settled; return how many have not.

    Phase 0 is the free state, from 0 V; 1 the lower nudged one, from where the last one
    ended; 2 the difference to the upper one.
    """
    active, moved, some, _ = work
    first, last = groups
    left = last - first
    for group in range(first, last):
        active[group] = True
        for place in range(group * 48, group * 48 + 48, 16):
            store(moved, place, splat(0.0))
        if phase != 1:
            _begin(units, group, phase, moved, some)
    before = np.zeros(last - first, dtype=np.float32)
    for _sweeps in range(SWEEPS):
        _sweep(units, links, first, last, batch, phase, work)
        for group in range(first, last):
            if not active[group]:
                continue
            step = np.float32(0.0)
            for lane in range(16):
                step = max(step, moved[group, 2, lane])
            if remaining(step, before[group - first]) <= tolerance:
                active[group] = False
                left -= 1
            before[group - first] = step
        if left == 0:
            break
    return left
