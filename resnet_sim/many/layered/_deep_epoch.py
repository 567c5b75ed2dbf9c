"""The training loop of `_epoch`, for any number of hidden layers."""

from __future__ import annotations

import numpy as np

from ...compiled.barrier import wait
from ...compiled.kernels import loops, subloops
from . import _crossbar, _deep_learn
from ._deep_products import SOME
from ._epoch import pack


@loops
def start(net, work, task, first):  # type: ignore[no-untyped-def]
    """Prepare sums of conductances and the currents of minibatch `first`."""
    X, units = task.buffers[first % 2], net.units
    for b in range(task.pull.shape[0]):
        pack(task, first, b, X)
    for tile in range(work.constant.shape[0]):
        for k in range(_crossbar.COLUMNS):
            unit = tile * _crossbar.COLUMNS + k
            work.constant[tile, k] = units.bias[unit] + units.constant[unit]
        _crossbar.begin(work.current, tile, work.constant)
        _crossbar.read(net.G, tile, X, work.current, work.column)
    _deep_learn.sum_links(net)
    for which in range(len(units.start) - 1):
        if not _deep_learn.add_up(net, work, which, task.beta):
            task.failed[1] += 1


@subloops
def _solve(net, work, task, step, blocks, count):  # type: ignore[no-untyped-def]
    """Find the states of some blocks of samples, and their costs."""
    batch = task.pull.shape[0]
    samples = range(blocks[0] * SOME, min(blocks[1] * SOME, count))
    for b in samples:
        label = task.label[task.order[step * batch + b]]
        for k in range(task.pull.shape[1]):
            task.pull[b, k] = task.target[label, k]
    lost = _deep_learn.solve(net, work, blocks, count, task.pull, task.beta, task.tolerance)
    for b in samples:
        cost = 0.0
        for k in range(task.pull.shape[1]):
            cost += 0.5 * (work.free[b, k] - task.pull[b, k]) ** 2
        task.cost[step * batch + b] = cost
        if not cost < np.inf:
            lost += 1
    # not atomic: of additions by two threads one may be lost, but never to 0
    if lost:
        task.failed[0] += lost


@subloops
def _learn(net, work, task, job, count, scale, X, ahead):  # type: ignore[no-untyped-def]
    """Update one tile of one crossbar: jobs are counted through all of them."""
    tiles = work.constant.shape[0]
    if job < tiles:
        step = scale, task.rates[0, 0], task.momentum
        _deep_learn.learn_inputs(net, work, job, count, step, task.bounds[0], X, ahead)
        return
    job -= tiles
    for which in range(len(net.links.start) - 1):
        tiles = _tiles(net, which)
        if job < tiles:
            step = scale, task.rates[which + 1, 0], task.momentum
            _deep_learn.learn_link(net, which, job, count, step, task.bounds[which + 1])
            return
        job -= tiles


@subloops
def _tiles(net, which):  # type: ignore[no-untyped-def]
    start, layer = net.units.start, which + 1 - which % 2
    return (start[layer + 1] - start[layer]) // _crossbar.COLUMNS


@subloops
def _jobs(net, work):  # type: ignore[no-untyped-def]
    count = work.constant.shape[0]
    for which in range(len(net.links.start) - 1):
        count += _tiles(net, which)
    return count


@loops
def run(net, work, task, first, last, thread, threads):  # type: ignore[no-untyped-def]
    """Train on the minibatches from `first` to `last`, as one of `threads` threads.

    Who does what has no influence on any result.  All stop early after a failure.
    """
    batch, jobs = task.pull.shape[0], _jobs(net, work)
    begins = net.units.start
    goal = 0
    for step in range(first, last):
        X, ahead = task.buffers[step % 2], task.buffers[(step + 1) % 2]
        count = min(batch, len(task.order) - step * batch)
        scale = np.float32(1.0 / (2.0 * task.beta * count))
        blocks = -(-count // SOME)
        own = blocks * thread // threads, blocks * (thread + 1) // threads
        _solve(net, work, task, step, own, count)
        # into the other buffer, which nobody reads before two barriers have passed
        for b in range(thread, batch, threads):
            pack(task, step + 1, b, ahead)
        goal += threads
        wait(task.counter, goal)
        # all look only now, so that all stop in the same step and none waits for ever
        if task.failed[0] or task.failed[1]:
            return
        # biases first, because conductances need the sums of all samples at both of their ends
        for which in range(thread, len(begins) - 1, threads):
            _deep_learn.learn_biases(net, begins[which], begins[which + 1], count,
                                     (scale, task.rates[which, 1], task.momentum))  # fmt: skip
        goal += threads
        wait(task.counter, goal)
        for job in range(jobs * thread // threads, jobs * (thread + 1) // threads):
            _learn(net, work, task, job, count, scale, X, ahead)
        goal += threads
        wait(task.counter, goal)
        # sums of rows run over all tiles, so that all must have moved
        for which in range(thread, len(begins) - 1, threads):
            if not _deep_learn.add_up(net, work, which, task.beta):
                task.failed[1] += 1
        goal += threads
        wait(task.counter, goal)
