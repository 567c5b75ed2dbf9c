"""Compiled loops for any number of hidden layers: from states to conductances.

Tiles don't depend on each other here, nor do groups of samples in `_deep`, so that threads can
share them out without a change in any bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..kernels import subroutine
from ..vectors import (
    add,
    bank,
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
    total,
)
from . import _crossbar
from ._crossbar import COLUMNS, ROWS
from ._deep import GROUP, SOME, settle


class Net(NamedTuple):
    """A network; all arrays float32.

    Attributes
    ----------
    G, G_mean, rows
        The crossbar of the inputs, as in `_shallow.Net`.
    column_mean : shape (tiles, COLUMNS)
        Momentum of what all conductances of a column of G have in common.
    units : `_deep.Units`
    links : `_deep.Links`
    """

    G: Any
    G_mean: Any
    column_mean: Any
    units: Any
    links: Any
    rows: Any


class Work(NamedTuple):
    """What else is needed; all arrays float32 but for two.

    Attributes
    ----------
    current, change : shape (tiles, B, COLUMNS)
        Of the first layer, in the layout of `_crossbar`.
    column, constant : shape (tiles, COLUMNS)
        As in `_shallow.Work`.
    free : shape (B, n)
        Outputs that are not nudged, V.
    active : shape (groups,), bool
        Groups of samples that have not settled.
    some : shape (groups, layers), bool
        Which layers have any voltage.
    moved : shape (groups, 3, 16)
        Steps and voltages in a layer, relative steps in a sweep, lane by lane.
    scratch : shape (threads, SOME + 2 B, COLUMNS)
    """

    current: Any
    change: Any
    column: Any
    constant: Any
    free: Any
    active: Any
    some: Any
    moved: Any
    scratch: Any


# ---- states ----


@subroutine
def spread(net, work, group, count):  # type: ignore[no-untyped-def]
    """Set what is fed into all units: from the inputs in the first layer, constants elsewhere."""
    units = net.units
    for unit in range(len(units.real)):
        for b in range(group * GROUP, group * GROUP + GROUP):
            if b >= group * GROUP + count:
                units.feed[unit, b] = 0.0
            elif unit < units.start[1]:
                units.feed[unit, b] = work.current[unit // COLUMNS, b, unit % COLUMNS]
            else:
                units.feed[unit, b] = units.constant[unit] + units.bias[unit]


@subroutine
def solve(net, work, groups, count, pull, beta, tolerance, scratch):  # type: ignore[no-untyped-def]
    """Find the mean and the difference of the nudged states of some groups of samples.

    As in `_shallow.solve`; returns how many states did not settle.
    """
    first, last = groups
    units, out, lost = net.units, net.units.start[len(net.units.start) - 2], 0
    for group in range(first, last):
        spread(net, work, group, min(GROUP, count - group * GROUP))
    for phase in range(3):
        for b in range(first * GROUP, min(last * GROUP, count)):
            for k in range(pull.shape[1]):
                if phase == 1:
                    work.free[b, k] = units.state[out + k, b]
                    units.feed[out + k, b] -= beta * pull[b, k]
                elif phase == 2:
                    units.feed[out + k, b] = 2.0 * beta * (pull[b, k] - units.state[out + k, b])
        tools = work.active, work.moved, work.some, scratch
        lost += settle(units, net.links, groups, count, phase, tolerance[min(phase, 1)], tools)
    batch = units.state.shape[1]
    for unit in range(len(units.real)):
        for place in range(unit * batch + first * GROUP, unit * batch + last * GROUP, GROUP):
            mean = fma(load(units.change, place), splat(0.5), load(units.state, place))
            store(units.state, place, mean)
    return lost


# ---- updates ----


@subroutine
def learn_biases(net, first, last, scale, rate, momentum):  # type: ignore[no-untyped-def]
    """Update the biases of some units; note the sums that their conductances need."""
    units = net.units
    batch = units.state.shape[1]
    for unit in range(first, last):
        change, product = splat(0.0), splat(0.0)
        for place in range(unit * batch, (unit + 1) * batch, GROUP):
            d = load(units.change, place)
            change, product = add(change, d), fma(d, load(units.state, place), product)
        units.product[unit] = total(product)
        step = scale * total(change)
        if units.bias_mean.size:
            step += momentum * units.bias_mean[unit]
            units.bias_mean[unit] = step
        units.bias[unit] += rate * step


@subroutine
def learn_link(net, which, tile, count, step, bounds, scratch):  # type: ignore[no-untyped-def]
    """Update a tile of the crossbar between layers `which` and ``which + 1``.

    With m the mean of the two nudged states and d their difference, the gradient is minus
    ``sum (d_i m_j + m_i d_j - d_i m_i - d_j m_j)`` over ``2 beta B``, summed over the first
    `count` samples.
    """
    units, links = net.units, net.links
    row, column = units.start[which + which % 2], units.start[which + 1 - which % 2]
    column += tile * COLUMNS
    rows, batch = units.start[which + which % 2 + 1] - row, units.state.shape[1]
    _transpose(units, column, count, scratch)
    c0, c1 = load(units.product, column), load(units.product, column + 16)
    r0, r1 = load(units.real, column), load(units.real, column + 16)
    t0, t1 = splat(0.0), splat(0.0)
    for first in range(0, rows, ROWS):
        own = outer(bank(ROWS), units.product, row + first, 1, splat(1.0))
        p0, p1 = sub(sub(bank(ROWS), own), c0), sub(sub(bank(ROWS), own), c1)
        for b in range(count):
            mean, change = (SOME + b) * COLUMNS, (SOME + batch + b) * COLUMNS
            place = (row + first) * batch + b
            p0 = outer(p0, units.change, place, batch, load(scratch, mean))
            p0 = outer(p0, units.state, place, batch, load(scratch, change))
            p1 = outer(p1, units.change, place, batch, load(scratch, mean + 16))
            p1 = outer(p1, units.state, place, batch, load(scratch, change + 16))
        place = links.start[which] + (tile * rows + first) * COLUMNS
        real = outer(bank(ROWS), units.real, row + first, 1, splat(1.0))
        w0 = _moved(links, place, p0, step, bounds, mul(real, r0))
        w1 = _moved(links, place + 16, p1, step, bounds, mul(real, r1))
        t0, t1 = add(t0, together(w0)), add(t1, together(w1))
        store_totals(links.row_sums, place // COLUMNS, add(w0, w1))
    store(links.column_sums, which * len(units.real) + column, t0)
    store(links.column_sums, which * len(units.real) + column + 16, t1)


@subroutine
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


@subroutine
def _transpose(units, column, count, scratch):  # type: ignore[no-untyped-def]
    """Write means and differences of a tile's columns to `scratch`, samples in rows."""
    batch = units.state.shape[1]
    for k in range(COLUMNS):
        for b in range(count):
            scratch[SOME + b, k] = units.state[column + k, b]
            scratch[SOME + batch + b, k] = units.change[column + k, b]


