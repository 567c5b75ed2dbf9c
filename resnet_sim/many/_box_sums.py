"""Compiled loops of `box_assembly`.  Importing this imports numba.

Tiles are as in `_box_kernels`; ``at`` says where the row of each entry's column begins in a tile.
"""

from __future__ import annotations

from ..compiled.kernels import loops
from ..compiled.vectors import (
    DOUBLES,
    broadcast,
    fma,
    load_bank,
    mul,
    store_bank,
    together,
    total,
)


@loops
def feed(first, at, values, u, load, half):  # type: ignore[no-untyped-def]
    """Add to each row of a tile what its entries make of the rows of u."""
    width = DOUBLES * len(half)
    for k in range(len(first) - 1):
        fed = load_bank(load, k * width, DOUBLES, half)
        for e in range(first[k], first[k + 1]):
            fed = fma(load_bank(u, at[e], DOUBLES, half), broadcast(values, e), fed)
        store_bank(load, k * width, DOUBLES, fed)


@loops
def add_products(first, at, one, other, sums, half):  # type: ignore[no-untyped-def]
    """Add to each entry the sum over samples of its row of `one` times that of `other`."""
    width = DOUBLES * len(half)
    for k in range(len(first) - 1):
        own = load_bank(one, k * width, DOUBLES, half)
        for e in range(first[k], first[k + 1]):
            sums[e] += total(together(mul(own, load_bank(other, at[e], DOUBLES, half))))
