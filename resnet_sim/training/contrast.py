"""What the learning rules share: two states some nudge apart, how large it may be, and warnings.

For a circuit whose co-content is E, the derivative of E by a conductance is ``1/2 dv^2``, by
a current source ``dv``, each a local quantity.  How these differ between two states that
are some width apart in some nudge estimates dC/dg (Scellier and Bengio 2017):
`Network.contrast`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..many.states import States
from ..model.display import few
from .costs import Cost
from .defaults import Usual
from .network import Network
from .warned import warn

#: derivatives by conductances, and by biases
Estimate = tuple[Floats, Floats]

#: where the nudges of the two states stand, in units of beta or eta
ENDS = {"positive": (0.0, 1.0), "negative": (-1.0, 0.0), "centered": (-1.0, 1.0)}


def ends(variant: str) -> tuple[float, float]:
    """Return where the nudges of a variant stand."""
    if variant not in ENDS:
        raise UsageError(f"unknown variant {variant!r}; there are {', '.join(ENDS)}")
    return ENDS[variant]


def two_states(
    variant: str, size: float, free: States, state: Callable[[float], States]
) -> tuple[States, States, float]:
    """Return the states that are nudged less and more, up to `size`, and how far that is apart.

    `state` finds one for a nudge; that without a nudge is `free`.
    """
    nudges = [size * end for end in ends(variant)]
    less, more = (state(nudge) if nudge else free for nudge in nudges)
    return less, more, nudges[1] - nudges[0]


def bearable(beta: float, free: States, slope: Floats) -> float:
    """Return a nudge; one that nobody chose is less where a cost is steep for its voltages.

    ``-beta dC/do`` is a current whatever the unit of C: of millivolts, classes ask for slopes of
    1000 / V, and a nudge would be large beside all that flows.
    """
    volts, steep = np.nanmax(np.abs(free.voltages)), np.abs(slope).max(initial=0.0)
    if not isinstance(beta, Usual) or not 10.0 * volts < steep or volts == 0:
        return beta
    return beta * 10.0 * float(volts / steep)


def extrapolated(values: list[Floats], power: int) -> Floats:
    """Return the limit of values at steps 1, 1/2, 1/4, ... whose errors are powers of the step.

    Those are `power`, twice `power`, and so on (Richardson).
    """
    for k in range(1, len(values)):
        factor = 2.0 ** (power * k)
        values = [(factor * b - a) / (factor - 1.0) for a, b in pairwise(values)]
    return values[0]


def refuse_one_way(net: Network, rule: Any) -> None:
    """Raise `UsageError` if a strict rule needs a co-content that the circuit lacks."""
    if net.one_way and rule.strict:
        raise UsageError(
            f"{type(rule).__name__} needs a circuit with a co-content, and {few(net.one_way)} acts "
            "one way: what is behind cannot tell what is before it; use rule=Adjoint()"
        )


def exact(net: Network, free: States, Y: Any, cost: Cost) -> Estimate:
    """Return the derivatives on the free states' active sets."""
    return net.derivatives(free.adjoint(cost.slope(free.outputs, Y)), free.voltages)


def told(
    net: Network, rule: Any, free: States, Y: Any, cost: Cost, found: Estimate,
    enough: float = np.inf,
) -> Estimate:  # fmt: skip
    """Return an estimate; warn once where it need not be one, and its cosine is not enough."""
    name = type(rule).__name__
    if net.one_way and name not in net.told:
        net.told.add(name)
        wanted = np.concatenate(exact(net, free, Y, cost))
        own = np.concatenate(found)
        size = float(np.linalg.norm(wanted) * np.linalg.norm(own))
        cosine = float(wanted @ own) / size if size else 0.0
        if cosine < enough:
            refused = ", strict=True refuses" if hasattr(rule, "strict") else ""
            warn(
                f"{few(net.one_way)} acts one way: there {name} need not estimate the gradient; "
                f"its cosine with the exact one is {cosine:.4f} on this minibatch "
                f"(Adjoint() is exact{refused})",
            )
    return found
