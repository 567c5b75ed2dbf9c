"""Compiled loops for one hidden layer: updates of single tiles.

Tiles don't depend on each other either.  Arguments `net` and `work` as in `_shallow`.
"""

from __future__ import annotations

import numpy as np

from ...compiled.kernels import subloops
from ...compiled.registers import LANES
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
    sub,
    together,
    totals,
)  # fmt: skip
from . import _crossbar
from ._crossbar import COLUMNS
from ._shallow import OUTPUTS


@subloops
def learn(net, work, tile, step, rates, bounds, X, ahead):  # type: ignore[no-untyped-def]
    """Update what belongs to a tile; find its currents and sums for the next minibatch.

    `step` is ``(1 / (2 beta B), momentum)``; `rates` are those of G and `bias`, and of W and
    `out_bias`; `bounds` (S) the least and the greatest G, and W.
    """
    scale, momentum = step
    batch = work.current.shape[1]
    # half a tile at a time: ten accumulators of W, two sums, and their operands fit in registers
    for column in (0, 16):
        shared = tile * COLUMNS + column
        product, change = splat(0.0), splat(0.0)
        # d_o m_i + d_i m_o - d_i m_i - d_o m_o: the outputs' own term is there from the start, and
        # that of the hidden units is taken off once, at the end
        cross = outer(bank(OUTPUTS), work.out_product, 0, 1, splat(1.0))
        for b in range(batch):
            own = (tile * batch + b) * COLUMNS + column
            d, h = load(work.change, own), load(work.state, own)
            change, product = add(change, d), fma(d, h, product)
            cross = outer(cross, work.out, b * LANES, 1, d)
            cross = outer(cross, work.out_change, b * LANES, 1, h)
        cross = mul(sub(cross, product), splat(scale))
        _learn_outputs(net, tile, column, cross, rates[1, 0], momentum, bounds[1])
        _learn_columns(net, work, shared, mul(change, splat(scale)), mul(product, splat(scale)),
                       rates, momentum)  # fmt: skip
    # after `_learn_columns`, which leaves in `column` and `constant` what these begin with
    _crossbar.begin(work.current, tile, work.constant)
    _crossbar.update(net.G, net.G_mean, tile, (scale, rates[0, 0], momentum), bounds[0], X,
                     work.change, work.column, ahead, work.current, net.rows)  # fmt: skip
    add_up(net, work, tile)


@subloops
def _learn_outputs(net, tile, column, step, rate, momentum, bounds):  # type: ignore[no-untyped-def]
    """Update the conductances from half a tile to the outputs."""
    place = tile * OUTPUTS * COLUMNS + column
    if net.W_mean.size:
        step = fma(load_bank(net.W_mean, place, COLUMNS, OUTPUTS), splat(momentum), step)
        store_bank(net.W_mean, place, COLUMNS, step)
    W = fma(step, splat(rate), load_bank(net.W, place, COLUMNS, OUTPUTS))
    W = minimum(maximum(W, splat(bounds[0])), splat(bounds[1]))
    # what only fills up would learn from the real unit at its other end
    real = outer(bank(OUTPUTS), net.out_real, 0, 1, load(net.real, tile * COLUMNS + column))
    store_bank(net.W, place, COLUMNS, mul(W, real))


@subloops
def _learn_columns(net, work, shared, change, product, rates, momentum):  # type: ignore[no-untyped-def]
    """Update the biases of half a tile, and what its columns of G have in common."""
    if net.column_mean.size:
        common = net.bias.size + shared
        change = fma(load(net.column_mean, shared), splat(momentum), change)
        product = fma(load(net.column_mean, common), splat(momentum), product)
        store(net.column_mean, shared, change)
        store(net.column_mean, common, product)
    store(work.column, shared, mul(product, splat(rates[0, 0])))
    bias = fma(change, splat(rates[0, 1]), load(net.bias, shared))
    store(net.bias, shared, bias)
    store(work.constant, shared, add(bias, load(net.feed, shared)))


@subloops
def add_up(net, work, tile):  # type: ignore[no-untyped-def]
    """Complete the sums of a tile's conductances, of which `work.column` has those in G."""
    n = OUTPUTS
    for column in (0, 16):
        shared = tile * COLUMNS + column
        W = load_bank(net.W, tile * n * COLUMNS + column, COLUMNS, OUTPUTS)
        sums = add(add(load(work.column, shared), together(W)), load(net.leak, shared))
        # what fills up the last tile may have no conductance at all
        sums = add(sums, sub(splat(1.0), load(net.real, shared)))
        store(work.inverse, shared, div(splat(1.0), sums))
    left = load_bank(net.W, tile * n * COLUMNS, COLUMNS, OUTPUTS)
    right = load_bank(net.W, tile * n * COLUMNS + 16, COLUMNS, OUTPUTS)
    store(work.out_parts, tile * LANES, totals(add(left, right)))


@subloops
def learn_out_biases(net, work, step, rates):  # type: ignore[no-untyped-def]
    """Update the biases of the outputs, and note what all tiles need of them."""
    scale, momentum = step
    change, product = splat(0.0), splat(0.0)
    for place in range(0, work.out.size, LANES):
        d = load(work.out_change, place)
        change, product = add(change, d), fma(d, load(work.out, place), product)
    store(work.out_product, 0, sub(splat(0.0), product))
    change = mul(change, splat(scale))
    if net.out_mean.size:
        change = fma(load(net.out_mean, 0), splat(momentum), change)
        store(net.out_mean, 0, change)
    store(net.out_bias, 0, fma(change, splat(rates[1, 1]), load(net.out_bias, 0)))


@subloops
def sum_outputs(net, work, beta):  # type: ignore[no-untyped-def]
    """Add up the conductances at the outputs; return the least that is left when nudged, S."""
    least = np.inf
    for k in range(OUTPUTS):
        # what fills up the outputs may have no conductance at all
        # in double precision: what a nudge leaves of a sum may be small
        sums = np.float64(net.out_leak[k] + 1.0 - net.out_real[k])
        for tile in range(work.out_parts.shape[0]):
            sums += work.out_parts[tile, k]
        nudge = beta * net.out_real[k]
        work.out_sums[k] = sums
        work.out_inverse[0, k] = 1.0 / sums
        work.out_inverse[1, k] = 1.0 / (sums - nudge)
        work.out_inverse[2, k] = 1.0 / (sums + nudge)
        if net.out_real[k] > 0.0:
            least = min(least, sums - beta)
    return least
