"""Units of networks with any number of hidden layers: how they follow their currents.

Layers are counted from 0, the first behind the inputs; even ones are *rows* and odd ones
*columns* of the crossbars between them.  Arrays over samples are held as ``[sample, unit]``;
the units of all layers are counted through.  What is done here is done for a range of
samples, each by itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ...compiled.kernels import subloops
from ...compiled.vectors import add, fma, load, maximum, minimum, mul, splat, store, sub

#: what is looked for: the lower nudged state, its difference to the upper one, the free state
LOWER, DIFFERENCE, FREE = range(3)
#: until the free state takes its place: how much the box cuts off the lower one
EXCESS = FREE
#: where `respond` notes the largest step and voltage, and sums for the acceleration
STEP, SIZE, ALONG, SQUARE = range(0, 64, 16)


class Units(NamedTuple):
    """The units of all layers; arrays float32.

    Layers that are rows are filled up to a multiple of 32 units, others to one of 64.  Arrays
    over samples have sixteen units more, an odd number of cache lines: else the same unit of
    many samples would compete for the same place in the cache.

    Attributes
    ----------
    start : shape (layers + 1,), int
        Where each layer begins.
    voltage : shape (3, B, units)
        What each phase has found, V; in the end the mean of both nudged states in the place
        of the lower one.
    before, residual : shape (B, units)
        Rows after the last sweep but one, and by how much the last one changed them, V.
    feed, current : shape (B, units)
        Current into a unit if its neighbours were at 0 V; what has been added up, A.
    inverse : shape (3, units)
        One over the sum of all conductances: less beta at outputs, plus beta, free, ohm.
    lower, upper : shape (units,)
        Box, V; 0 for units that only fill up.
    leak, constant : shape (units,)
        Conductance to given potentials, S, and the current from there at 0 V, A.
    bias, bias_mean : shape (units,)
        A, and its momentum (empty without momentum).
    real : shape (units,)
        0 for units that only fill up, else 1.
    product : shape (units,)
        Sum over the samples of their difference times their mean.
    """

    start: Any
    voltage: Any
    before: Any
    residual: Any
    feed: Any
    current: Any
    inverse: Any
    lower: Any
    upper: Any
    leak: Any
    constant: Any
    bias: Any
    bias_mean: Any
    real: Any
    product: Any


@subloops
def at(units, phase, sample):  # type: ignore[no-untyped-def]
    """Return where the voltages of a sample begin."""
    return (phase * units.current.shape[0] + sample) * units.current.shape[1]


@subloops
def respond(units, first, last, samples, phase, rows, noted):  # type: ignore[no-untyped-def]
    """Let units follow their currents; note their steps, and for rows what comes of them."""
    x, zero = units.voltage, splat(0.0)
    for sample in range(samples[0], samples[1]):
        place, own, inverse = sample * 64, at(units, 0, sample), phase * len(units.real)
        found, lower = at(units, phase, sample), at(units, LOWER, sample)
        excess = at(units, EXCESS, sample)
        # largest steps and so on stay vectors, lane by lane: `_deep._finish` looks across
        step, size = load(noted, place + STEP), load(noted, place + SIZE)
        along, square = load(noted, place + ALONG), load(noted, place + SQUARE)
        for unit in range(first, last, 16):
            least, most = load(units.lower, unit), load(units.upper, unit)
            v = mul(load(units.current, own + unit), load(units.inverse, inverse + unit))
            if phase == DIFFERENCE:
                # v + dv before the box becomes clip(v + dv) - clip(v) behind it: nothing cancels
                h = load(x, lower + unit)
                v, least, most = add(v, load(x, excess + unit)), sub(least, h), sub(most, h)
            old, new = load(x, found + unit), minimum(maximum(v, least), most)
            if phase == LOWER:
                # how far the box cuts off, for the difference: v itself is not kept
                store(x, excess + unit, sub(v, new))
            store(x, found + unit, new)
            moved = sub(new, old)
            step = maximum(step, maximum(moved, sub(zero, moved)))
            size = maximum(size, maximum(new, sub(zero, new)))
            if rows:
                change = sub(moved, load(units.residual, own + unit))
                store(units.residual, own + unit, moved)
                along, square = fma(moved, change, along), fma(change, change, square)
        store(noted, place + STEP, step)
        store(noted, place + SIZE, size)
        store(noted, place + ALONG, along)
        store(noted, place + SQUARE, square)


@subloops
def reset(units, samples, phase):  # type: ignore[no-untyped-def]
    """Begin to add up currents; of a difference, only the nudge feeds anything."""
    fed = units.start[len(units.start) - 2] if phase == DIFFERENCE else 0
    for sample in range(samples[0], samples[1]):
        first = at(units, 0, sample)
        for own in range(first, first + fed, 16):
            store(units.current, own, splat(0.0))
        for own in range(first + fed, first + len(units.real), 16):
            store(units.current, own, load(units.feed, own))


@subloops
def accelerate(units, samples, phase, back):  # type: ignore[no-untyped-def]
    """Move the rows to where a sweep starts from."""
    x = units.voltage
    for sample in range(samples[0], samples[1]):
        own, lower, found = at(units, 0, sample), at(units, LOWER, sample), at(units, phase, sample)
        for which in range(0, len(units.start) - 1, 2):
            for unit in range(units.start[which], units.start[which + 1], 16):
                least, most = load(units.lower, unit), load(units.upper, unit)
                if phase == DIFFERENCE:
                    h = load(x, lower + unit)
                    least, most = sub(least, h), sub(most, h)
                now = load(x, found + unit)
                v = fma(splat(back[sample]), sub(load(units.before, own + unit), now), now)
                store(units.before, own + unit, now)
                # beyond the last result may be beyond the box
                store(x, found + unit, minimum(maximum(v, least), most))


@subloops
def begin(units, samples, phase):  # type: ignore[no-untyped-def]
    """Set the first guess, 0 V; for the free state there is a better one already."""
    for sample in range(samples[0], samples[1]):
        own, found = at(units, 0, sample), at(units, phase, sample)
        for unit in range(0, len(units.real), 16):
            store(units.before, own + unit, splat(0.0))
            if phase != FREE:
                store(units.voltage, found + unit, splat(0.0))
