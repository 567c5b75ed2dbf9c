"""Compiled loops of `box_assembly`.  Importing this imports numba.

Tiles are as in `_box_kernels`, here some in one array.  Entries of a matrix are a tuple: an order
of its rows, how many from each place in it on have the same columns and are taken together, where
the entries of each begin, their columns, and which of the different entries each is.
"""

from __future__ import annotations

from ..compiled.kernels import inlined, loops
from ..compiled.registers import DOUBLES
from ..compiled.vectors import (
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
from ._box_sweeps import TOGETHER


@loops
def feed(entries, values, u, fed, half):  # type: ignore[no-untyped-def]
    """Add to each row of what is `fed` what its entries make of the rows of u."""
    order, alike, first, column, which = entries
    width = DOUBLES * len(half)
    for tile in range(len(fed)):
        row, other = tile * fed.shape[1] * width, tile * u.shape[1] * width
        i = 0
        while i < len(order):
            start, count, k = first[i], first[i + 1] - first[i], row + order[i] * width
            a = load_bank(fed, k, DOUBLES, half)
            if alike[i] < TOGETHER:
                for e in range(start, start + count):
                    v = load_bank(u, other + column[e] * width, DOUBLES, half)
                    a = fma(v, broadcast(values, which[e]), a)
                store_bank(fed, k, DOUBLES, a)
                i += 1
                continue
            m, n = row + order[i + 1] * width, row + order[i + 2] * width
            o = row + order[i + 3] * width
            b, c = load_bank(fed, m, DOUBLES, half), load_bank(fed, n, DOUBLES, half)
            d = load_bank(fed, o, DOUBLES, half)
            for e in range(start, start + count):
                v = load_bank(u, other + column[e] * width, DOUBLES, half)
                a = fma(v, broadcast(values, which[e]), a)
                b = fma(v, broadcast(values, which[e + count]), b)
                c = fma(v, broadcast(values, which[e + 2 * count]), c)
                d = fma(v, broadcast(values, which[e + 3 * count]), d)
            store_bank(fed, k, DOUBLES, a)
            store_bank(fed, m, DOUBLES, b)
            store_bank(fed, n, DOUBLES, c)
            store_bank(fed, o, DOUBLES, d)
            i += TOGETHER


@inlined
def _apart(one, two, at, change, k, half):  # type: ignore[no-untyped-def]
    """Return how much two states differ in a row, and add up over samples."""
    found = sub(load_bank(two, at, DOUBLES, half), load_bank(one, at, DOUBLES, half))
    change[k] += total(together(found))
    return found


@inlined
def _add(lanes, which, own, there):  # type: ignore[no-untyped-def]
    """Add the products of two rows to the sum of an entry."""
    at = which * DOUBLES
    store(lanes, at, dot(load(lanes, at), own, there))


@loops
def add_products(entries, states, other, lanes, found, change, half):  # type: ignore[no-untyped-def]
    """Sum up, over entries and samples, how much two states differ in their rows, times `other`.

    That is read in their columns; where it is empty the sum of both states is meant.  There is a
    sum for each of the different entries; `lanes` has a vector of zeros for each, to begin with.
    What the rows of the states differ by, over all samples, is added to `change`.
    """
    order, alike, first, column, which = entries
    one, two = states
    width = DOUBLES * len(half)
    for tile in range(len(one)):
        row, start = tile * one.shape[1] * width, tile * other.shape[1] * width
        i = 0
        while i < len(order):
            k, begin, end = order[i], first[i], first[i + 1]
            a = _apart(one, two, row + k * width, change, k, half)
            if len(other) == 0:
                for e in range(begin, end):
                    at = row + column[e] * width
                    v = load_bank(two, at, DOUBLES, half)
                    _add(lanes, which[e], a, add(v, load_bank(one, at, DOUBLES, half)))
                i += 1
                continue
            if alike[i] < TOGETHER:
                for e in range(begin, end):
                    v = load_bank(other, start + column[e] * width, DOUBLES, half)
                    _add(lanes, which[e], a, v)
                i += 1
                continue
            count, m, n, o = end - begin, order[i + 1], order[i + 2], order[i + 3]
            b = _apart(one, two, row + m * width, change, m, half)
            c = _apart(one, two, row + n * width, change, n, half)
            d = _apart(one, two, row + o * width, change, o, half)
            for e in range(begin, end):
                v = load_bank(other, start + column[e] * width, DOUBLES, half)
                _add(lanes, which[e], a, v)
                _add(lanes, which[e + count], b, v)
                _add(lanes, which[e + 2 * count], c, v)
                _add(lanes, which[e + 3 * count], d, v)
            i += TOGETHER
    for k in range(len(found)):
        found[k] = total(load(lanes, k * DOUBLES))
