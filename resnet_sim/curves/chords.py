"""Curves as chords between points: what a search has that only knows straight pieces."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arrays import Floats, Ints
from .curve import Curve

#: The smallest and the largest current of a point, A.
LEAST, MOST = 1e-10, 1e3


class Chords(NamedTuple):
    """Points of curves, and the slopes of what is between them.

    Attributes
    ----------
    v : ndarray of float, shape (rows, points)
        V, ascending.
    i, slope : ndarray of float, shape (rows, points + 1)
        Of the piece that ends at a point: its current at 0 V (A), and its slope (S).  The first
        and the last one are the tangents beyond the ends.
    """

    v: Floats
    i: Floats
    slope: Floats


NO_CHORDS = Chords(np.zeros((0, 0)), np.zeros((0, 1)), np.zeros((0, 1)))


def chords(curve: Curve, ratio: float) -> Chords:
    """Return chords between points whose currents are multiples of each other.

    Parameters
    ----------
    curve : Curve
    ratio : float
        Above 1.  Chords of a junction are off it by up to ``c - 1 - ln c`` emission voltages,
        where c is ``ln(ratio) / (ratio - 1)``.
    """
    count = 1 + int(np.ceil(np.log(MOST / LEAST) / np.log(ratio)))
    ahead = LEAST * ratio ** np.arange(count)
    amps = np.concatenate((-ahead[::-1], ahead))
    found = _every(curve, len(amps)).at_current(np.tile(amps, len(curve)))
    return _between(*(part.reshape(len(curve), len(amps)) for part in found))


def split(curve: Curve, coarse: Chords, piece: Ints, count: int) -> Chords:
    """Return chords of which one of each curve is split into so many."""
    last = coarse.v.shape[1] - 1
    left, right = np.clip(piece - 1, 0, last), np.clip(piece, 0, last)
    rows = np.arange(len(curve))
    low, high = coarse.v[rows, left], coarse.v[rows, right]
    share = np.arange(1, count) / count
    inner = low[:, None] + (high - low)[:, None] * share
    v = np.sort(np.hstack((coarse.v, inner)), axis=1)
    found = _every(curve, v.shape[1]).at_voltage(v.ravel())
    return _between(v, found.i.reshape(v.shape), found.slope.reshape(v.shape))


def _every(curve: Curve, count: int) -> Curve:
    """Return each row so many times."""
    return curve.take(np.repeat(np.arange(len(curve)), count))


def _between(v: Floats, i: Floats, tangent: Floats) -> Chords:
    """Return chords between points."""
    width = np.diff(v, axis=1)
    wide = width > 0
    chord = np.where(wide, np.diff(i, axis=1) / np.where(wide, width, 1.0), tangent[:, 1:])
    slope = np.hstack((tangent[:, :1], chord, tangent[:, -1:]))
    at_zero = np.hstack((i[:, :1] - slope[:, :1] * v[:, :1], i - slope[:, 1:] * v))
    return Chords(v, at_zero, slope)
