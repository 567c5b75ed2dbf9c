"""Compiled loop of `correlation`.  Importing this imports numba."""

from __future__ import annotations

from ..compiled.kernels import compiled
from ..compiled.registers import DOUBLES
from ..compiled.vectors import add, load_bank, maximum, minimum, mul, sub, together, total


@compiled
def add_products(p, q, one, other, zero, sums, like):  # type: ignore[no-untyped-def]
    """Add ``sum_b (one[p, b] - one[q, b]) (other[p, b] - other[q, b])`` to each branch's sum.

    Samples b are the lanes of the vectors of a bank like `like`, rows of `one` and `other`;
    `zero` is one vector of zeros.
    """
    width = DOUBLES * len(like)
    none = load_bank(zero, 0, 0, like)
    for k in range(len(p)):
        at_p, at_q = p[k] * width, q[k] * width
        rise = sub(load_bank(one, at_p, DOUBLES, like), load_bank(one, at_q, DOUBLES, like))
        level = sub(load_bank(other, at_p, DOUBLES, like), load_bank(other, at_q, DOUBLES, like))
        term = mul(rise, level)
        # the greater and the lesser of it and 0: of a NaN, both 0
        term = add(maximum(none, term), minimum(none, term))
        sums[k] += total(together(term))
