"""Compiled loop of `correlation`.  Importing this imports numba."""

from __future__ import annotations

from ..compiled.kernels import loops
from ..compiled.registers import DOUBLES
from ..compiled.vectors import add, load_bank, maximum, minimum, mul, sub, together, total


@loops
def add_products(p, q, one, other, width, rows, zero, tiles, sums, like):  # type: ignore[no-untyped-def]
    """Set sums to ``sum_b (one[b, p] - one[b, q]) (other[b, p] - other[b, q])`` of each branch.

    Samples b from the first to the last of `rows`, as lanes of the vectors of a bank like `like`.
    If `width` is not 0 they are the change from `one` to `other`, over it, and the mean of both.
    `zero` is one vector of zeros, `tiles` have room for a bank for each node, twice.
    """
    lanes, nodes = DOUBLES * len(like), one.shape[1]
    none = load_bank(zero, 0, 0, like)
    sums[:] = 0.0
    for first in range(rows[0], rows[1], lanes):
        count = min(lanes, rows[1] - first)
        # all lanes of a node at once: they share a line of the cache
        for k in range(nodes):
            for lane in range(lanes):
                a = b = 0.0
                if lane < count:
                    a, b = one[first + lane, k], other[first + lane, k]
                tiles[k, lane] = (b - a) / width if width != 0.0 else a
                tiles[nodes + k, lane] = 0.5 * (b + a) if width != 0.0 else b
        for k in range(len(p)):
            at_p, at_q, far = p[k] * lanes, q[k] * lanes, nodes * lanes
            rise = sub(load_bank(tiles, at_p, DOUBLES, like), load_bank(tiles, at_q, DOUBLES, like))
            level = sub(
                load_bank(tiles, far + at_p, DOUBLES, like),
                load_bank(tiles, far + at_q, DOUBLES, like),
            )
            term = mul(rise, level)
            # the greater and the lesser of it and 0: of a NaN, both 0
            term = add(maximum(none, term), minimum(none, term))
            sums[k] += total(together(term))