@subroutine
def learn_inputs(net, work, tile, step, bounds, X, ahead):  # type: ignore[no-untyped-def]
    """Update a tile of the inputs' crossbar; find its currents for the next minibatch."""
    scale, rate, momentum = step
    units = net.units
    for k in range(COLUMNS):
        unit = tile * COLUMNS + k
        for b in range(work.change.shape[1]):
            work.change[tile, b, k] = units.change[unit, b]
        product = scale * units.product[unit]
        if net.column_mean.size:
            product += momentum * net.column_mean[tile, k]
            net.column_mean[tile, k] = product
        work.column[tile, k] = rate * product
        work.constant[tile, k] = units.bias[unit] + units.constant[unit]
    _crossbar.begin(work.current, tile, work.constant)
    _crossbar.update(net.G, net.G_mean, tile, step, bounds, X, work.change, work.column, ahead,
                     work.current, net.rows)  # fmt: skip


@subroutine
def add_up(net, work, which, beta):  # type: ignore[no-untyped-def]
    """Add up the conductances at the units of a layer; return the least when nudged, S."""
    units, least, layers = net.units, np.inf, len(net.units.start) - 1
    for unit in range(units.start[which], units.start[which + 1]):
        sums = np.float64(units.leak[unit])
        if which == 0:
            sums += work.column[unit // COLUMNS, unit % COLUMNS]
        for k in range(max(which - 1, 0), min(which + 1, layers - 1)):
            sums += _at(net, k, which, unit)
        nudge = beta if which == layers - 1 and units.real[unit] > 0.0 else np.float32(0.0)
        if units.real[unit] == 0.0:
            sums = np.float64(1.0)
        units.inverse[0, unit] = 1.0 / sums
        units.inverse[1, unit] = 1.0 / (sums - nudge)
        units.inverse[2, unit] = 1.0 / (sums + nudge)
        least = min(least, sums - nudge)
    return least


@subroutine
def _at(net, k, which, unit):  # type: ignore[no-untyped-def]
    """Return the sum of the conductances of crossbar `k` at a unit of layer `which`, S."""
    start, links = net.units.start, net.links
    if which % 2:
        return np.float64(links.column_sums[k, unit])
    rows = start[which + 1] - start[which]
    place = links.start[k] // COLUMNS + unit - start[which]
    sums = np.float64(0.0)
    for row in range(place, links.start[k + 1] // COLUMNS, rows):
        sums += links.row_sums[row]
    return sums


@subroutine
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
