"""Products of crossbars with voltages, for four samples at a time, as `_deep` needs them.

A crossbar is held once, in tiles of 32 columns.  `gather` takes 64 columns times some rows,
`scatter` 16 rows times some columns; both have columns in the lanes and keep sixteen
accumulators in registers.
"""

from __future__ import annotations

from ...compiled.kernels import subloops
from ...compiled.vectors import add_quarters, bank, fma, load, load_bank, outer, store_bank, totals
from ._crossbar import COLUMNS

#: samples that are handled at once
SOME = 4
#: columns that `gather` fills
WIDTH = 2 * COLUMNS
#: rows that `scatter` fills
HEIGHT = 16


@subloops
def gather(W, place, gap, x, source, rows, current, target):  # type: ignore[no-untyped-def]
    """Add what rows feed into a pair of tiles, in each of four samples.

    Parameters
    ----------
    W : shape (n,)
        Conductances, S.
    place, gap : int
        Where the first row begins in the first tile, and how far on in the second.
    x, current : shape (..., B, units)
        Voltages of the rows and currents into the columns, V and A.
    source, target : int
        The first row and the first column of the first sample in these.
    rows : int
    """
    step = current.shape[1]
    c0 = load_bank(current, target, step, SOME)
    c1 = load_bank(current, target + 16, step, SOME)
    c2 = load_bank(current, target + 32, step, SOME)
    c3 = load_bank(current, target + 48, step, SOME)
    # 4 loads and 4 broadcasts for 16 fused operations on 16 accumulators
    for row in range(source, source + rows):
        c0 = outer(c0, x, row, step, load(W, place))
        c1 = outer(c1, x, row, step, load(W, place + 16))
        c2 = outer(c2, x, row, step, load(W, place + gap))
        c3 = outer(c3, x, row, step, load(W, place + gap + 16))
        place += COLUMNS
    store_bank(current, target, step, c0)
    store_bank(current, target + 16, step, c1)
    store_bank(current, target + 32, step, c2)
    store_bank(current, target + 48, step, c3)


@subloops
def scatter(W, place, gap, x, source, tiles, current, target):  # type: ignore[no-untyped-def]
    """Add what the columns of some tiles feed into sixteen rows, in each of four samples.

    Parameters as for `gather`, with columns and rows exchanged: `place` is that of the first
    row, `gap` that from tile to tile.
    """
    step = current.shape[1]
    # lanes are columns, so sums over columns are sums over lanes.  These are taken once for all
    # tiles, of sixteen accumulators at a time.
    for four in range(0, HEIGHT, 4):
        # one bank for each sample, of four rows
        s0, s1, s2, s3 = bank(4), bank(4), bank(4), bank(4)
        for tile in range(tiles):
            first, column = place + four * COLUMNS + tile * gap, source + tile * COLUMNS
            for half in range(0, COLUMNS, 16):
                # again 8 loads for 16 operations
                w = load_bank(W, first + half, COLUMNS, 4)
                s0 = fma(w, load(x, column + half), s0)
                s1 = fma(w, load(x, column + half + step), s1)
                s2 = fma(w, load(x, column + half + 2 * step), s2)
                s3 = fma(w, load(x, column + half + 3 * step), s3)
        # lane 4 s + r is row r of sample s
        add_quarters(current, target + four, step, totals(s0 + s1 + s2 + s3))
