"""The compiled training loop: many minibatches, one or more threads, no Python in between."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...compiled.barrier import wait
from ...compiled.kernels import loops, subloops
from ...compiled.registers import LANES
from ...compiled.vectors import add, load, mul, splat, store, sub, total
from . import _crossbar, _shallow, _shallow_learn
from ._crossbar import COLUMNS


class Task(NamedTuple):
    """What is learned, and how.

    Attributes
    ----------
    data : shape (samples, rows)
        Inputs, in whatever unit.
    gain, offset : shape (rows,)
        Potentials are ``gain * data + offset``, V.
    target : shape (samples, n) or (classes, n)
        Target voltages, V.
    label : shape (samples,)
        Row of `target` that is meant for each sample.
    order : shape (samples,)
        In which order they come.
    buffers : two arrays of shape (blocks, B, ROWS)
        Packed inputs of this and the next minibatch, V.
    pull : shape (B, n)
        Their targets, V.
    beta, momentum : float
        S; 1.
    tolerance : (float, float)
        Of the free and of the nudged states.
    rates : shape (crossbars, 2)
        Learning rates of the conductances of a crossbar, and of the biases behind it.
    bounds : shape (crossbars, 2)
        Least and greatest conductance, S.
    cost : shape (samples,)
        Set to the cost of the free state of each sample, in the order of the run, V^2.
    failed : shape (2,)
        Samples that did not converge; steps after which a nudged output was unstable.
    counter : shape (1,)
        Of the barrier.
    """

    data: Any
    gain: Any
    offset: Any
    target: Any
    label: Any
    order: Any
    buffers: Any
    pull: Any
    beta: Any
    momentum: Any
    tolerance: Any
    rates: Any
    bounds: Any
    cost: Any
    failed: Any
    counter: Any


@subloops
def present(task, step, b):  # type: ignore[no-untyped-def]
    """Tell whether minibatch `step` has a sample `b`."""
    batch = task.pull.shape[0]
    return step * batch + b < len(task.order)


@subloops
def pack(task, step, b, X):  # type: ignore[no-untyped-def]
    """Write the potentials of a sample of minibatch `step` to `X`."""
    # potentials are made from bytes when they are needed: four times less to read than float32
    if present(task, step, b):
        sample = task.order[step * task.pull.shape[0] + b]
        _crossbar.pack(task.data, task.gain, task.offset, sample, X, b)
    else:
        _crossbar.blank(X, b)


@loops
def start(net, work, task, first):  # type: ignore[no-untyped-def]
    """Prepare sums of conductances and the currents of minibatch `first`."""
    X = task.buffers[first % 2]
    for b in range(task.pull.shape[0]):
        pack(task, first, b, X)
    for tile in range(net.W.shape[0]):
        for column in (0, 16):
            shared = tile * COLUMNS + column
            constant = add(load(net.bias, shared), load(net.feed, shared))
            store(work.constant, shared, constant)
        _crossbar.begin(work.current, tile, work.constant)
        _crossbar.read(net.G, tile, X, work.current, work.column)
        _shallow_learn.add_up(net, work, tile)
    if not _shallow_learn.sum_outputs(net, work, task.beta) > 0.0:
        task.failed[1] += 1


@subloops
def _pull(task, step, b):  # type: ignore[no-untyped-def]
    """Look up the target of a sample; those that the last minibatch lacks have none."""
    if present(task, step, b):
        label = task.label[task.order[step * task.pull.shape[0] + b]]
        store(task.pull, b * LANES, load(task.target, label * LANES))
    else:
        store(task.pull, b * LANES, splat(0.0))


@subloops
def _solve(net, work, task, step, one, two):  # type: ignore[no-untyped-def]
    """Find the states of two samples."""
    _pull(task, step, one)
    _pull(task, step, two)
    lost = _shallow.solve(net, work, one, two, task.pull, task.beta, task.tolerance)
    for b in range(one, two + 1):
        if present(task, step, b):
            error = sub(load(work.free, b * LANES), load(task.pull, b * LANES))
            cost = 0.5 * total(mul(error, error))
            task.cost[step * task.pull.shape[0] + b] = cost
            lost += int(not cost < np.inf)
        else:
            _shallow.leave_out(work, b)
    # not atomic: of additions by two threads one may be lost, but never to 0
    if lost:
        task.failed[0] += lost


@loops
def run(net, work, task, first, last, thread, threads):  # type: ignore[no-untyped-def]
    """Train on the minibatches from `first` to `last`, as one of `threads` threads.

    Who does what has no influence on any result.  All stop early after a failure.
    """
    batch, tiles = task.pull.shape[0], net.W.shape[0]
    goal = 0
    for step in range(first, last):
        X, ahead = task.buffers[step % 2], task.buffers[(step + 1) % 2]
        count = min(batch, len(task.order) - step * batch)
        scale = np.float32(1.0 / (2.0 * task.beta * count)), task.momentum
        # the same pairs for any number of threads: both are swept until both have settled
        for one in range(2 * thread, batch, 2 * threads):
            two = min(one + 1, batch - 1)
            _solve(net, work, task, step, one, two)
            for b in range(one, two + 1):
                pack(task, step + 1, b, ahead)
        goal += threads
        wait(task.counter, goal)
        # all look only now, so that all stop in the same step and none waits for ever
        if task.failed[0] or task.failed[1]:
            return
        # ten outputs are less work than sharing them out
        if thread == 0:
            _shallow_learn.learn_out_biases(net, work, scale, task.rates)
        goal += threads
        wait(task.counter, goal)
        # runs of tiles, so that each thread reads its part of G from end to end
        for tile in range(tiles * thread // threads, tiles * (thread + 1) // threads):
            _shallow_learn.learn(net, work, tile, scale, task.rates, task.bounds, X, ahead)
        goal += threads
        wait(task.counter, goal)
        # sums over tiles in their order, by one thread: the same bits for any number of threads
        if thread == 0 and not _shallow_learn.sum_outputs(net, work, task.beta) > 0.0:
            task.failed[1] += 1
        goal += threads
        wait(task.counter, goal)
