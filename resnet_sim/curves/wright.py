"""The equation behind a junction in series with a resistor."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats


def omega(y: Floats) -> Floats:
    """Return w > 0 with ``w + ln w = y``: Wright's function, to rounding.

    Fritsch, Shafer and Crowley, "Solution of the transcendental equation w exp(w) = x",
    Communications of the ACM 16 (1973) 123; two of their steps, each of fourth order, from the
    limits for large and for small y.

    Parameters
    ----------
    y : ndarray of float
        Finite; what lies below -700 gives 0.
    """
    large = y > 1.0
    safe = np.where(large, y, 1.0)
    w = np.where(large, safe - np.log(safe), np.exp(np.minimum(y, 1.0)))
    tiny = y < -36.0  # the exponential is exact there
    w = np.where(tiny, 1.0, w)
    for _ in range(3):
        rest = y - w - np.log(w)
        ahead = 1.0 + w
        q = 2.0 * ahead * (ahead + 2.0 / 3.0 * rest)
        w = w * (1.0 + rest / ahead * (q - rest) / (q - 2.0 * rest))
        w = np.where(tiny, 1.0, w)
    return np.where(tiny, np.exp(np.minimum(y, 1.0)), w)
