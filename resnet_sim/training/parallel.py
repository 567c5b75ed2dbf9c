"""Data-parallel training: each worker takes a shard of the minibatch.

How many shards there are is configuration, never the number of workers, and what they find
is added up in their order: the parameters come out with the same bits on any executor, also
when a worker dies meanwhile and its shard is computed again by another.
"""

from __future__ import annotations

import pickle
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from ..arrays import Bools, Floats
from ..errors import ResnetSimError, UsageError
from ..model.names import whole
from ..workers.executors import open_executor, run_tasks
from .costs import Cost
from .derivatives import Gradient, gradients
from .network import Network
from .rules import Rule

#: Networks that a worker keeps.
KEPT = 4

_local = threading.local()


class Compute(Protocol):
    """How a minibatch becomes a gradient."""

    def __call__(
        self, net: Network, X: Floats, Y: Any, rule: Rule, cost: Cost, start: Bools | None
    ) -> Gradient:
        """Return derivatives of the mean cost, as `derivatives.gradients` does."""


@contextmanager
def shared(executor: str | Executor | None, shards: int | None) -> Iterator[Compute]:
    """Open what computes gradients while a run lasts: here, or in shards on an executor."""
    count = 4 if shards is None else whole(shards, "shards", 1)
    if executor is None:
        if shards is not None:
            raise UsageError('shards are for an executor: executor="serial", or another')
        yield gradients
        return
    with open_executor(executor) as pool:
        yield _Shared(pool, count)


class _Shared:
    """Gradients of minibatches in shards."""

    def __init__(self, pool: Executor, shards: int) -> None:
        self.pool, self.shards = pool, shards
        self._sent: tuple[Network | None, str, bytes] = (None, "", b"")
        self._known = False

    def __call__(
        self, net: Network, X: Floats, Y: Any, rule: Rule, cost: Cost, start: Bools | None
    ) -> Gradient:
        """Return what `derivatives.gradients` does, up to rounding."""
        rows = np.array_split(np.arange(len(X)), min(self.shards, len(X)))
        key, blob = self._network(net)
        tasks = [
            (key, (net.conductances, net.biases, net.moment, k), rule, cost, X[own], Y[own],
             None if start is None else start[own])
            for k, own in enumerate(rows)
        ]  # fmt: skip
        found: dict[int, Gradient] = {}
        lacking = range(len(tasks))
        if self._known:  # workers have the network, but for those that are new
            short = [(None, *task) for task in tasks]
            found = {k: g for k, g in run_tasks(self.pool, _shard, short) if g is not None}
            lacking = [k for k in lacking if k not in found]  # type: ignore[assignment]
        again = [(blob, *tasks[k]) for k in lacking]
        found |= {lacking[k]: g for k, g in run_tasks(self.pool, _shard, again)}
        self._known = True
        for k, own in enumerate(rows):
            result = found[k]
            if isinstance(result, ResnetSimError):
                if result.sample is not None:
                    result.sample = int(own[result.sample])
                raise result
        return _sum([found[k] for k in range(len(rows))])

    def _network(self, net: Network) -> tuple[str, bytes]:
        """Return the network as bytes, and the name by which workers know it."""
        if self._sent[0] is not net:
            self._sent = (net, uuid.uuid4().hex, pickle.dumps(net))
            self._known = False
        return self._sent[1:]


def _sum(parts: list[Gradient]) -> Gradient:
    """Add up the derivatives of shards, in their order."""
    total = sum(len(part.cost) for part in parts)
    by_conductance = np.zeros_like(parts[0].conductances)
    by_bias = np.zeros_like(parts[0].biases)
    for part in parts:
        share = len(part.cost) / total
        by_conductance += share * part.conductances
        by_bias += share * part.biases
    columns = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("cost", "outputs", "on", "knees")
    ]
    return Gradient(by_conductance, by_bias, *columns)


def _shard(
    blob: bytes | None,
    key: str,
    state: tuple[Floats, Floats, tuple[int, ...], int],
    rule: Rule,
    cost: Cost,
    X: Floats,
    Y: Any,
    start: Bools | None,
) -> Gradient | ResnetSimError | None:
    """Compute one shard; None if this worker doesn't know the network."""
    # one copy per thread: a network holds the parameters of one state
    known: OrderedDict[str, Network] | None = getattr(_local, "networks", None)
    if known is None:
        known = _local.networks = OrderedDict()
    if key not in known:
        if blob is None:
            return None
        known[key] = pickle.loads(blob)
        while len(known) > KEPT:
            known.popitem(last=False)
    net = known[key]
    net.conductances, net.biases = state[0], state[1]
    net.at_step(*state[2], state[3])
    try:
        return gradients(net, X, Y, rule, cost, start)
    except ResnetSimError as error:
        return error  # with the number of the sample, which an exception may lose on its way
