"""Whole epochs in compiled float32 loops, where network, rule, cost and optimiser allow it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Floats, Ints
from ..compiled import policy
from ..errors import UsageError
from ..many.layered.structure import Block, Layers
from .costs import Cost, SquaredError, built_in, is_labels
from .data.idx import Scaled
from .imperfections import Devices
from .network import Network
from .optimizers import SGD, Momentum, Optimizer
from .rules import EquilibriumPropagation, Rule

#: Samples that are checked at once.
CHUNK = 512


class Epochs:
    """Training of one network on one set of samples, for which `fits` finds no reason.

    Raises
    ------
    UsageError
        If the inputs are not what the network needs.
    """

    def __init__(
        self,
        net: Network,
        rule: Rule,
        cost: Cost,
        optimizer: Optimizer,
        X: npt.NDArray[Any] | Scaled,
        Y: Any,
        batch_size: int,
        threads: int,
    ) -> None:
        from ..many.layered.engine import EpochLoop, Settings

        for first in range(0, len(X), CHUNK):
            net.check_inputs(X[first : first + CHUNK], first)
        assert net.layers is not None
        assert isinstance(rule, EquilibriumPropagation) and isinstance(cost, SquaredError)
        self.net, self.optimizer = net, optimizer
        self.rates = _rates(net.layers, optimizer)
        momentum = optimizer.momentum if isinstance(optimizer, Momentum) else 0.0
        assert rule.beta is not None  # `Trainer` has settled it
        settings = Settings(float(rule.beta), momentum, net.g_min, net.g_max, threads=threads)
        targets, labels = _targets(cost, net, Y)
        u, factor = (X.array, X.factor) if isinstance(X, Scaled) else (X, 1.0)
        self.engine = EpochLoop(
            net.layers, _conductances(net, net.layers), net.biases, settings, batch_size, u,
            targets, labels, factor,
        )  # fmt: skip
        if momentum:
            n = len(net.trainable)
            mean = optimizer.state["mean"]
            self.engine.form.load_momentum(mean[:n], mean[n:])

    def run(self, epoch: int, order: Ints) -> Floats:
        """Train for an epoch; return the costs of the free states, V^2, in that order."""
        net, n = self.net, len(self.net.trainable)
        factor = self.optimizer.factor(epoch)
        cost = self.engine.epoch(order, [(factor * g, factor * b) for g, b in self.rates])
        form = self.engine.form

        def learned() -> npt.NDArray[Any]:
            g = np.zeros(n, dtype=np.float32)
            form.store(g)
            return g

        # no copy of the conductances unless somebody asks for them
        net.defer(learned, self.engine.parts)
        biases = net.biases
        form.store_biases(biases)
        net.biases = biases
        if isinstance(self.optimizer, Momentum):
            mean = self.optimizer.state["mean"]
            form.store_momentum(mean[:n], mean[n:])
            # what a checkpoint can't tell apart must not matter here either
            form.load_momentum(mean[:n], mean[n:])
        return cost


def fits(net: Network, rule: Rule, cost: Cost, optimizer: Optimizer) -> str | None:
    """Return in words why a network can't be trained by `Epochs`, None if it can.

    They fit chains of layers of at least `Policy.epochs` conductances, trained by centered
    equilibrium propagation for the squared error with `SGD` or `Momentum`, at one learning
    rate for all conductances between two layers and one for all biases of a layer.  They call
    no method of these, so subclasses, which may override any, don't fit.
    """
    layers = net.layers
    if not built_in(net, Network):
        return f"they call no method of {type(net).__name__}"
    if layers is None:
        return "the network is not solved layer by layer"
    if net.g_min < 0:
        return "with conductances of either sign, each state is proved to last"
    count = sum(block.g.size for block in layers.blocks)
    if count < policy.POLICY.epochs:
        return f"{count} conductances are too few to pay"
    if not built_in(net.devices, Devices) or net.devices != Devices():
        return "the devices are not ideal"
    from ..many.layered.engine import unsuited

    reason = unsuited(layers)
    if reason is not None:
        return reason
    if not built_in(optimizer, SGD, Momentum):
        return f"they know the optimisers SGD and Momentum, not {type(optimizer).__name__}"
    if not built_in(cost, SquaredError):
        return f"they know the squared error, not {type(cost).__name__}"
    if not built_in(rule, EquilibriumPropagation) or rule.variant != "centered":
        return "they know centered equilibrium propagation, and no other rule"
    if rule.order not in (None, 2):
        return "they don't extrapolate from several nudges"
    if rule.nudge == "current" or rule.beta is None or rule.beta <= 0:
        return "they nudge by positive and negative conductances"
    if _rates(layers, optimizer) is None:
        return "learning rates differ between conductances or biases of one layer"
    return None


def _conductances(net: Network, layers: Layers) -> Floats | None:
    """Return what to start from (S), None for the arrays of the circuit."""
    learning = [block.g for block in layers.blocks if np.max(block.index) >= 0]
    within = all(g.min() >= net.g_min and g.max() <= net.g_max for g in learning)
    return net.own if net.own is not None or within else net.conductances


def _targets(cost: SquaredError, net: Network, Y: Any) -> tuple[Floats, Ints]:
    """Return target voltages and which of them each sample has."""
    outputs = net.outputs.p
    if is_labels(Y) and cost.codes is not None:
        labels = np.asarray(Y, dtype=np.int64)
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(cost.codes):
            raise UsageError(f"class numbers must be from 0 to {len(cost.codes) - 1}")
        cost.target(np.zeros((1, len(outputs))), labels[:1])
        return cost.codes, labels
    targets = cost.target(np.zeros((len(Y), len(outputs))), Y)
    return targets, np.arange(len(targets))


def _rates(layers: Layers, optimizer: Optimizer) -> Any:
    """Return learning rates of conductances and biases, layer by layer, None if they differ."""
    rates, found = optimizer.rates, []
    for block, units in zip(layers.blocks, layers.units, strict=True):
        biases = units.bias_index[units.bias_index >= 0]
        parts = _of_block(block, rates), rates[layers.n_parameters + biases]
        if any(len(part) and part.min() != part.max() for part in parts):
            return None
        found.append(tuple(float(part[0]) if len(part) else 0.0 for part in parts))
    return found


def _of_block(block: Block, rates: Floats) -> Floats:
    if isinstance(block.index, int):
        return rates[block.index : block.index + block.g.size] if block.index >= 0 else rates[:0]
    return rates[block.index[block.index >= 0]]
