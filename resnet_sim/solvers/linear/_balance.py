"""Kirchhoff's current law of a network at given coordinates, interpreted and compiled."""

from __future__ import annotations

from functools import partial

import numpy as np

from ...arrays import Floats, Ints
from ...compiled.kernels import kernel
from ...graph.graphs import bincount
from ...graph.problem import difference


def _by_arrays(
    x: Floats, low: Floats, p: Ints, q: Ints, conductance: Floats, emf: Floats,
    injection: Floats, turnover: Floats,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    flow = conductance * difference(x, low, p, q, emf)
    # what is there comes first, then edge by edge both ends, as in the loop: `bincount` adds one
    # after the other, so that the sums are rounded alike
    n, count = len(x), len(x) + 2 * len(p)
    where, amps = np.empty(count, dtype=np.int64), np.empty(count)
    where[:n], where[n::2], where[n + 1 :: 2] = np.arange(n), p, q
    amps[:n], amps[n::2], amps[n + 1 :: 2] = injection, -flow, flow
    excess = bincount(where, amps, n)
    amps[:n] = turnover
    size = bincount(where, np.abs(amps), n)
    return flow, excess, size


@partial(kernel, interpreted=_by_arrays)
def balance(x, low, p, q, conductance, emf, injection, turnover):  # type: ignore[no-untyped-def]
    """Return edge currents, and what is left over and its size at each coordinate.

    `x + low` are the coordinates as double-doubles; sizes (`turnover`) are not negative.
    """
    excess = injection + 0.0  # no -0.0, as sums from 0.0 on
    size = turnover.copy()
    flow = np.empty(len(p))
    # one pass: each edge reads two coordinates and writes four sums, which memory bounds; six
    # passes of numpy take two to three times as long
    for k in range(len(p)):
        a, b = p[k], q[k]
        # Knuth's two-sum: what rounding takes from the difference of the high parts comes back
        # with the low ones.  Contracting a product into it (fma) would be other bits
        s = x[a] - x[b]
        t = s - x[a]
        error = (x[a] - (s - t)) - (x[b] + t)
        i = conductance[k] * ((s - emf[k]) + (error + (low[a] - low[b])))
        flow[k] = i
        excess[a] -= i
        excess[b] += i
        size[a] += abs(i)
        size[b] += abs(i)
    return flow, excess, size
