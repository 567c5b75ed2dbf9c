"""Equilibrium propagation on circuits whose amplifiers are not quite reciprocal.

With J the derivative of KCL by the voltages, the exact derivative needs ``-J^-T dC/do``, and two
states that currents nudge apart tell ``-J^-1 dC/do``.  An amplifier of gain A forth and 1/A back
makes J symmetric but for a factor of A^2 for all that is behind it.  One that is off by some per
cent is still nearly so: what counts behind it is weighed by its *nominal* gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..many.states import States
from .amounts import amount
from .contrast import Estimate, bearable, ends, told, two_states
from .costs import Cost
from .defaults import nudge
from .network import Network


@dataclass(frozen=True)
class VectorFieldEP:
    """Vector-field equilibrium propagation: nudges by currents, nominal scales of amplifiers.

    For circuits with a co-content it is `EquilibriumPropagation`.  Where amplifiers are off it
    is near the exact gradient, and what acts one way only passes nothing back.

    Parameters
    ----------
    beta : float, optional
        S.  By default a thousandth of the median conductance.
    variant : {"centered", "positive", "negative"}
    gains : {"nominal", "measured"}
        What is behind an amplifier is weighed by the square of the gain that it is meant to have,
        or by its own gains forth and back, which someone has measured.  With amplifiers that are
        off at random by a share d, what is before them is scaled at random, too: its cosine with
        the exact gradient is about ``1 / sqrt(1 + d^2)``, .958 for 30 %, whatever else is done.
        Own gains make it exact where each part before has one amplifier.

    References
    ----------
    Scellier et al. 2018.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> tr.gradient(net, [[1.0]], [[0.25]], tr.VectorFieldEP(beta=1e-3)).round(6)
    array([ 0.0625, -0.0625])
    """

    beta: float | None = None
    variant: str = "centered"
    gains: str = "nominal"

    def __post_init__(self) -> None:
        if self.beta is not None:
            amount(self.beta, "beta")
        ends(self.variant)
        if self.gains not in ("nominal", "measured"):
            raise UsageError(f"gains={self.gains!r}: they are nominal or measured")

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the contrast of two states, weighed as if amplifiers were what they are meant."""
        net.refuse_flows("VectorFieldEP")
        scale = net.nominal_scales if self.gains == "nominal" else net.measured_scales
        at = net.outputs
        # what the backend knows of scales is in its own nudges already
        known = at.scale_p
        slope = cost.slope(free.outputs, Y)
        force = -slope * (_of_outputs(net, scale) / known) ** 2
        beta = bearable(nudge(self, net), free, slope)

        def state(beta: float) -> States:
            return net.pushed(X, free, beta * force)

        *states, width = two_states(self.variant, beta, free, state)
        less, more = (found.voltages for found in states)
        multiplier = (less - more) / width
        multiplier /= scale[: multiplier.shape[1]] ** 2
        found = net.derivatives(multiplier, 0.5 * (less + more))
        # it is made for amplifiers that are somewhat off, not for what passes nothing back
        return told(net, self, free, Y, cost, found, enough=0.9)


def _of_outputs(net: Network, scale: Floats) -> Floats:
    """Return the scale of each output, shape (n_outputs,)."""
    at = net.outputs
    one, other = scale[at.p], scale[at.q]
    # of a node that sources fix, and ground, the scale says nothing
    return np.where(net.moves(at.p), one, np.where(net.moves(at.q), other, 1.0))
