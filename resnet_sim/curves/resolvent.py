"""Where a falling line meets an increasing function: Newton's method between bounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import Floats, Ints

#: Most steps; those on functions without bends take two or three.
STEPS = 200
#: Steps after which every other one halves the bounds.
PATIENCE = 20
#: Relative step that ends Newton's method; the next one would be its square.
ROUNDING = 1e-12
#: V, and a ratio: bounds that are further apart are halved by their logarithms.
SMALL, FAR = 1e-6, 1e2


def meeting(
    evaluate: Callable[[Floats, Ints], tuple[Floats, Floats]], s: Floats, r: Floats, guess: Floats
) -> Floats:
    """Return the voltages u where ``u + r j(u) = s`` for a j that is 0 or nearly at 0 V.

    Parameters
    ----------
    evaluate : callable
        Takes voltages (V) and the numbers of their rows; returns currents (A) and slopes (S).
    s, r, guess : ndarray of float, shape (rows,)
        V, ohm, V.
    """
    low, high = np.minimum(s, 0.0), np.maximum(s, 0.0)
    moving = (r > 0) & (s != 0)
    u = np.where(moving, np.clip(guess, low, high), s)
    left = np.flatnonzero(moving)
    for number in range(STEPS):
        if not len(left):
            break
        at, goal, ohms = u[left], s[left], r[left]
        j, slope = evaluate(at, left)
        rest = at + ohms * j - goal
        low[left] = np.where(rest < 0, at, low[left])
        high[left] = np.where(rest > 0, at, high[left])
        linear, curved = _steps(rest, ohms, j, slope, goal, at)
        after = at - curved
        outside = ~((after >= low[left]) & (after <= high[left]))
        if outside.any():  # a logarithm may be the wrong measure
            after = np.where(outside, at - linear, after)
            outside = ~((after >= low[left]) & (after <= high[left]))
        # where Newton leaves what is known to hold the point, or lingers there, halve that
        outside |= number >= PATIENCE and number % 2 == 1
        if outside.any():
            after = np.where(outside, _halved(low[left], high[left]), after)
        found = rest == 0
        u[left] = np.where(found, at, after)
        left = left[((np.abs(after - at) > ROUNDING * np.abs(at)) | outside) & ~found]
    return u


def _halved(low: Floats, high: Floats) -> Floats:
    """Return what is between two bounds on the same side of 0."""
    far, near = np.maximum(np.abs(low), np.abs(high)), np.minimum(np.abs(low), np.abs(high))
    near = np.maximum(near, SMALL)
    sign = np.where(high > 0, 1.0, -1.0)
    return np.where(far > FAR * near, sign * np.sqrt(far) * np.sqrt(near), 0.5 * (low + high))


def _steps(
    rest: Floats, r: Floats, j: Floats, slope: Floats, s: Floats, u: Floats
) -> tuple[Floats, Floats]:
    """Return Newton's step on ``u + r j - s``, and on its logarithms where these are straighter."""
    linear = rest / (1.0 + r * slope)
    left = s - u
    curved = (r * j * left > 0) & (np.abs(rest) > 0.1 * np.abs(left))
    if not curved.any():
        return linear, linear
    j, left = np.where(curved, j, 1.0), np.where(curved, left, 1.0)
    ratio = np.where(curved, r * j / left, 1.0)
    bend = slope / j + 1.0 / left
    step = np.where(curved, np.log(ratio) / np.where(bend != 0, bend, 1.0), linear)
    # next to the end of the line its logarithm is the more bent one
    longer = (rest * s > 0) & (np.abs(linear) > np.abs(step))
    return linear, np.where(longer, linear, step)
