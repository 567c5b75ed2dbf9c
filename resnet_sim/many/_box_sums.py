"""Compiled loops of `box_assembly`.  Importing this imports numba.

Tiles are as in `_box_kernels`, here some in one array.  Entries of a matrix are told by where those
of each row begin, by their columns, and by `which` of the different entries each is.
"""

from __future__ import annotations

from ..compiled.kernels import loops
from ..compiled.vectors import (
    DOUBLES,
    add,
    broadcast,
    dot,
    fma,
    load,
    load_bank,
    store,
    store_bank,
    sub,
    together,
    total,
)


@loops
def feed(first, column, which, values, u, fed, half):  # type: ignore[no-untyped-def]
    """Add to each row of what is `fed` what its entries make of the rows of u."""
    width = DOUBLES * len(half)
    for tile in range(len(fed)):
        row, other = tile * fed.shape[1] * width, tile * u.shape[1] * width
        for k in range(len(first) - 1):
            sums = load_bank(fed, row + k * width, DOUBLES, half)
            for e in range(first[k], first[k + 1]):
                there = load_bank(u, other + column[e] * width, DOUBLES, half)
                sums = fma(there, broadcast(values, which[e]), sums)
            store_bank(fed, row + k * width, DOUBLES, sums)


@loops
def add_products(first, column, which, states, other, lanes, found, change, half):  # type: ignore[no-untyped-def]
    """Sum up, over entries and samples, how much two states differ in their rows, times `other`.

    That is read in their columns; where it is empty the sum of both states is meant.  There is a
    sum for each of the different entries; `lanes` has a vector of zeros for each, to begin with.
    What the rows of the states differ by, over all samples, is added to `change`.
    """
    one, two = states
    width = DOUBLES * len(half)
    for tile in range(len(one)):
        row, start = tile * one.shape[1] * width, tile * other.shape[1] * width
        for k in range(len(first) - 1):
            at = row + k * width
            own = sub(load_bank(two, at, DOUBLES, half), load_bank(one, at, DOUBLES, half))
            change[k] += total(together(own))
            for e in range(first[k], first[k + 1]):
                if len(other):
                    there = load_bank(other, start + column[e] * width, DOUBLES, half)
                else:
                    at = row + column[e] * width
                    there = load_bank(two, at, DOUBLES, half)
                    there = add(there, load_bank(one, at, DOUBLES, half))
                at = which[e] * DOUBLES
                store(lanes, at, dot(load(lanes, at), own, there))
    for k in range(len(found)):
        found[k] = total(load(lanes, k * DOUBLES))
