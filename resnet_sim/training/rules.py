"""The learning rules: each is how two states are made, and what to do with their contrast.

All return an estimate of d(mean cost)/d(conductance).  Only `Adjoint` is exact, and only it
is right where controlled sources act one way; the others could be wired up in hardware.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Protocol

import numpy as np

from ..arrays import Bools, Floats
from ..errors import UsageError
from ..many.states import States
from .amounts import amount
from .contrast import Gradient, KneeWarning, contrast
from .costs import Cost, SquaredError, finite, is_squared
from .defaults import settled
from .named import by_name
from .network import Network

Estimate = tuple[Floats, Floats]

#: where the nudges of the two states stand, in units of beta or eta
ENDS = {"positive": (0.0, 1.0), "negative": (-1.0, 0.0), "centered": (-1.0, 1.0)}


class Rule(Protocol):
    """How a rule estimates derivatives, given the free states.

    Examples
    --------
    >>> class Clipped:  # no minibatch may ask for too much
    ...     def estimate(self, net, free, X, Y, cost):
    ...         found = tr.Adjoint().estimate(net, free, X, Y, cost)
    ...         return tuple(np.clip(part, -0.05, 0.05) for part in found)
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> tr.gradient(net, [[1.0]], [[0.25]], Clipped())
    array([ 0.05, -0.05])
    """

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the derivatives of the mean cost by conductances and by biases."""


@dataclass(frozen=True)
class EquilibriumPropagation:
    """Equilibrium propagation: contrast states that are nudged more and less.

    The nudge at each output is a conductance `beta` to the target for `SquaredError`, a
    current ``-beta dC/do`` for any other cost.

    Parameters
    ----------
    beta : float, optional
        S.  The error is O(beta^2) for the centered variant, O(beta) for the others, as
        long as no diode changes its state.  By default a thousandth of the median
        conductance.
    variant : {"centered", "positive", "negative"}
    nudge : {"auto", "conductance", "current"}

    References
    ----------
    Scellier and Bengio 2017; Laborieux et al. 2021 (centered).

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> tr.gradient(net, [[1.0]], [[0.25]], tr.EquilibriumPropagation(beta=1e-3)).round(6)
    array([ 0.0625, -0.0625])
    """

    beta: float | None = None
    variant: str = "centered"
    nudge: str = "auto"

    def __post_init__(self) -> None:
        if self.beta is not None:
            amount(self.beta, "beta")

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the contrast of two nudged states."""
        _reciprocal(net, "equilibrium propagation")

        def state(beta: float) -> Floats:
            if beta == 0.0:
                return free.voltages
            if self._by_conductance(cost):
                target = cost.target(free.outputs, Y)  # type: ignore[attr-defined]
                return net.pulled(X, free, beta, target).voltages
            return net.pushed(X, free, -beta * cost.slope(free.outputs, Y)).voltages

        less, more = (_beta(self, net) * end for end in _ends(self.variant))
        return contrast(net, state(less), state(more), more - less)

    def _by_conductance(self, cost: Cost) -> bool:
        if self.nudge not in ("auto", "conductance", "current"):
            raise UsageError(f"unknown nudge {self.nudge!r}: auto, conductance or current")
        squared = is_squared(cost)
        if self.nudge == "conductance" and not squared:
            raise UsageError("only the squared error is the co-content of a conductance")
        return squared and self.nudge != "current"


@dataclass(frozen=True)
class CoupledLearning:
    """Coupled learning: contrast states whose outputs are *clamped* part of the way.

    Outputs are held at ``o - eta dC/do``, which for the squared error is the fraction `eta`
    of the way from the free output to the target.  For small `eta` this descends on the
    cost, but in a metric of its own: it is not the gradient.

    Parameters
    ----------
    eta : float
    variant : {"positive", "negative", "centered"}

    References
    ----------
    Stern et al. 2021; Scellier et al. 2023 (negative and centered).

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> tr.gradient(net, [[1.0]], [[0.25]], tr.CoupledLearning(eta=1e-3)).round(3)  # gradient x 2 S
    array([ 0.125, -0.125])
    """

    eta: float = 0.1
    variant: str = "positive"

    def __post_init__(self) -> None:
        amount(self.eta, "eta")

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the contrast of two clamped states."""
        _reciprocal(net, "coupled learning")

        def state(eta: float) -> Floats:
            if eta == 0.0:
                return free.voltages
            target = free.outputs - eta * cost.slope(free.outputs, Y)
            return net.pulled(X, free, np.inf, target).voltages

        less, more = (self.eta * end for end in _ends(self.variant))
        return contrast(net, state(less), state(more), more - less)


