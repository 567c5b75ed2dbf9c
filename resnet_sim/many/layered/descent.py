"""States of layered networks in float64: block coordinate descent, layer by layer.

Layers are held in two colours, every other one; with one colour held, all units of the other
have their least co-content at once, by one product with each neighbouring layer.  A sweep
renews both colours.  Between sweeps Anderson's method of first order extrapolates each
sample (D. G. Anderson, J. ACM 12, 1965, with one earlier sweep), dropped where it does not
help.  Every result is a fixed point to rounding, or is reported as not settled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Bools, Floats, Ints
from .structure import outer
from .values import Values, in_parts, product, product_back, row_parts

#: Largest change in a sweep: sought, relative to the largest voltage of the layer, and accepted
#: where rounding allows no less, relative to the largest of all layers.
SOUGHT, ACCEPTED = 1e-14, 1e-12
#: Sweeps without progress that tell that rounding allows no less.
ROUNDED_AFTER = 4
#: Sweeps until a sample is given up.
MOST_SWEEPS = 2000


@dataclass(frozen=True)
class Pull:
    """Conductances to targets at the outputs: ``stiffness`` S (may be infinite), V."""

    stiffness: float
    target: Floats


@dataclass(frozen=True)
class Conditions:
    """What the units of B samples are subject to, arrays for each layer.

    Attributes
    ----------
    feed : list of ndarray, shape (B, n)
        Currents from given potentials and sources, A.
    lower, upper : list of ndarray, shape (n,) or (B, n)
        V.
    pull : Pull, optional
    """

    feed: list[Floats]
    lower: list[Floats]
    upper: list[Floats]
    pull: Pull | None = None

    def rows(self, part: slice | Ints) -> Conditions:
        """Return the conditions of some samples."""

        def cut(arrays: list[Floats]) -> list[Floats]:
            return [a[part] if a.ndim == 2 else a for a in arrays]

        pull = self.pull and Pull(self.pull.stiffness, self.pull.target[part])
        return Conditions(cut(self.feed), cut(self.lower), cut(self.upper), pull)


@dataclass(frozen=True)
class Phase:
    """States of B samples.

    Attributes
    ----------
    v : list of ndarray, shape (B, n)
        V, for each layer.
    free : list of ndarray, shape (B, n)
        What the voltages would be without the box, neighbours held, V.
    settled : ndarray of bool, shape (B,)
    sweeps : int
        Most that any of them took.
    """

    v: list[Floats]
    free: list[Floats]
    settled: Bools
    sweeps: int


def settle(
    kind: type[Descent],
    values: Values,
    conditions: Conditions,
    start: list[Floats] | None = None,
) -> Phase:
    """Return the states under given conditions.

    Parameters
    ----------
    kind : type
        How they are found.
    start : list of ndarray, shape (B, n), optional
        Voltages of the layers; 0 by default.
    """
    count = len(conditions.feed[0])

    def one(part: slice) -> Phase:
        begin = None if start is None else [v[part] for v in start]
        return kind(values, conditions.rows(part)).run(begin)

    found = in_parts(one, row_parts(count))
    depth = range(len(values.blocks))
    return Phase(
        [_stacked([f.v[k] for f in found], conditions.feed[k]) for k in depth],
        [_stacked([f.free[k] for f in found], conditions.feed[k]) for k in depth],
        np.concatenate([np.ones(0, dtype=np.bool_), *(f.settled for f in found)]),
        max((f.sweeps for f in found), default=0),
    )


def _stacked(parts: list[Floats], like: Floats) -> Floats:
    return np.concatenate(parts) if parts else np.zeros_like(like)


class Descent:
    """Sweeps over a few samples, in two colours, extrapolated."""

    def __init__(self, values: Values, conditions: Conditions) -> None:
        self.values, self.conditions = values, conditions
        layers = values.layers
        self.depth = len(layers.units)
        self.outer = outer(layers)
        self.inner = [k for k in range(self.depth) if k not in self.outer]
        self.p, self.q = layers.outputs.T
        self.sweeps = 0
        #: where layers end but for the last, and the outer ones alone
        self.ends: Ints = np.cumsum([len(units) for units in layers.units])[:-1]
        sizes = [len(layers.units[k]) for k in self.outer]
        self.cuts: Ints = np.cumsum(sizes)[:-1]
        self.v: list[Floats] = [np.zeros_like(feed) for feed in conditions.feed]
        self.free: list[Floats] = [np.zeros_like(feed) for feed in conditions.feed]

    def run(self, start: list[Floats] | None) -> Phase:
        """Sweep until nothing changes; what runs away is not settled, and no warning."""
        with np.errstate(all="ignore"):
            return self._run(start)

    def _run(self, start: list[Floats] | None) -> Phase:
        count = len(self.conditions.feed[0])
        y = np.zeros((count, sum(self.v[k].shape[1] for k in self.outer)))
        if start is not None:
            y = np.concatenate([start[k] for k in self.outer], axis=1)
        y = self._clipped(y)
        last: tuple[Floats, Floats] | None = None
        progress = _Progress(count)
        while True:
            self.sweeps += 1
            image = self._sweep(y)
            step = image - y
            changes = [_largest(x) for x in np.split(step, self.cuts, axis=1)]
            done = progress.note(changes, [_largest(v) for v in self.v], self.outer)
            if not self.inner or done.all() or self.sweeps == MOST_SWEEPS:
                break
            y, last = self._next(image, step, last), (image, step)
        settled: Bools = np.asarray(np.isfinite(step).all(axis=1))
        if self.inner:
            settled = settled & (progress.overall <= ACCEPTED)
        return Phase(self.v, self.free, settled, self.sweeps)

    def _sweep(self, y: Floats) -> Floats:
        """Renew all layers, beginning from the outer ones; return those."""
        for k, part in zip(self.outer, np.split(y, self.cuts, axis=1), strict=True):
            self.v[k] = part
        for k in (*self.inner, *self.outer):
            self._renew(k)
        return np.concatenate([self.v[k] for k in self.outer], axis=1)

    def _renew(self, k: int) -> None:
        """Put the units of one layer where they have their least co-content."""
        free = self.free[k] = self._potential(k)
        self.v[k] = np.clip(free, self.conditions.lower[k], self.conditions.upper[k])

    def _potential(self, k: int, rows: slice = slice(None), pulled: bool = True) -> Floats:
        """Return where units of one layer have it without the box, of some samples, V."""
        c, blocks, total = self.conditions, self.values.blocks, self.values.total[k]
        current = c.feed[k][rows]
        if k:
            current = current + product(self.v[k - 1][rows], blocks[k])
        if k + 1 < self.depth:
            current = current + product_back(self.v[k + 1][rows], blocks[k + 1])
        # what is joined to nothing goes where its current takes it, or stays at 0
        loose = np.where(current == 0.0, 0.0, np.copysign(np.inf, current))
        free = np.divide(current, total, out=loose, where=total > 0)
        if pulled and c.pull is not None and k == self.depth - 1:
            free = self._pulled(free, c.pull.stiffness, c.pull.target[rows], total)
        return free

    def _pulled(self, free: Floats, stiffness: float, target: Floats, total: Floats) -> Floats:
        """Return the output layer's voltages once the pull acts; no unit has two outputs."""
        p, q, paired = self.p, self.q, self.q >= 0
        compliance = 1.0 / total[p] + np.where(paired, 1.0 / total[q], 0.0)
        if np.isfinite(stiffness):
            compliance += 1.0 / stiffness
        apart = free[:, p] - np.where(paired, free[:, q], 0.0)
        current = (target - apart) / compliance
        free = free.copy()
        free[:, p] += current / total[p]
        free[:, q[paired]] -= current[:, paired] / total[q[paired]]
        return free

    def _clipped(self, y: Floats) -> Floats:
        c = self.conditions
        parts = zip(self.outer, np.split(y, self.cuts, axis=1), strict=True)
        return np.concatenate([np.clip(x, c.lower[k], c.upper[k]) for k, x in parts], axis=1)

    def _next(self, image: Floats, step: Floats, last: tuple[Floats, Floats] | None) -> Floats:
        """Extrapolate to where the next sweep begins."""
        if last is None:
            return image
        turn = step - last[1]
        square = (turn * turn).sum(axis=1)
        weight = np.divide(
            (step * turn).sum(axis=1), square, out=np.zeros_like(square), where=square > 0
        )
        worse = (step * step).sum(axis=1) > (last[1] * last[1]).sum(axis=1)
        weight[worse] = 0.0
        return self._clipped(image - weight[:, None] * (image - last[0]))


