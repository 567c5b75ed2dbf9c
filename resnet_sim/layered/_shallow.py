"""Compiled loops for one hidden layer: states of single samples, updates of single tiles.

Samples don't depend on each other, nor do tiles, so that threads can share them out without
a change in any bit.  Layouts as in `_crossbar`; there are n = `OUTPUTS` outputs, of which some
may be there to fill up.
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
    inner,
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
    total,
)  # fmt: skip
from . import _crossbar
from ._crossbar import COLUMNS
from ._deep import remaining

#: Outputs of all networks, real or not: all at once fit in registers.
OUTPUTS = 10
#: Relaxation sweeps after which a state counts as not converged.
SWEEPS = 200


class Net(NamedTuple):
    """A network with one hidden layer, all arrays float32.

    Attributes
    ----------
    G : shape (tiles, blocks, signs, ROWS, COLUMNS)
        Conductances from the inputs, S.
    G_mean : shape (tiles, blocks, 1, ROWS, COLUMNS)
        Momentum of what differs from row to row; without momentum these arrays are empty.
    W, W_mean : shape (tiles, n, COLUMNS)
        Conductances to the outputs, S, and their momentum.
    bias : shape (tiles, COLUMNS)
        Currents into hidden units, A.
    column_mean : shape (2, tiles, COLUMNS)
        Momentum of `bias`, and of what all conductances of a column of G have in common.
    lower, upper : shape (tiles, COLUMNS)
        Box of the hidden units, V; 0 for columns that fill up the last tile.
    leak, feed : shape (tiles, COLUMNS)
        Conductance to given potentials, S, and the current from there at 0 V, A.
    real : shape (tiles, COLUMNS)
        0 for columns that fill up the last tile, else 1.
    out_bias, out_leak, out_feed : shape (n,)
        The same for the outputs.
    out_mean : shape (n,)
        Momentum of `out_bias`.
    out_real : shape (n,)
        0 for outputs that only fill up, else 1.
    rows : int
        How many rows of G are inputs; the others fill up the last block.
    """

    G: Any
    G_mean: Any
    W: Any
    W_mean: Any
    bias: Any
    column_mean: Any
    lower: Any
    upper: Any
    leak: Any
    feed: Any
    real: Any
    out_bias: Any
    out_leak: Any
    out_feed: Any
    out_mean: Any
    out_real: Any
    rows: Any


class Work(NamedTuple):
    """What minibatches of up to B samples need besides, all arrays float32.

    Attributes
    ----------
    current : shape (tiles, B, COLUMNS)
        Current into the hidden units if they and the outputs were at 0 V, A.
    inverse : shape (tiles, COLUMNS)
        One over the sum of all conductances at a hidden unit, ohm.
    state, excess, change : shape (tiles, B, COLUMNS)
        Hidden voltages of the lower nudged state, later the mean of both; how much the box
        cuts off; the difference of both, V.
    free, out, out_change : shape (B, n)
        Outputs that are not nudged, as `state`, as `change`, V.
    out_feed : shape (B, n)
        Current into the outputs if all were at 0 V, A.
    out_parts : shape (tiles, n)
        Sums of the conductances at the outputs, tile by tile, S.
    out_sums : shape (3, n)
        Sum of all conductances at an output: free, less beta, plus beta, S.
    column, constant : shape (tiles, COLUMNS)
        What a step takes off all conductances of a column, then their sum, S; what flows
        into a unit whatever the inputs, A.
    out_product : shape (n,)
        Minus the sum over the samples of ``out_change * out``.
    scratch : shape (B, n, 16)
    """

    current: Any
    inverse: Any
    state: Any
    excess: Any
    change: Any
    free: Any
    out: Any
    out_change: Any
    out_feed: Any
    out_parts: Any
    out_sums: Any
    column: Any
    constant: Any
    out_product: Any
    scratch: Any


# ---- states ----


@subroutine
def _relax(net, work, b):  # type: ignore[no-untyped-def]
    """Let the hidden units of sample `b` follow the outputs; sum up ``W h``, A."""
    tiles, batch, _ = work.current.shape
    n = OUTPUTS
    sums = bank(OUTPUTS)
    for half in range(2 * tiles):
        tile, column = half // 2, half % 2 * 16
        shared, own = tile * COLUMNS + column, (tile * batch + b) * COLUMNS + column
        W = load_bank(net.W, tile * n * COLUMNS + column, COLUMNS, OUTPUTS)
        v = inner(load(work.current, own), work.out, b * n, W)
        v = mul(v, load(work.inverse, shared))
        h = minimum(maximum(v, load(net.lower, shared)), load(net.upper, shared))
        store(work.state, own, h)
        store(work.excess, own, sub(v, h))
        sums = fma(W, h, sums)
    store_bank(work.scratch, b * n * 16, 16, sums)


@subroutine
def _relax_change(net, work, b):  # type: ignore[no-untyped-def]
    """As `_relax`, for the difference of two states.

    A voltage v that changes by dv before the box changes by ``clip(v + dv) - clip(v)`` behind
    it, written so that nothing cancels.
    """
    tiles, batch, _ = work.current.shape
    n = OUTPUTS
    sums = bank(OUTPUTS)
    for half in range(2 * tiles):
        tile, column = half // 2, half % 2 * 16
        shared, own = tile * COLUMNS + column, (tile * batch + b) * COLUMNS + column
        W = load_bank(net.W, tile * n * COLUMNS + column, COLUMNS, OUTPUTS)
        d = mul(inner(splat(0.0), work.out_change, b * n, W), load(work.inverse, shared))
        h = load(work.state, own)
        d = maximum(add(d, load(work.excess, own)), sub(load(net.lower, shared), h))
        d = minimum(d, sub(load(net.upper, shared), h))
        store(work.change, own, d)
        sums = fma(W, d, sums)
    store_bank(work.scratch, b * n * 16, 16, sums)


@subroutine
def _settle(net, work, b, phase, tolerance):  # type: ignore[no-untyped-def]
    """Relax until the outputs have settled; tell whether they have."""
    before = np.float32(0.0)
    out = work.out_change if phase == 2 else work.out
    for _sweep in range(SWEEPS):
        if phase == 2:
            _relax_change(net, work, b)
        else:
            _relax(net, work, b)
        moved, size = np.float32(0.0), np.float32(0.0)
        for k in range(OUTPUTS):
            v = total(load(work.scratch, (b * OUTPUTS + k) * 16)) + work.out_feed[b, k]
            v /= work.out_sums[phase, k]
            moved = max(moved, abs(v - out[b, k]))
            size = max(size, abs(v))
            out[b, k] = v
        if remaining(moved, before) <= tolerance * size:
            return True
        before = moved
    return False


@subroutine
def solve(net, work, b, pull, beta, tolerance):  # type: ignore[no-untyped-def]
    """Find the mean and the difference of the nudged states of sample `b`.

    First the free state, in phase 0.  With targets y, in row b of `pull`, the outputs o- and
    o+ of the nudged ones obey ``(c - beta) o- = W h- + b - beta y``, phase 1, and
    ``(c + beta) (o+ - o-) = W (h+ - h-) + 2 beta (y - o-)``, phase 2.  `tolerance` is that of
    the free and that of the nudged states.  Tells whether all converged.
    """
    converged = True
    for phase in range(3):
        for k in range(OUTPUTS):
            if phase == 0:
                work.out_feed[b, k] = net.out_feed[k] + net.out_bias[k]
                work.out[b, k] = 0.0
            elif phase == 1:
                work.free[b, k] = work.out[b, k]
                work.out_feed[b, k] -= beta * pull[b, k]
            else:
                work.out_feed[b, k] = 2.0 * beta * (pull[b, k] - work.out[b, k])
                work.out_change[b, k] = work.out_feed[b, k] / work.out_sums[2, k]
        converged &= _settle(net, work, b, phase, tolerance[min(phase, 1)])
    for k in range(OUTPUTS):
        work.out[b, k] += 0.5 * work.out_change[b, k]
    tiles, batch, _ = work.current.shape
    for half in range(2 * tiles):
        place = (half // 2 * batch + b) * COLUMNS + half % 2 * 16
        mean = fma(load(work.change, place), splat(0.5), load(work.state, place))
        store(work.state, place, mean)
    return converged


@subroutine
def leave_out(work, b):  # type: ignore[no-untyped-def]
    """Make a sample that the last minibatch lacks count for nothing."""
    tiles, batch, _ = work.current.shape
    for half in range(2 * tiles):
        place = (half // 2 * batch + b) * COLUMNS + half % 2 * 16
        store(work.state, place, splat(0.0))
        store(work.change, place, splat(0.0))
    for k in range(OUTPUTS):
        work.out[b, k] = 0.0
        work.out_change[b, k] = 0.0


# ---- updates ----


@subroutine
def learn(net, work, tile, step, rates, bounds, X, ahead):  # type: ignore[no-untyped-def]
    """Update what belongs to a tile; find its currents and sums for the next minibatch.

    `step` is ``(1 / (2 beta B), momentum)``; `rates` are those of G and `bias`, and of W and
    `out_bias`; `bounds` (S) the least and the greatest G, and W.
    """
    scale, momentum = step
    batch, n = work.current.shape[1], OUTPUTS
    for column in (0, 16):
        shared = tile * COLUMNS + column
        product, change = splat(0.0), splat(0.0)
        cross = outer(bank(OUTPUTS), work.out_product, 0, 1, splat(1.0))
        for b in range(batch):
            own = (tile * batch + b) * COLUMNS + column
            d, h = load(work.change, own), load(work.state, own)
            change, product = add(change, d), fma(d, h, product)
            cross = outer(cross, work.out, b * n, 1, d)
            cross = outer(cross, work.out_change, b * n, 1, h)
        cross = mul(sub(cross, product), splat(scale))
        _learn_outputs(net, tile, column, cross, rates[1, 0], momentum, bounds[1])
        _learn_columns(net, work, shared, mul(change, splat(scale)), mul(product, splat(scale)),
                       rates, momentum)  # fmt: skip
    _crossbar.begin(work.current, tile, work.constant)
    _crossbar.update(net.G, net.G_mean, tile, (scale, rates[0, 0], momentum), bounds[0], X,
                     work.change, work.column, ahead, work.current, net.rows)  # fmt: skip
    add_up(net, work, tile)


@subroutine
def _learn_outputs(net, tile, column, step, rate, momentum, bounds):  # type: ignore[no-untyped-def]
    """Update the conductances from half a tile to the outputs."""
    place = tile * OUTPUTS * COLUMNS + column
    if net.W_mean.size:
        step = fma(load_bank(net.W_mean, place, COLUMNS, OUTPUTS), splat(momentum), step)
        store_bank(net.W_mean, place, COLUMNS, step)
    W = fma(step, splat(rate), load_bank(net.W, place, COLUMNS, OUTPUTS))
    W = minimum(maximum(W, splat(bounds[0])), splat(bounds[1]))
    real = outer(bank(OUTPUTS), net.out_real, 0, 1, load(net.real, tile * COLUMNS + column))
    store_bank(net.W, place, COLUMNS, mul(W, real))


@subroutine
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


@subroutine
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
    for k in range(n):
        place = (tile * n + k) * COLUMNS
        work.out_parts[tile, k] = total(add(load(net.W, place), load(net.W, place + 16)))


@subroutine
def learn_out_biases(net, work, step, rates):  # type: ignore[no-untyped-def]
    """Update the biases of the outputs, and note what all tiles need of them."""
    scale, momentum = step
    for k in range(work.out.shape[1]):
        change, product = np.float32(0.0), np.float32(0.0)
        for b in range(work.out.shape[0]):
            change += work.out_change[b, k]
            product += work.out_change[b, k] * work.out[b, k]
        work.out_product[k] = -product
        change *= scale
        if net.out_mean.size:
            change += momentum * net.out_mean[k]
            net.out_mean[k] = change
        net.out_bias[k] += rates[1, 1] * change


@subroutine
def sum_outputs(net, work, beta):  # type: ignore[no-untyped-def]
    """Add up the conductances at the outputs; return the least that is left when nudged, S."""
    least = np.inf
    for k in range(work.out.shape[1]):
        # what fills up the outputs may have no conductance at all
        sums = np.float64(net.out_leak[k] + 1.0 - net.out_real[k])
        for tile in range(work.out_parts.shape[0]):
            sums += work.out_parts[tile, k]
        work.out_sums[0, k] = sums
        nudge = beta * net.out_real[k]
        work.out_sums[1, k] = sums - nudge
        work.out_sums[2, k] = sums + nudge
        if net.out_real[k] > 0.0:
            least = min(least, sums - beta)
    return least
