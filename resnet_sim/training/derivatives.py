"""What a rule makes of samples: derivatives of the mean cost, by everything that learns."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Bools, Floats
from ..errors import UsageError
from .contrast import Gradient, KneeWarning
from .costs import Cost, values
from .named import by_name
from .network import Network
from .registry import cost_of, rule_of
from .rules import Rule
from .warned import warn


def gradients(
    net: Network,
    X: Any,
    Y: Any,
    rule: Rule | str | None = None,
    cost: Cost | str | None = None,
    start: Bools | None = None,
) -> Gradient:
    """Return derivatives of the mean cost, and what the free states were like.

    Parameters
    ----------
    net, X, Y, rule, cost
        See `gradient`.
    start : ndarray of bool, optional
        Diodes that conduct in similar states, as `Gradient.on` has them.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> found = tr.gradients(net, [[1.0], [2.0]], [[0.25], [0.75]])
    >>> found.outputs.ravel(), found.cost.round(6)  # V, V^2
    (array([0.5, 1. ]), array([0.03125, 0.03125]))
    """
    asked: Rule = rule_of(rule)
    price: Cost = cost_of(cost)
    X, Y = by_name(X, net.inputs), by_name(Y, net.outputs.names)
    free = net.free(X, start)
    value = values(price, free.outputs, Y)
    found = _checked(net, asked, asked.estimate(net, free, X, Y, price))
    return Gradient(*found, value, free.outputs, lambda: free.on, free.knee)


def _checked(net: Network, rule: Rule, estimate: Any) -> tuple[Floats, Floats]:
    """Return what a rule, which may be anybody's, finds; refuse what is no derivative."""
    wanted = (len(net.trainable),), (len(net.bias_names),)
    if not isinstance(estimate, tuple) or tuple(map(np.shape, estimate)) != wanted:
        shapes = [np.shape(part) for part in estimate] if isinstance(estimate, tuple) else "none"
        raise UsageError(
            f"{type(rule).__name__}.estimate returns two arrays, of shapes {wanted[0]} and "
            f"{wanted[1]}, by conductances and by biases; these are {shapes}"
        )
    if not all(np.isfinite(part).all() for part in estimate):
        raise UsageError(f"{type(rule).__name__} finds derivatives that are not finite")
    return estimate[0], estimate[1]


def gradient(
    net: Network, X: Any, Y: Any, rule: Rule | str | None = None, cost: Cost | str | None = None
) -> Floats:
    """Return d(mean of the cost over the batch)/dg, shape (n_trainable,).

    Those by parameters that learn come after them.

    Parameters
    ----------
    net : Network
    X : array_like, shape (B, n_inputs)
        V or A.
    Y : array_like
        Targets, as the cost wants them.
    rule : Rule or str
        By default `EquilibriumPropagation`; or a name of `RULES`.
    cost : Cost or str
        By default `SquaredError`; or a name of `COSTS`.

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
        warn(message, KneeWarning)
    others = found.biases[len(net.bias_names) - len(net.parameters) :]
    return np.concatenate((found.conductances, others))