class _Progress:
    """How much voltages still change from sweep to sweep, sample by sample."""

    def __init__(self, count: int) -> None:
        self.smallest = np.full(count, np.inf)
        self.waited = np.zeros(count, dtype=np.int64)
        #: relative to the largest voltage of any unit
        self.overall = np.full(count, np.inf)

    def note(self, changes: list[Floats], sizes: list[Floats], outer: list[int]) -> Bools:
        """Take note of the largest changes of the outer layers; tell which samples are done.

        A sample is done when no layer changes in its own measure, or when it has stopped
        changing less, at what rounding explains.
        """
        largest = np.max(sizes, axis=0)
        self.overall = np.max([_ratio(c, largest) for c in changes], axis=0)
        own = np.max([_ratio(c, sizes[k]) for k, c in zip(outer, changes, strict=True)], axis=0)
        self.waited = np.where(own < 0.9 * self.smallest, 0, self.waited + 1)
        self.smallest = np.minimum(self.smallest, own)
        stuck = (self.waited >= ROUNDED_AFTER) & (self.overall <= ACCEPTED)
        return np.asarray((own <= SOUGHT) | stuck | ~np.isfinite(own))


def _largest(v: Floats) -> Floats:
    return np.asarray(np.abs(v).max(axis=1, initial=0.0))


def _ratio(change: Floats, size: Floats) -> Floats:
    return np.divide(change, size, out=np.zeros_like(change), where=change != 0)
