"""Compiled loops for any number of hidden layers: from states to conductances.

Tiles don't depend on each other here, nor do blocks of samples in `_deep`, so that threads can
share them out without a change in any bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...compiled.kernels import subloops
from ...compiled.vectors import (
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
    store_totals,
    sub,
    together,
)
from . import _crossbar
from ._crossbar import COLUMNS, ROWS
from ._deep import settle
from ._deep_products import SOME
from ._deep_units import DIFFERENCE, FREE, LOWER, at


class Net(NamedTuple):
    """A network; all arrays float32.

    Attributes
    ----------
    G, G_mean, rows
        The crossbar of the inputs, as in `_shallow.Net`.
    column_mean : shape (tiles, COLUMNS)
        Momentum of what all conductances of a column of G have in common.
    units : `_deep_units.Units`
    links : `_deep.Links`
    """

    G: Any
    G_mean: Any
    column_mean: Any
    units: Any
    links: Any
    rows: Any


class Work(NamedTuple):
    """What else is needed; all arrays float32.

    Attributes
    ----------
    current, change : shape (tiles, B, COLUMNS)
        Of the first layer, in the layout of `_crossbar`.
    column, constant : shape (tiles, COLUMNS)
        As in `_shallow.Work`.
    free : shape (B, n)
        Outputs that are not nudged, V.
    progress : `_deep.Progress`
    """

    current: Any
    change: Any
    column: Any
    constant: Any
    free: Any
    progress: Any


# ---- states ----


@subloops
def _spread(net, work, sample, count):  # type: ignore[no-untyped-def]
    """Set what is fed into all units: from the inputs in the first layer, constants elsewhere.

    Samples from `count` on only fill up a block, and must not keep it from settling.
    """
    units, batch = net.units, work.current.shape[1]
    for unit in range(0, len(units.real), 16):
        if sample >= count:
            feed = splat(0.0)
        elif unit < units.start[1]:
            place = (unit // COLUMNS * batch + sample) * COLUMNS + unit % COLUMNS
            feed = load(work.current, place)
        else:
            feed = add(load(units.constant, unit), load(units.bias, unit))
        store(units.feed, at(units, 0, sample) + unit, feed)


@subloops
def _average(units, sample, pull):  # type: ignore[no-untyped-def]
    """Turn the lower nudged state into the mean of both; guess the free state.

    An output that the rest of the circuit feeds through a conductance c moves by d where
    ``c d = 2 beta (y - m)``, y being the target and m the mean, and is at ``m + beta d / 2 c``
    without a nudge.  All units are taken to follow the outputs, with one c for all of these.
    """
    lower, change = at(units, LOWER, sample), at(units, DIFFERENCE, sample)
    free = at(units, FREE, sample)
    out, square, along = units.start[len(units.start) - 2], np.float32(0.0), np.float32(0.0)
    for k in range(pull.shape[1]):
        d = units.voltage[DIFFERENCE, sample, out + k]
        square += d * d
        along += d * (pull[sample, k] - units.voltage[LOWER, sample, out + k] - 0.5 * d)
    share = splat(0.25 * square / along if along > 0.5 * square else 0.0)
    for unit in range(0, len(units.real), 16):
        d = load(units.voltage, change + unit)
        mean = fma(d, splat(0.5), load(units.voltage, lower + unit))
        store(units.voltage, lower + unit, mean)
        store(units.voltage, free + unit, fma(d, share, mean))


@subloops
def solve(net, work, blocks, count, pull, beta, tolerance):  # type: ignore[no-untyped-def]
    """Find the mean and the difference of the nudged states, and the free outputs.

    The lower nudged state comes first, then the difference as in `_shallow.solve`, and last
    the free state, which only tells the cost.  All for the samples below `count` in some
    blocks; returns how many blocks did not settle, in all phases.
    """
    units, out, lost = net.units, net.units.start[len(net.units.start) - 2], 0
    samples = range(blocks[0] * SOME, min(blocks[1] * SOME, count))
    for b in range(blocks[0] * SOME, blocks[1] * SOME):
        _spread(net, work, b, count)
    for phase in (LOWER, DIFFERENCE, FREE):
        for b in samples:
            if phase == FREE:
                _average(units, b, pull)
            for k in range(pull.shape[1]):
                if phase == LOWER:
                    units.feed[b, out + k] -= beta * pull[b, k]
                elif phase == DIFFERENCE:
                    below = pull[b, k] - units.voltage[LOWER, b, out + k]
                    units.feed[b, out + k] = 2.0 * beta * below
                else:
                    units.feed[b, out + k] = units.constant[out + k] + units.bias[out + k]
        goal = tolerance[0] if phase == FREE else tolerance[1]
        lost += settle(units, net.links, blocks, phase, goal, work.progress)
    for b in samples:
        for k in range(pull.shape[1]):
            work.free[b, k] = units.voltage[FREE, b, out + k]
    return lost


# ---- updates ----


@subloops
def learn_biases(net, first, last, count, step):  # type: ignore[no-untyped-def]
    """Update the biases of some units; note the sums that their conductances need.

    `step` is ``1 / (2 beta B)``, the learning rate, and the decay of the momentum.
    """
    units, (scale, rate, momentum) = net.units, step
    for unit in range(first, last, 16):
        change, product = splat(0.0), splat(0.0)
        # sums over samples in their order, whoever has found them
        for b in range(count):
            mean = load(units.voltage, at(units, LOWER, b) + unit)
            d = load(units.voltage, at(units, DIFFERENCE, b) + unit)
            change, product = add(change, d), fma(d, mean, product)
        store(units.product, unit, product)
        change = mul(change, splat(scale))
        if units.bias_mean.size:
            change = fma(load(units.bias_mean, unit), splat(momentum), change)
            store(units.bias_mean, unit, change)
        store(units.bias, unit, fma(change, splat(rate), load(units.bias, unit)))


@subloops
def learn_link(net, which, tile, count, step, bounds):  # type: ignore[no-untyped-def]
    """Update a tile of the crossbar between layers `which` and ``which + 1``.

    With m the mean of the two nudged states and d their difference, the gradient is minus
    ``sum (d_i m_j + m_i d_j - d_i m_i - d_j m_j)`` over ``2 beta B``, summed over the first
    `count` samples.
    """
    units, links = net.units, net.links
    row, column = units.start[which + which % 2], units.start[which + 1 - which % 2]
    column += tile * COLUMNS
    rows, v = units.start[which + which % 2 + 1] - row, units.voltage
    c0, c1 = load(units.product, column), load(units.product, column + 16)
    r0, r1 = load(units.real, column), load(units.real, column + 16)
    t0, t1 = splat(0.0), splat(0.0)
    # sixteen accumulators for eight rows of a tile, as in `_crossbar.update`, from two products
    for first in range(0, rows, ROWS):
        # the terms of one unit alone were summed by `learn_biases`: a whole row or column has them
        own = outer(bank(ROWS), units.product, row + first, 1, splat(1.0))
        p0, p1 = sub(sub(bank(ROWS), own), c0), sub(sub(bank(ROWS), own), c1)
        for b in range(count):
            mean, change = at(units, LOWER, b), at(units, DIFFERENCE, b)
            p0 = outer(p0, v, change + row + first, 1, load(v, mean + column))
            p0 = outer(p0, v, mean + row + first, 1, load(v, change + column))
            p1 = outer(p1, v, change + row + first, 1, load(v, mean + column + 16))
            p1 = outer(p1, v, mean + row + first, 1, load(v, change + column + 16))
        place = links.start[which] + (tile * rows + first) * COLUMNS
        # padding would learn from what it shares with real units, and bounds would lift it from 0
        real = outer(bank(ROWS), units.real, row + first, 1, splat(1.0))
        w0 = _moved(links, place, p0, step, bounds, mul(real, r0))
        w1 = _moved(links, place + 16, p1, step, bounds, mul(real, r1))
        t0, t1 = add(t0, together(w0)), add(t1, together(w1))
        # a place for each tile: threads write apart, and `add_up` adds in the same order for any
        # number of them
        store_totals(links.row_sums, place // COLUMNS, add(w0, w1))
    store(links.column_sums, which * len(units.real) + column, t0)
    store(links.column_sums, which * len(units.real) + column + 16, t1)


@subloops
def _moved(links, place, change, step, bounds, real):  # type: ignore[no-untyped-def]
    """Move a bank of conductances along `change` and return them."""
    scale, rate, momentum = step
    change = mul(change, splat(scale))
    if links.W_mean.size:
        change = fma(load_bank(links.W_mean, place, COLUMNS, ROWS), splat(momentum), change)
        store_bank(links.W_mean, place, COLUMNS, change)
    w = fma(change, splat(rate), load_bank(links.W, place, COLUMNS, ROWS))
    w = mul(minimum(maximum(w, splat(bounds[0])), splat(bounds[1])), real)
    store_bank(links.W, place, COLUMNS, w)
    return w


@subloops
def learn_inputs(net, work, tile, count, step, bounds, X, ahead):  # type: ignore[no-untyped-def]
    """Update a tile of the inputs' crossbar; find its currents for the next minibatch."""
    scale, rate, momentum = step
    units, batch = net.units, work.change.shape[1]
    for unit in range(tile * COLUMNS, (tile + 1) * COLUMNS, 16):
        for b in range(batch):
            place = (tile * batch + b) * COLUMNS + unit % COLUMNS
            change = load(units.voltage, at(units, DIFFERENCE, b) + unit)
            store(work.change, place, change if b < count else splat(0.0))
        product = mul(load(units.product, unit), splat(scale))
        if net.column_mean.size:
            product = fma(load(net.column_mean, unit), splat(momentum), product)
            store(net.column_mean, unit, product)
        store(work.column, unit, mul(product, splat(rate)))
        store(work.constant, unit, add(load(units.bias, unit), load(units.constant, unit)))
    _crossbar.begin(work.current, tile, work.constant)
    _crossbar.update(net.G, net.G_mean, tile, step, bounds, X, work.change, work.column, ahead,
                     work.current, net.rows)  # fmt: skip