@dataclass(frozen=True)
class ContrastiveLearning:
    """Contrastive learning: outputs clamped at their targets, against free (Movellan 1991).

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> tr.gradient(net, [[1.0]], [[0.25]], tr.ContrastiveLearning()).round(6)  # no small step
    array([ 0.15625, -0.09375])
    """

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the contrast of the clamped and the free state."""
        return CoupledLearning(1.0, "positive").estimate(net, free, X, Y, cost)


@dataclass(frozen=True)
class FrequencyPropagation:
    """Frequency propagation: one state that carries both signals, apart in frequency.

    Currents ``-beta sin(w t) dC/do`` are fed into the outputs; each conductance multiplies
    the mean of its voltage with the amplitude that is in phase.  Slow against everything in
    the circuit, so each moment is an operating point.

    Parameters
    ----------
    beta : float, optional
        S.  By default a thousandth of the median conductance.
    samples : int
        Moments per period, at least three: fewer don't tell the mean from the wave.

    References
    ----------
    Anisetti et al. 2024.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> tr.gradient(net, [[1.0]], [[0.25]], tr.FrequencyPropagation(beta=1e-3)).round(6)
    array([ 0.0625, -0.0625])
    """

    beta: float | None = None
    samples: int = 8

    def __post_init__(self) -> None:
        if self.beta is not None:
            amount(self.beta, "beta")
        if not isinstance(self.samples, Integral) or self.samples < 3:
            raise UsageError(
                f"samples={self.samples!r}: a period has a whole number of moments, at least 3"
            )

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the product of mean and in-phase amplitude."""
        _reciprocal(net, "frequency propagation")
        beta = _beta(self, net)
        push = -beta * cost.slope(free.outputs, Y)
        mean, amplitude = np.zeros_like(free.voltages), np.zeros_like(free.voltages)
        for wave in np.sin(2 * np.pi * (np.arange(self.samples) + 0.5) / self.samples):
            voltages = net.pushed(X, free, wave * push).voltages
            mean += voltages / self.samples
            amplitude += 2.0 * wave * voltages / self.samples
        return net.correlate(amplitude / beta, mean)


@dataclass(frozen=True)
class Adjoint:
    """The exact derivative, by implicit differentiation with the diodes as they stand.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> tr.gradient(net, [[1.0]], [[0.25]], tr.Adjoint())  # (v - y) dv/dg: 0.25 V x 0.25 V/S
    array([ 0.0625, -0.0625])
    """

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the derivatives on the free states' active sets."""
        adjoint = free.adjoint(cost.slope(free.outputs, Y))
        # KCL's multipliers know about scales already
        by_conductance, _ = net.correlate(-adjoint, free.voltages)
        mean = adjoint.mean(axis=0)
        return by_conductance / net.g_weight, mean[net.bias_q] - mean[net.bias_p]


def gradients(
    net: Network,
    X: Any,
    Y: Any,
    rule: Rule | None = None,
    cost: Cost | None = None,
    start: Bools | None = None,
) -> Gradient:
    """Return derivatives of the mean cost, and what the free states were like.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> found = tr.gradients(net, [[1.0], [2.0]], [[0.25], [0.75]])
    >>> found.outputs.ravel(), found.cost.round(6)  # V, V^2
    (array([0.5, 1. ]), array([0.03125, 0.03125]))
    """
    rule, cost = rule or EquilibriumPropagation(), cost or SquaredError()
    X, Y = by_name(X, net.inputs), by_name(Y, net.outputs.names)
    free = net.free(X, start)
    value = finite(cost.value(free.outputs, Y))
    by_conductance, by_bias = rule.estimate(net, free, X, Y, cost)
    return Gradient(by_conductance, by_bias, value, free.outputs, free.on, free.knee)


def gradient(
    net: Network, X: Any, Y: Any, rule: Rule | None = None, cost: Cost | None = None
) -> Floats:
    """Return d(mean of the cost over the batch)/dg, shape (n_trainable,).

    Parameters
    ----------
    net : Network
    X : array_like, shape (B, n_inputs)
        V or A.
    Y : array_like
        Targets, as the cost wants them.
    rule : Rule
        By default `EquilibriumPropagation`.
    cost : Cost
        By default `SquaredError`.

    Warns
    -----
    KneeWarning
        If a sample's free state is on the knee of a diode, where the derivative jumps.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> tr.gradient(net, [[1.0]], [[0.25]]).round(6)  # V^2/S
    array([ 0.0625, -0.0625])
    """
    found = gradients(net, X, Y, rule, cost)
    rows = np.flatnonzero(found.knees >= 0)
    if len(rows):
        element = net.circuit.element_names[found.knees[rows[0]]]
        message = f"sample {rows[0]}: {element} is on its knee, where derivatives jump"
        if len(rows) > 1:
            message += f"; {len(rows) - 1} more samples have such a diode"
        warnings.warn(message, KneeWarning, stacklevel=2)
    return found.conductances


def _beta(rule: EquilibriumPropagation | FrequencyPropagation, net: Network) -> float:
    """Return the nudge, S."""
    beta = settled(rule, net).beta
    assert beta is not None
    return beta


def _ends(variant: str) -> tuple[float, float]:
    if variant not in ENDS:
        raise UsageError(f"unknown variant {variant!r}; there are {', '.join(ENDS)}")
    return ENDS[variant]


def _reciprocal(net: Network, rule: str) -> None:
    if net.one_way:
        shown = ", ".join(net.one_way[:8])
        raise UsageError(
            f"{rule} needs a circuit with a co-content, and {shown} acts one way: what is "
            "behind cannot tell what is before it; use rule=Adjoint()"
        )
