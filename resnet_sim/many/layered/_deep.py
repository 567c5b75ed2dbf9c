"""Compiled loops for any number of hidden layers: states of four samples at a time.

A sweep goes through panels of columns (see `_deep_units`): these follow the rows, and what
they feed back is added up while the panel is still in the cache; then the rows follow.  So
each conductance, which is held once, comes from memory once in a sweep, and the order is that
of a red-black sweep.  From the third on a sweep starts beyond the result of the last one, in
each sample as far as the last two suggest (Anderson acceleration of depth one).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...compiled.kernels import subloops
from ...compiled.vectors import largest, load, splat, store, total
from ._crossbar import COLUMNS
from ._deep_products import HEIGHT, SOME, WIDTH, gather, scatter
from ._deep_units import ALONG, FREE, SIZE, SQUARE, STEP, accelerate, at, begin, reset, respond

#: columns in a panel: with 1,024 rows on either side it takes three quarters of a second-level
#: cache of 2 MB
PANEL = 192
#: rows that stay in the first-level cache while all samples meet them
CHUNK = 64
#: sweeps after which a state counts as not converged
SWEEPS = 400
#: sweeps after which none is accelerated: plain ones converge whatever the diodes do
ACCELERATED = 100


class Links(NamedTuple):
    """The crossbars between layers ``k`` and ``k + 1``, one after the other; arrays float32.

    Attributes
    ----------
    start : shape (links + 1,), int
        Where each crossbar begins in `W`.
    W, W_mean : shape (n,)
        Conductances in the order tile, row, column, S; momentum (empty without momentum).
    row_sums : shape (n / COLUMNS,)
        Sums of the rows of each tile, in the order tile, row, S.
    column_sums : shape (links, units)
        Sums of the columns, S.
    """

    start: Any
    W: Any
    W_mean: Any
    row_sums: Any
    column_sums: Any


class Progress(NamedTuple):
    """How far states have got.  Samples settle in blocks of `SOME`.

    Attributes
    ----------
    active : shape (blocks,), bool
        Blocks of samples that have not settled.
    some : shape (blocks, layers), bool
        Which layers have any voltage.
    noted : shape (B, 64), float32
        In the order of `STEP` and so on, lane by lane: the largest step and voltage in a
        layer, V; sums over the rows of their residual times its change, and of the square of
        that.
    step, last : shape (B,), float32
        Largest step in this sweep and in the one before, relative to the voltages of a layer.
    back : shape (B,), float32
        Where the next sweep starts: 0 at the last result, 1 at the one before.
    """

    active: Any
    some: Any
    noted: Any
    step: Any
    last: Any
    back: Any


@subloops
def remaining(step, before):  # type: ignore[no-untyped-def]
    """Estimate what is left to go from the last two steps.

    Each sweep leaves about the same share of the distance, but the first ones may take more.
    """
    if step >= before:
        return step
    return step * min(max(step / (before - step), np.float32(0.1)), np.float32(1.0))


@subloops
def _gather(units, links, which, k, unit, blocks, phase, progress):  # type: ignore[no-untyped-def]
    """Add up what crossbar `k` feeds into a pair of tiles of layer `which`."""
    other = k if k < which else which + 1
    row = units.start[other]
    rows = units.start[other + 1] - row
    place = links.start[k] + (unit - units.start[which]) * rows
    # a chunk of 64 rows and 64 columns, 16 kB, serves all samples in turn; their sums are
    # loaded and stored once for each, a sixteenth of what conductances would be
    for first in range(0, rows, CHUNK):
        some = min(CHUNK, rows - first)
        for block in range(blocks[0], blocks[1]):
            # a difference begins at the outputs: in the first sweeps layers far from them are still
            # at 0 V, and what these feed need not be read
            if progress.active[block] and progress.some[block, other]:
                x = at(units, phase, block * SOME) + row + first
                gather(links.W, place + first * COLUMNS, rows * COLUMNS, units.voltage, x, some,
                       units.current, at(units, 0, block * SOME) + unit)  # fmt: skip


@subloops
def _feed_back(units, links, which, k, panel, blocks, phase, progress):  # type: ignore[no-untyped-def]
    """Add what a panel of layer `which` feeds into the rows of crossbar `k`."""
    other = k if k < which else which + 1
    row = units.start[other]
    rows, tiles = units.start[other + 1] - row, (panel[1] - panel[0]) // COLUMNS
    place = links.start[k] + (panel[0] - units.start[which]) * rows
    # as above: sixteen rows of a panel, 12 kB
    for first in range(0, rows, HEIGHT):
        for block in range(blocks[0], blocks[1]):
            if progress.active[block] and progress.some[block, which]:
                x = at(units, phase, block * SOME) + panel[0]
                scatter(links.W, place + first * COLUMNS, rows * COLUMNS, units.voltage, x, tiles,
                        units.current, at(units, 0, block * SOME) + row + first)  # fmt: skip


@subloops
def _note(progress, which, block):  # type: ignore[no-untyped-def]
    """Tell whether a layer has any voltage, as far as it has been noted."""
    size = np.float32(0.0)
    for sample in range(block * SOME, block * SOME + SOME):
        size += total(load(progress.noted, sample * 64 + SIZE))
    progress.some[block, which] = size > 0.0


@subloops
def _finish(progress, block):  # type: ignore[no-untyped-def]
    """Note the largest relative step of a layer; begin anew for the next one."""
    for sample in range(block * SOME, block * SOME + SOME):
        place = sample * 64
        step = largest(load(progress.noted, place + STEP))
        # no voltage anywhere is settled, not 0 / 0
        size = max(largest(load(progress.noted, place + SIZE)), np.float32(1e-30))
        store(progress.noted, place + STEP, splat(0.0))
        store(progress.noted, place + SIZE, splat(0.0))
        progress.step[sample] = max(progress.step[sample], step / size)


@subloops
def _columns(units, links, which, panel, blocks, phase, progress):  # type: ignore[no-untyped-def]
    """Let a panel of layer `which` follow the rows, and feed back into them."""
    first, last = max(which - 1, 0), min(which + 1, len(links.start) - 1)
    # all samples meet a pair of tiles before the next pair is read
    for unit in range(panel[0], panel[1], WIDTH):
        for k in range(first, last):
            _gather(units, links, which, k, unit, blocks, phase, progress)
    for block in range(blocks[0], blocks[1]):
        if progress.active[block]:
            samples = block * SOME, block * SOME + SOME
            respond(units, panel[0], panel[1], samples, phase, False, progress.noted)
            _note(progress, which, block)
    for k in range(last - 1, first - 1, -1):  # what was read last is still in the cache
        _feed_back(units, links, which, k, panel, blocks, phase, progress)


@subloops
def _rows(units, block, phase, progress):  # type: ignore[no-untyped-def]
    """Let all rows follow the columns."""
    for which in range(0, len(units.start) - 1, 2):
        samples = block * SOME, block * SOME + SOME
        respond(units, units.start[which], units.start[which + 1], samples, phase, True,
                progress.noted)  # fmt: skip
        _note(progress, which, block)
        _finish(progress, block)


@subloops
def _sweep(units, links, blocks, phase, progress):  # type: ignore[no-untyped-def]
    """Let all columns follow the rows, then all rows, in the blocks that still move."""
    start = units.start
    for block in range(blocks[0], blocks[1]):
        if progress.active[block]:
            samples = block * SOME, block * SOME + SOME
            accelerate(units, samples, phase, progress.back)
            reset(units, samples, phase)
            for sample in range(samples[0], samples[1]):
                progress.step[sample] = 0.0
                store(progress.noted, sample * 64 + ALONG, splat(0.0))
                store(progress.noted, sample * 64 + SQUARE, splat(0.0))
    for which in range(1, len(start) - 1, 2):
        for first in range(start[which], start[which + 1], PANEL):
            # the last panel is narrower; layers are filled up to whole pairs of tiles
            panel = first, min(first + PANEL, start[which + 1])
            _columns(units, links, which, panel, blocks, phase, progress)
        for block in range(blocks[0], blocks[1]):
            if progress.active[block]:
                _finish(progress, block)
    for block in range(blocks[0], blocks[1]):
        if progress.active[block]:
            _rows(units, block, phase, progress)


@subloops
def _prepare(units, block, phase, progress):  # type: ignore[no-untyped-def]
    """Begin a phase in a block of samples: unless there is a guess, the rows follow 0 V."""
    progress.active[block] = True
    for which in range(len(units.start) - 1):
        progress.some[block, which] = phase == FREE
    samples = block * SOME, block * SOME + SOME
    begin(units, samples, phase)
    reset(units, samples, phase)
    for sample in range(samples[0], samples[1]):
        progress.last[sample] = 0.0
        progress.back[sample] = 0.0
        for place in range(sample * 64, sample * 64 + 64, 16):
            store(progress.noted, place, splat(0.0))
    if phase != FREE:
        _rows(units, block, phase, progress)


@subloops
def _settled(block, sweep, tolerance, progress):  # type: ignore[no-untyped-def]
    """Tell whether a block has settled; if not, find where its next sweep starts."""
    settled = True
    for sample in range(block * SOME, block * SOME + SOME):
        left = remaining(progress.step[sample], progress.last[sample])
        # a single step doesn't tell what is left
        settled &= sweep > 0 and left <= tolerance
        progress.last[sample] = progress.step[sample]
        along = total(load(progress.noted, sample * 64 + ALONG))
        square = total(load(progress.noted, sample * 64 + SQUARE))
        back = np.float32(0.0)
        # if each sweep leaves a share r of the residual, this is r / (r - 1)
        if 0 < sweep < ACCELERATED and square > 0.0:
            # r from 10 / 11, far beyond the last result, to -1: halfway back where they alternate
            back = min(max(along / square, np.float32(-10.0)), np.float32(0.5))
        progress.back[sample] = back
    return settled


@subloops
def settle(units, links, blocks, phase, tolerance, progress):  # type: ignore[no-untyped-def]
    """Sweep until some blocks of samples have settled; return how many have not."""
    left = blocks[1] - blocks[0]
    for block in range(blocks[0], blocks[1]):
        _prepare(units, block, phase, progress)
    for sweep in range(SWEEPS):
        _sweep(units, links, blocks, phase, progress)
        for block in range(blocks[0], blocks[1]):
            if progress.active[block] and _settled(block, sweep, tolerance, progress):
                # passed over from now on: a slow sample costs its own block only
                progress.active[block] = False
                left -= 1
        if left == 0:
            break
    return left
