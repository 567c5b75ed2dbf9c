"""Compiled loops over the crossbar between the inputs and the first layer.

Conductances are stored in tiles of 32 columns (`COLUMNS`) and in each tile in blocks of
`ROWS` rows, so that what belongs to one tile is read and written in order:
``G[tile, block, sign, row, column]``.  Sign 0 is the input itself, 1 its mirror image; without
mirrored inputs the axis has length 1.  Inputs are packed likewise, ``X[block, sample, row]``,
states as ``h[tile, sample, column]``.
"""

from __future__ import annotations

from ...compiled.kernels import subloops
from ...compiled.vectors import (
    add,
    bank,
    fma,
    load,
    load_any,
    load_bank,
    maximum,
    minimum,
    mul,
    outer,
    prefetch,
    products,
    splat,
    store,
    store_bank,
    store_halves,
    sub,
    together,
)  # fmt: skip

#: columns in a tile: two vectors
COLUMNS = 32
#: rows in a block: so many accumulators of two vectors each
ROWS = 8
#: vectors in a block with mirrored inputs
VECTORS = 2 * ROWS * COLUMNS // 16
#: samples up to which memory is slower than the processor, and by how many blocks it is to lead
FEW, AHEAD = 8, 4
#: samples for which a block of rows is multiplied at once
TOGETHER = 4
#: vectors of their currents
CURRENTS = 2 * TOGETHER


