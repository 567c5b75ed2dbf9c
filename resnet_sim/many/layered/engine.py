"""Training in float32 with compiled loops: from `Layers` to their arrays and back.

Equilibrium propagation, centered, for the squared error, with gradient descent or momentum.
One hidden layer and up to `OUTPUTS` outputs: `_shallow`; anything else: `_deep`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Thread

import numpy as np

from ...arrays import Floats, Ints
from ...compiled.registers import aligned
from ...errors import ConvergenceError, UsageError
from . import _epoch
from ._crossbar import ROWS
from ._shallow import OUTPUTS
from ._tiles import Array, learns
from .deep import Deep
from .shallow import Shallow
from .structure import Layers, SparseBlock

#: Tolerance of the free states, which only start the nudged ones and tell the cost.
FREE = 10.0
#: Steps between two looks at whether the user wants to stop.
CHUNK = 500


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes
    ----------
    beta : float
        Nudge, S.
    momentum : float
    g_min, g_max : float
        Bounds of the conductances that learn, S.
    threads : int
    """

    beta: float
    momentum: float = 0.0
    g_min: float = 0.0
    g_max: float = np.inf
    threads: int = 1


def unsuited(layers: Layers) -> str | None:
    """Return why the compiled loops can't train a network, None if they can."""
    leaks, first, last = layers.leaks, layers.blocks[0], layers.units[-1]
    if not layers.simple:
        return "its outputs are not the nodes of the last layer, measured against ground"
    if len(leaks) and ((leaks.index >= 0).any() or (leaks.far.column >= 0).any()):
        return "conductors outside of the crossbars learn or depend on inputs"
    if len(layers.units) < 2:
        return "it has no hidden layer"
    if any(isinstance(block, SparseBlock) for block in layers.blocks):
        return "few of the units of two layers are joined"
    if np.isfinite(last.lower).any() or np.isfinite(last.upper).any():
        return "there are diodes at its outputs"
    if (leaks.g < 0).any() or any(b.g.min() < 0 for b in layers.blocks if not learns(b)):
        return "some conductances are negative"
    for block in layers.blocks:
        if not isinstance(block.index, int) and len({*(block.index < 0).flat}) != 1:
            return "some conductances between the same two layers learn and some don't"
    for units in layers.units:
        if len({*(units.bias_index < 0).tolist()}) != 1:
            return "some biases of a layer learn and some don't"
    if not first.g.size:
        return "it has no inputs"
    return None


