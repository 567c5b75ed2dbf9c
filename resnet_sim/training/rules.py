"""The learning rules: each is how two states are made, and what to do with their contrast.

All return an estimate of d(mean cost)/d(conductance).  Only `Adjoint` is exact, and only it
is right where controlled sources act one way; the others could be wired up in hardware.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any, Protocol

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..many.nudges import UnstableNudge
from ..many.states import States
from .amounts import amount, refuse_lost
from .contrast import Estimate, bearable, exact, extrapolated, refuse_one_way, told, two_states
from .costs import Cost, is_squared
from .defaults import Usual, nudge
from .network import Network


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
        """Return the derivatives of the mean cost by conductances and by biases.

        Parameters
        ----------
        net : Network
        free : States
            The free states at X.
        X : ndarray, shape (B, n_inputs)
            V or A.
        Y : ndarray
            Targets, as the cost wants them; first axis B.
        cost : Cost

        Returns
        -------
        conductances : ndarray, shape (n_trainable,)
            Per S.
        biases : ndarray, shape (n_biases,)
            Per A; then those by parameters that learn.
        """


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
        conductance, or of what outputs bear where that would be too much.
    variant : {"centered", "positive", "negative"}
    nudge : {"auto", "conductance", "current"}
        By default a conductance where the cost has one, no source acts one way, no output is a
        current, and parameters that learn ask for no currents: states are then found one by one.
    order : int, optional
        Power of beta that the error falls with: 2 for the centered variant and 1 for the others,
        or more by extrapolation from nudges of beta, beta / 2, ...: 4 or 6, and 2 or 3.
    strict : bool
        Refuse circuits with sources that act one way, instead of warning how good the
        estimate is there.

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
    order: int | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        if self.beta is not None:
            amount(self.beta, "beta")
        orders = (None, 2, 4, 6) if self.variant == "centered" else (None, 1, 2, 3)
        if self.order not in orders:
            raise UsageError(f"order={self.order!r}: {self.variant} nudges have {orders[1:]}")

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the contrast of two nudged states, extrapolated to a higher order if asked."""
        refuse_one_way(net, self)
        beta = nudge(self, net)
        try:
            vector = self._contrasted(net, free, X, Y, cost, beta)
        except UnstableNudge as refused:
            if not isinstance(beta, Usual):
                raise
            vector = self._contrasted(net, free, X, Y, cost, -1e-3 * refused.least)
        found = vector[: len(net.trainable)], vector[len(net.trainable) :]
        return told(net, self, free, Y, cost, found)

    def _contrasted(
        self, net: Network, free: States, X: Any, Y: Any, cost: Cost, beta: float
    ) -> Floats:
        squared = self._by_conductance(net, cost)
        # for squares a voltage for each output, else a current
        aim = (cost.target if squared else cost.slope)(free.outputs, Y)  # type: ignore[attr-defined]
        beta = beta if squared else bearable(beta, free, aim)

        def state(beta: float) -> States:
            return net.pulled(X, free, beta, aim) if squared else net.pushed(X, free, -beta * aim)

        def difference(beta: float) -> Floats:
            found = net.contrast(*two_states(self.variant, beta, free, state))
            return np.concatenate(found)

        first = 2 if self.variant == "centered" else 1
        count = (self.order or first) // first
        return extrapolated([difference(beta / 2**k) for k in range(count)], first)

    def _by_conductance(self, net: Network, cost: Cost) -> bool:
        if self.nudge not in ("auto", "conductance", "current"):
            raise UsageError(f"unknown nudge {self.nudge!r}: auto, conductance or current")
        squared = is_squared(cost)
        if self.nudge == "conductance" and not squared:
            raise UsageError("only the squared error is the co-content of a conductance")
        if self.nudge == "auto":
            return squared and not (net.one_way or net.flows or net.ammeters)
        return self.nudge == "conductance"


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
    strict : bool
        As of `EquilibriumPropagation`.

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
    strict: bool = False

    def __post_init__(self) -> None:
        amount(self.eta, "eta")

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the contrast of two clamped states."""
        refuse_one_way(net, self)
        refuse_lost(self.eta, 1.0, "of the way")

        def state(eta: float) -> States:
            target = free.outputs - eta * cost.slope(free.outputs, Y)
            return net.pulled(X, free, np.inf, target)

        found = net.contrast(*two_states(self.variant, self.eta, free, state))
        return told(net, self, free, Y, cost, found)


@dataclass(frozen=True)
class ContrastiveLearning:
    """Contrastive learning: outputs clamped at their targets, against free (Movellan 1991).

    Parameters
    ----------
    strict : bool
        As of `EquilibriumPropagation`.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> tr.gradient(net, [[1.0]], [[0.25]], tr.ContrastiveLearning()).round(6)  # no small step
    array([ 0.15625, -0.09375])
    """

    strict: bool = False

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the contrast of the clamped and the free state."""
        rule = CoupledLearning(1.0, "positive", self.strict)
        return rule.estimate(net, free, X, Y, cost)


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
    strict : bool
        As of `EquilibriumPropagation`.

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
    strict: bool = False

    def __post_init__(self) -> None:
        if self.beta is not None:
            amount(self.beta, "beta")
        if not isinstance(self.samples, Integral) or self.samples < 3:
            raise UsageError(
                f"samples={self.samples!r}: a period has a whole number of moments, at least 3"
            )

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the product of mean and in-phase amplitude."""
        refuse_one_way(net, self)
        slope = cost.slope(free.outputs, Y)
        beta = bearable(nudge(self, net), free, slope)
        push = -beta * slope
        mean, amplitude = np.zeros_like(free.voltages), np.zeros_like(free.voltages)
        for wave in np.sin(2 * np.pi * (np.arange(self.samples) + 0.5) / self.samples):
            voltages = net.pushed(X, free, wave * push).voltages
            mean += voltages / self.samples
            amplitude += 2.0 * wave * voltages / self.samples
        found = net.correlate(amplitude / beta, mean)
        return told(net, self, free, Y, cost, found)


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
        return exact(net, free, Y, cost)