@subloops
def pack(data, gain, offset, sample, X, b):  # type: ignore[no-untyped-def]
    """Write ``gain * data[sample] + offset``, V, to sample `b` of packed inputs."""
    batch, rows = X.shape[1], data.shape[1]
    whole = rows // 16 * 16
    for row in range(0, whole, 16):
        v = load_any(data, sample * rows + row)
        v = fma(v, load(gain, row), load(offset, row))
        place = (row // ROWS * batch + b) * ROWS
        # sixteen inputs are two blocks of eight rows
        store_halves(X, place, place + batch * ROWS, v)
    for row in range(whole, rows):
        X[row // ROWS, b, row % ROWS] = data[sample, row] * gain[row] + offset[row]


@subloops
def blank(X, b):  # type: ignore[no-untyped-def]
    """Write zeros to sample `b` of packed inputs."""
    for block in range(X.shape[0]):
        for row in range(ROWS):
            X[block, b, row] = 0.0


@subloops
def begin(current, tile, constant):  # type: ignore[no-untyped-def]
    """Set the currents into the columns of a tile to a constant for each column, A."""
    batch = current.shape[1]
    c0, c1 = load(constant, tile * COLUMNS), load(constant, tile * COLUMNS + 16)
    for b in range(batch):
        store(current, (tile * batch + b) * COLUMNS, c0)
        store(current, (tile * batch + b) * COLUMNS + 16, c1)


@subloops
def read(G, tile, X, current, column):  # type: ignore[no-untyped-def]
    """Add what the inputs feed into the columns of a tile; set `column` to their sums.

    This is `update` without learning; arguments as there.
    """
    blocks = X.shape[0]
    signs = G.shape[2]
    t0, t1 = splat(0.0), splat(0.0)
    # once in a run, so without the prefetching of `update`
    for block in range(blocks):
        place = (tile * blocks + block) * signs * ROWS * COLUMNS
        left = load_bank(G, place, COLUMNS, ROWS)
        right = load_bank(G, place + 16, COLUMNS, ROWS)
        t0, t1 = add(t0, together(left)), add(t1, together(right))
        if signs == 2:
            place += ROWS * COLUMNS
            mirrored = load_bank(G, place, COLUMNS, ROWS)
            left, t0 = sub(left, mirrored), add(t0, together(mirrored))
            mirrored = load_bank(G, place + 16, COLUMNS, ROWS)
            right, t1 = sub(right, mirrored), add(t1, together(mirrored))
        _accumulate(X, block, left, right, current, tile)
    store(column, tile * COLUMNS, t0)
    store(column, tile * COLUMNS + 16, t1)


@subloops
def _accumulate(X, block, left, right, current, tile):  # type: ignore[no-untyped-def]
    """Add what a block of rows feeds into the columns of a tile."""
    batch = X.shape[1]
    # 16 vectors of conductances stay in registers, 8 of currents come and go: 24 of the 32 that
    # AVX-512 has.  A conductance that has been loaded serves the whole minibatch.
    for b in range(0, batch - TOGETHER + 1, TOGETHER):
        x, place = (block * batch + b) * ROWS, (tile * batch + b) * COLUMNS
        v = load_bank(current, place, 16, CURRENTS)
        store_bank(current, place, 16, products(v, X, x, ROWS, left + right, 2))
    for b in range(batch - batch % TOGETHER, batch):
        x, place = (block * batch + b) * ROWS, (tile * batch + b) * COLUMNS
        v = load_bank(current, place, 16, 2)
        store_bank(current, place, 16, products(v, X, x, ROWS, left + right, 2))


@subloops
def _decay(mean, place, change, momentum):  # type: ignore[no-untyped-def]
    """Add a bank to its decaying sum; store and return that."""
    # the product before the rate: changes of the rate leave momentum as it is
    mean_now = fma(load_bank(mean, place, COLUMNS, ROWS), splat(momentum), change)
    store_bank(mean, place, COLUMNS, mean_now)
    return mean_now


@subloops
def _move(G, place, change, common, least, most):  # type: ignore[no-untyped-def]
    """Move a bank of conductances by ``change - common`` within bounds; return it."""
    g = sub(add(load_bank(G, place, COLUMNS, ROWS), change), common)
    g = minimum(maximum(g, least), most)
    store_bank(G, place, COLUMNS, g)
    return g


@subloops
def update(  # type: ignore[no-untyped-def]
    G, mean, tile, step, bounds, X, change, column, ahead, current, rows
):
    """Learn from one minibatch and find the input currents of the next one, in one pass.

    With ``P = scale X' d`` (d is `change`) the conductances become ``g+ + rate P - q`` and
    ``g- - rate P - q`` within `bounds`; with momentum a decaying sum takes the place of P.
    All is read and written once.

    Parameters
    ----------
    G : shape (tiles, blocks, signs, ROWS, COLUMNS)
        S; changed.
    mean : shape (tiles, blocks, 1, ROWS, COLUMNS)
        The decaying sum of P; empty without momentum.
    tile : int
    step : (scale, rate, momentum)
        ``1 / (2 beta B)``, the learning rate, and the decay of `mean`.
    bounds : (float, float)
        Least and greatest conductance, S.
    X, ahead : shape (blocks, B, ROWS)
        Inputs of this minibatch and of the next one, V.
    change : shape (tiles, B, COLUMNS)
        Difference of the two nudged states, V.
    column : shape (tiles, COLUMNS)
        q, S: the same for a whole column.  Afterwards the sums of the columns, S.
    current : shape (tiles, B, COLUMNS)
        The currents of the next minibatch, A, are added.
    rows : int
        How many rows there are; those that fill up the last block stay 0.
    """
    blocks, batch, _ = X.shape
    scale, rate, momentum = step
    signs = G.shape[2]
    k, lr, least, most = splat(scale), splat(rate), splat(bounds[0]), splat(bounds[1])
    if not mean.size:
        k = mul(k, lr)
    q0, q1 = load(column, tile * COLUMNS), load(column, tile * COLUMNS + 16)
    t0, t1 = splat(0.0), splat(0.0)
    for block in range(blocks):
        # with few samples the loop waits for memory; with more, G comes sooner than the arithmetic
        # needs it
        if batch <= FEW:
            prefetch(G, (tile * blocks + block + AHEAD) * signs * ROWS * COLUMNS, VECTORS)
        # 16 accumulators over all samples: no part of the gradient is ever stored.  X and `change`
        # are read again for each block, from the first-level cache.
        p0, p1 = bank(ROWS), bank(ROWS)
        for b in range(batch):
            x = (block * batch + b) * ROWS
            d = (tile * batch + b) * COLUMNS
            p0 = outer(p0, X, x, 1, load(change, d))
            p1 = outer(p1, X, x, 1, load(change, d + 16))
        p0, p1 = mul(p0, k), mul(p1, k)
        place = (tile * blocks + block) * ROWS * COLUMNS
        if mean.size:
            p0 = mul(_decay(mean, place, p0, momentum), lr)
            p1 = mul(_decay(mean, place + 16, p1, momentum), lr)
        place *= signs
        g0 = _move(G, place, p0, q0, least, most)
        g1 = _move(G, place + 16, p1, q1, least, most)
        t0, t1 = add(t0, together(g0)), add(t1, together(g1))
        if signs == 2:
            place += ROWS * COLUMNS
            # of a mirrored input -x the gradient is -P
            m0 = _move(G, place, sub(bank(ROWS), p0), q0, least, most)
            m1 = _move(G, place + 16, sub(bank(ROWS), p1), q1, least, most)
            t0, t1 = add(t0, together(m0)), add(t1, together(m1))
            g0, g1 = sub(g0, m0), sub(g1, m1)
        _accumulate(ahead, block, g0, g1, current, tile)
    store(column, tile * COLUMNS, t0)
    store(column, tile * COLUMNS + 16, t1)
    _blank(G, tile, rows, column)


@subloops
def _blank(G, tile, rows, sums):  # type: ignore[no-untyped-def]
    """Set the rows that only fill up the last block to 0 again, and take them off the sums."""
    blocks, signs = G.shape[1:3]
    # they have no input, but the step that a column has in common and the bound move them too
    for row in range(rows, blocks * ROWS):
        for sign in range(signs):
            for column in range(COLUMNS):
                sums[tile, column] -= G[tile, blocks - 1, sign, row % ROWS, column]
                G[tile, blocks - 1, sign, row % ROWS, column] = 0.0