@subloops
def add_up(net, work, which, beta):  # type: ignore[no-untyped-def]
    """Add up the conductances at the units of a layer; tell whether all are positive if nudged."""
    units, stable, last = net.units, True, len(net.units.start) - 2
    for unit in range(units.start[which], units.start[which + 1], 16):
        # what fills up a layer may have no conductance at all
        real = load(units.real, unit)
        sums = add(load(units.leak, unit), sub(splat(1.0), real))
        if which == 0:
            sums = add(sums, load(work.column, unit))
        for k in range(max(which - 1, 0), min(which + 1, last)):
            sums = add(sums, _at(net, k, which, unit))
        nudge = mul(real, splat(beta if which == last else 0.0))
        one, count = splat(1.0), len(units.real)
        store(units.inverse, LOWER * count + unit, div(one, sub(sums, nudge)))
        store(units.inverse, DIFFERENCE * count + unit, div(one, add(sums, nudge)))
        store(units.inverse, FREE * count + unit, div(one, sums))
        # beta at the outputs takes away from the sum: too large, and nothing holds them
        for lane in range(16):
            stable &= 0.0 < units.inverse[LOWER, unit + lane] < np.inf
    return stable


@subloops
def _at(net, k, which, unit):  # type: ignore[no-untyped-def]
    """Return the sums of the conductances of crossbar `k` at sixteen units of a layer, S."""
    start, links = net.units.start, net.links
    if which % 2:
        return load(links.column_sums, k * len(net.units.real) + unit)
    # rows: one sum for each tile
    rows = start[which + 1] - start[which]
    place = links.start[k] // COLUMNS + unit - start[which]
    sums = splat(0.0)
    for row in range(place, links.start[k + 1] // COLUMNS, rows):
        sums = add(sums, load(links.row_sums, row))
    return sums


@subloops
def sum_links(net):  # type: ignore[no-untyped-def]
    """Find the sums of crossbars that have not been updated yet."""
    start, links = net.units.start, net.links
    links.column_sums[...] = 0.0
    for k in range(len(links.start) - 1):
        rows = start[k + k % 2 + 1] - start[k + k % 2]
        for line in range(links.start[k] // COLUMNS, links.start[k + 1] // COLUMNS):
            tile = (line - links.start[k] // COLUMNS) // rows
            sums = np.float32(0.0)
            for column in range(COLUMNS):
                w = links.W[line * COLUMNS + column]
                sums += w
                links.column_sums[k, start[k + 1 - k % 2] + tile * COLUMNS + column] += w
            links.row_sums[line] = sums
