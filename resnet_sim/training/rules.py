"""The learning rules: each is how two states are made, and what to do with their contrast.

All return an estimate of d(mean cost)/d(conductance).  Only `Adjoint` is exact, and only it
is right where controlled sources act one way; the others could be wired up in hardware.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import Any, Protocol

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..many.nudges import UnstableNudge
from ..many.states import States
from ..model.display import few
from .amounts import amount, refuse_lost
from .costs import Cost, is_squared
from .defaults import Usual, nudge
from .network import Network
from .warned import warn

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
        _refuse_one_way(net, self)
        beta = nudge(self, net)
        try:
            vector = self._contrasted(net, free, X, Y, cost, beta)
        except UnstableNudge as refused:
            if not isinstance(beta, Usual):
                raise
            vector = self._contrasted(net, free, X, Y, cost, -1e-3 * refused.least)
        found = vector[: len(net.trainable)], vector[len(net.trainable) :]
        return told(net, self, free, X, Y, cost, found)

    def _contrasted(
        self, net: Network, free: States, X: Any, Y: Any, cost: Cost, beta: float
    ) -> Floats:
        squared = self._by_conductance(net, cost)
        slope = cost.slope(free.outputs, Y)
        beta = beta if squared else bearable(beta, free, slope)

        def state(beta: float) -> States:
            if beta == 0.0:
                return free
            if squared:
                target = cost.target(free.outputs, Y)  # type: ignore[attr-defined]
                return net.pulled(X, free, beta, target)
            return net.pushed(X, free, -beta * slope)

        def difference(beta: float) -> Floats:
            less, more = (beta * end for end in _ends(self.variant))
            found = net.contrast(state(less), state(more), more - less)
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
        _refuse_one_way(net, self)
        refuse_lost(self.eta, 1.0, "of the way")

        def state(eta: float) -> States:
            if eta == 0.0:
                return free
            target = free.outputs - eta * cost.slope(free.outputs, Y)
            return net.pulled(X, free, np.inf, target)

        less, more = (self.eta * end for end in _ends(self.variant))
        found = net.contrast(state(less), state(more), more - less)
        return told(net, self, free, X, Y, cost, found)


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
        _refuse_one_way(net, self)
        slope = cost.slope(free.outputs, Y)
        beta = bearable(nudge(self, net), free, slope)
        push = -beta * slope
        mean, amplitude = np.zeros_like(free.voltages), np.zeros_like(free.voltages)
        for wave in np.sin(2 * np.pi * (np.arange(self.samples) + 0.5) / self.samples):
            voltages = net.pushed(X, free, wave * push).voltages
            mean += voltages / self.samples
            amplitude += 2.0 * wave * voltages / self.samples
        found = net.correlate(amplitude / beta, mean)
        return told(net, self, free, X, Y, cost, found)


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
        return net.derivatives(free.adjoint(cost.slope(free.outputs, Y)), free.voltages)


def bearable(beta: float, free: States, slope: Floats) -> float:
    """Return a nudge; one that nobody chose is less where a cost is steep for its voltages.

    ``-beta dC/do`` is a current whatever the unit of C: of millivolts, classes ask for slopes of
    1000 / V, and a nudge would be large beside all that flows.
    """
    volts, steep = np.nanmax(np.abs(free.voltages)), np.abs(slope).max(initial=0.0)
    if not isinstance(beta, Usual) or not 10.0 * volts < steep or volts == 0:
        return beta
    return beta * 10.0 * float(volts / steep)


def _ends(variant: str) -> tuple[float, float]:
    if variant not in ENDS:
        raise UsageError(f"unknown variant {variant!r}; there are {', '.join(ENDS)}")
    return ENDS[variant]


def extrapolated(values: list[Floats], power: int) -> Floats:
    """Return the limit of values at steps 1, 1/2, 1/4, ... whose errors are powers of the step.

    Those are `power`, twice `power`, and so on (Richardson).
    """
    for k in range(1, len(values)):
        factor = 2.0 ** (power * k)
        values = [(factor * b - a) / (factor - 1.0) for a, b in pairwise(values)]
    return values[0]


def _refuse_one_way(net: Network, rule: Any) -> None:
    """Raise `UsageError` if a strict rule needs a co-content that the circuit lacks."""
    if net.one_way and rule.strict:
        raise UsageError(
            f"{type(rule).__name__} needs a circuit with a co-content, and {few(net.one_way)} acts "
            "one way: what is behind cannot tell what is before it; use rule=Adjoint()"
        )


def told(
    net: Network, rule: Any, free: States, X: Any, Y: Any, cost: Cost, found: Estimate,
    enough: float = np.inf,
) -> Estimate:  # fmt: skip
    """Return an estimate; warn once where it need not be one, and its cosine is not enough."""
    name = type(rule).__name__
    if net.one_way and name not in net.told:
        net.told.add(name)
        exact = np.concatenate(Adjoint().estimate(net, free, X, Y, cost))
        own = np.concatenate(found)
        size = float(np.linalg.norm(exact) * np.linalg.norm(own))
        cosine = float(exact @ own) / size if size else 0.0
        if cosine < enough:
            refused = ", strict=True refuses" if hasattr(rule, "strict") else ""
            warn(
                f"{few(net.one_way)} acts one way: there {name} need not estimate the gradient; "
                f"its cosine with the exact one is {cosine:.4f} on this minibatch "
                f"(Adjoint() is exact{refused})",
            )
    return found