class EpochLoop:
    """Training of one network on one set of samples.

    Parameters
    ----------
    layers : Layers
        For which `unsuited` finds no reason.
    conductances : ndarray, optional
        Parameters to start with, S; by default those of the circuit.
    biases : ndarray
        A.
    settings : Settings
    batch : int
        Samples in a minibatch.
    u : ndarray, shape (samples, columns)
        Inputs, V, of any kind of number.
    targets : ndarray, shape (rows, n_outputs)
        V.
    labels : ndarray of int, shape (samples,)
        Row of `targets` that each sample has.
    factor : float
        What `u` is to be multiplied with.
    """

    def __init__(
        self,
        layers: Layers,
        conductances: Array | None,
        biases: Floats,
        settings: Settings,
        batch: int,
        u: Array,
        targets: Floats,
        labels: Ints,
        factor: float = 1.0,
    ) -> None:
        self.layers, self.settings = layers, settings
        signs = 2 if _mirrored(layers, u) else 1
        hidden, outputs = len(layers.units) - 1, len(layers.units[-1])
        form = Shallow if hidden == 1 and outputs <= OUTPUTS else Deep
        momentum = settings.momentum > 0
        self.form = form(layers, conductances, biases, signs, batch, momentum)
        self.task = self._task(batch, u, targets, labels, factor)

    def _task(
        self, batch: int, u: Array, targets: Floats, labels: Ints, factor: float
    ) -> _epoch.Task:
        inputs, rows, s = self.layers.inputs, self.form.net.rows, self.settings
        column = inputs.column[:rows]
        if u.dtype not in (np.float32, np.uint8) or not u.flags.c_contiguous:
            u = np.ascontiguousarray(u, dtype=np.float32)
        if u.shape[1] != rows or (column != np.arange(rows)).any():
            u = np.ascontiguousarray(u[:, column])
        shape = (self.form.net.G.shape[1], batch, ROWS)
        wanted = aligned((len(targets), self.form.outputs))
        wanted[:, : targets.shape[1]] = targets
        learn = [learns(block) for block in self.layers.blocks]
        limits, free = _inwards(s.g_min, s.g_max), (0.0, np.inf)
        return _epoch.Task(
            data=u,
            gain=_aligned(factor * inputs.gain[:rows]),
            offset=_aligned(inputs.offset[:rows]),
            target=wanted,
            label=np.ascontiguousarray(labels, dtype=np.int64),
            order=np.arange(len(u)),
            buffers=(aligned(shape), aligned(shape)),
            pull=aligned((batch, self.form.outputs)),
            beta=np.float32(s.beta),
            momentum=np.float32(s.momentum),
            tolerance=(np.float32(FREE * self.form.tolerance), np.float32(self.form.tolerance)),
            rates=np.zeros((len(learn), 2), dtype=np.float32),
            bounds=np.array([limits if some else free for some in learn], dtype=np.float32),
            cost=np.zeros(len(u)),
            failed=np.zeros(2, dtype=np.int64),
            counter=np.zeros(1, dtype=np.int64),
        )

    def epoch(self, order: Ints, rates: Sequence[tuple[float, float]]) -> Floats:
        """Train on all samples in the given order; return the cost of each free state, V^2.

        Parameters
        ----------
        order : ndarray of int
        rates : sequence of (float, float)
            Learning rates, for each layer: of the conductances to it, of its biases.

        Raises
        ------
        UsageError
            If beta exceeds what the outputs are joined to the network with.
        ConvergenceError
            If a state could not be found.
        """
        task = self.task._replace(
            order=np.ascontiguousarray(order), rates=np.array(rates, dtype=np.float32)
        )
        steps = -(-len(order) // task.pull.shape[0])
        task.failed[:] = 0
        self.form.loops.start(self.form.net, self.form.work, task, 0)
        for first in range(0, steps, CHUNK):
            self._check(task)
            self._run(task, first, min(first + CHUNK, steps))
        self._check(task)
        return task.cost[: len(order)]

    def _run(self, task: _epoch.Task, first: int, last: int) -> None:
        task.counter[0] = 0
        form, count = self.form, self.settings.threads
        jobs = [(form.net, form.work, task, first, last, k, count) for k in range(count)]
        others = [Thread(target=form.loops.run, args=job) for job in jobs[1:]]
        for thread in others:
            thread.start()
        form.loops.run(*jobs[0])
        for thread in others:
            thread.join()

    def _check(self, task: _epoch.Task) -> None:
        lost, unstable = task.failed.tolist()
        beta = self.settings.beta
        if unstable:
            raise UsageError(
                f"a nudge of -{beta:.6g} S makes the circuit unstable: an output is joined to "
                f"the others with {self.form.at_outputs:.6g} S only"
            )
        if lost:
            raise ConvergenceError(
                f"states of {lost} samples of a minibatch did not settle; is beta={beta:.6g} S "
                "too large, or the learning rate?"
            )

    def parts(self) -> Iterator[Array] | None:
        """Yield what `form` would store in all parameters, S, some at a time, in order.

        None where parameters and crossbars are not in the same order, or with more layers.
        """
        place = 0
        for block in self.layers.blocks:
            if not isinstance(block.index, int) or block.index != place:
                return None
            place += block.g.size
        return self.form.parts() if isinstance(self.form, Shallow) else None


def _aligned(values: Array) -> Array:
    """Return values as vectors in float32."""
    array = aligned(values.shape)
    array[...] = values
    return array


def _inwards(least: float, most: float) -> tuple[np.float32, np.float32]:
    """Round bounds to float32 so that nothing within them is out of the given ones."""
    low, high = np.float32(least), np.float32(most)
    if float(low) < least:
        low = np.nextafter(low, np.float32(np.inf))
    if float(high) > most:
        high = np.nextafter(high, np.float32(0.0))
    return low, high


def _mirrored(layers: Layers, u: Array) -> bool:
    """Tell whether the second half of the given potentials is minus the first for all samples."""
    inputs, half = layers.inputs, layers.widths[0] // 2
    if inputs.mirrored or layers.widths[0] % 2:
        return inputs.mirrored
    for first in range(0, len(u), 512):
        v = inputs.potentials(u[first : first + 512])
        if not np.array_equal(v[:, :half], -v[:, half:]):
            return False
    return True
