"""Compiled loops for one hidden layer: states of pairs of samples.

Samples don't depend on each other, so that threads can share them out without a change in any
bit.  Layouts as in `_crossbar`; there are n = `OUTPUTS` outputs, of which some may be there to
fill up.  What belongs to outputs is one vector, filled up with zeros.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...compiled.kernels import subloops
from ...compiled.registers import LANES
from ...compiled.vectors import (
    add,
    bank,
    fma,
    largest,
    load,
    load_bank,
    maximum,
    minimum,
    mul,
    products,
    splat,
    store,
    store_bank,
    sub,
    totals,
)  # fmt: skip
from ._crossbar import COLUMNS
from ._deep import remaining

#: Outputs of all networks, real or not: all at once fit in registers.
OUTPUTS = 10
#: Relaxation sweeps after which a state counts as not converged.
SWEEPS = 200
#: Samples that are solved side by side.
PAIR = 2


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
    out_bias, out_leak, out_feed : shape (LANES,)
        The same for the outputs.
    out_mean : shape (LANES,)
        Momentum of `out_bias`.
    out_real : shape (LANES,)
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
    free, out, out_change : shape (B, LANES)
        Outputs that are not nudged, as `state`, as `change`, V.
    out_feed : shape (B, LANES)
        Current into the outputs if all were at 0 V, A.
    out_parts : shape (tiles, LANES)
        Sums of the conductances at the outputs, tile by tile, S.
    out_sums : shape (LANES,)
        Sum of all conductances at an output, S.
    out_inverse : shape (3, LANES)
        One over that sum: free, less beta, plus beta, ohm.
    column, constant : shape (tiles, COLUMNS)
        What a step takes off all conductances of a column, then their sum, S; what flows
        into a unit whatever the inputs, A.
    out_product : shape (LANES,)
        Minus the sum over the samples of ``out_change * out``.
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
    out_inverse: Any
    column: Any
    constant: Any
    out_product: Any


@subloops
def _follow(net, work, shared, own, W, outputs, pair):  # type: ignore[no-untyped-def]
    """Let half a tile of hidden units of two samples follow the outputs; return their voltages.

    With `shared`, `own` and `outputs` begins what belongs to these units, to those of the first
    sample and to its outputs; the second sample comes `pair` samples later.
    """
    v = load_bank(work.current, own, pair * COLUMNS, PAIR)
    v = products(v, work.out, outputs, pair * LANES, W, 1)
    v = mul(v, load(work.inverse, shared))
    h = minimum(maximum(v, load(net.lower, shared)), load(net.upper, shared))
    store_bank(work.state, own, pair * COLUMNS, h)
    store_bank(work.excess, own, pair * COLUMNS, sub(v, h))
    return h


@subloops
def _follow_change(net, work, shared, own, W, outputs, pair):  # type: ignore[no-untyped-def]
    """As `_follow`, for the difference of two states.

    A voltage v that changes by dv before the box changes by ``clip(v + dv) - clip(v)`` behind
    it, written so that nothing cancels.
    """
    d = products(bank(PAIR), work.out_change, outputs, pair * LANES, W, 1)
    d = mul(d, load(work.inverse, shared))
    h = load_bank(work.state, own, pair * COLUMNS, PAIR)
    d = add(d, load_bank(work.excess, own, pair * COLUMNS, PAIR))
    d = maximum(d, sub(load(net.lower, shared), h))
    d = minimum(d, sub(load(net.upper, shared), h))
    store_bank(work.change, own, pair * COLUMNS, d)
    return d


@subloops
def _sweep(net, work, one, pair, phase):  # type: ignore[no-untyped-def]
    """Let the hidden units of two samples follow the outputs; return ``W h`` of both, A.

    Conductances that have been loaded serve both samples.
    """
    tiles, batch, _ = work.current.shape
    # twenty accumulators: what hidden units feed into the outputs never goes to memory.  Sums
    # across lanes are taken once, at the end.
    first, second = bank(OUTPUTS), bank(OUTPUTS)
    for half in range(2 * tiles):
        shared, column = half * 16, half % 2 * 16
        own = (half // 2 * batch + one) * COLUMNS + column
        place = half // 2 * OUTPUTS * COLUMNS + column
        W = load_bank(net.W, place, COLUMNS, OUTPUTS)
        if phase == 2:
            h = _follow_change(net, work, shared, own, W, one * LANES, pair)
        else:
            h = _follow(net, work, shared, own, W, one * LANES, pair)
        # loaded anew, conductances need no registers in between
        W = load_bank(net.W, place, COLUMNS, OUTPUTS)
        first, second = fma(W, h[0], first), fma(W, h[1], second)
    return totals(first), totals(second)


@subloops
def _answer(out, sums, feed, inverse, place, before, tolerance):  # type: ignore[no-untyped-def]
    """Let the outputs of a sample follow ``W h``; return how far they moved and if they settled."""
    v = mul(add(sums, load(feed, place)), inverse)
    moved = largest(sub(v, load(out, place)))
    store(out, place, v)
    # relative to the largest output of the sample: small ones may have fewer digits
    return moved, remaining(moved, before) <= tolerance * largest(v)


@subloops
def _settle(net, work, one, two, phase, before, tolerance):  # type: ignore[no-untyped-def]
    """Relax two samples until their outputs have settled; return how many have not.

    `before` is how far the outputs moved to where they are.
    """
    inverse, feed = load(work.out_inverse, phase * LANES), work.out_feed
    out = work.out_change if phase == 2 else work.out
    (last, other), settled, also = before, False, False
    for _ in range(SWEEPS):
        h, g = _sweep(net, work, one, two - one, phase)
        last, settled = _answer(out, h, feed, inverse, one * LANES, last, tolerance)
        other, also = _answer(out, g, feed, inverse, two * LANES, other, tolerance)
        # both go on until both have settled: alone, one would load as much
        if settled and also:
            break
    return int(not settled) + int(not also)


@subloops
def _prepare(net, work, b, pull, beta, phase):  # type: ignore[no-untyped-def]
    """Set the outputs of sample `b` to where the first sweep of a phase would bring them.

    Before, they are in the state of the phase before, where the hidden units don't change.
    Returns how far they move, V.
    """
    place = b * LANES
    y, o = load(pull, place), load(work.out, place)
    inverse = load(work.out_inverse, phase * LANES)
    if phase == 0:
        store(work.out_feed, place, add(load(net.out_feed, 0), load(net.out_bias, 0)))
        store(work.out, place, splat(0.0))
        return np.float32(0.0)
    if phase == 1:
        store(work.free, place, o)
        push = mul(splat(beta), y)
        store(work.out_feed, place, sub(load(work.out_feed, place), push))
        # a first sweep that costs no pass over W: hidden units taken as they are, W h is known
        v = mul(sub(mul(o, load(work.out_sums, 0)), push), inverse)
        store(work.out, place, v)
        return largest(sub(v, o))
    push = mul(splat(2.0 * beta), sub(y, o))
    d = mul(push, inverse)
    store(work.out_feed, place, push)
    store(work.out_change, place, d)
    return largest(d)


@subloops
def solve(net, work, one, two, pull, beta, tolerance):  # type: ignore[no-untyped-def]
    """Find the mean and the difference of the nudged states of two samples, or twice of one.

    First the free state, in phase 0.  With targets y, in rows of `pull`, the outputs o- and
    o+ of the nudged ones obey ``(c - beta) o- = W h- + b - beta y``, phase 1, and
    ``(c + beta) (o+ - o-) = W (h+ - h-) + 2 beta (y - o-)``, phase 2.  `tolerance` is that of
    the free and that of the nudged states.  Returns how many states did not converge.
    """
    lost = 0
    for phase in range(3):
        first = _prepare(net, work, one, pull, beta, phase)
        # without a second sample once: again, it would begin with what it has changed
        second = _prepare(net, work, two, pull, beta, phase) if two > one else first
        before, enough = (first, second), tolerance[min(phase, 1)]
        lost += _settle(net, work, one, two, phase, before, enough)
    tiles, batch, _ = work.current.shape
    for b in range(one, two + 1):
        out = fma(load(work.out_change, b * LANES), splat(0.5), load(work.out, b * LANES))
        store(work.out, b * LANES, out)
        for half in range(2 * tiles):
            place = (half // 2 * batch + b) * COLUMNS + half % 2 * 16
            mean = fma(load(work.change, place), splat(0.5), load(work.state, place))
            store(work.state, place, mean)
    return lost


@subloops
def leave_out(work, b):  # type: ignore[no-untyped-def]
    """Make a sample that the last minibatch lacks count for nothing."""
    # later sums run over whole minibatches and find zeros here
    tiles, batch, _ = work.current.shape
    for half in range(2 * tiles):
        place = (half // 2 * batch + b) * COLUMNS + half % 2 * 16
        store(work.state, place, splat(0.0))
        store(work.change, place, splat(0.0))
    store(work.out, b * LANES, splat(0.0))
    store(work.out_change, b * LANES, splat(0.0))
