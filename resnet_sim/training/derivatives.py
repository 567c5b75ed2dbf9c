"""What a rule makes of samples: derivatives of the mean cost, by everything that learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats
from ..errors import UsageError
from ..model.names import array
from .costs import Cost, values
from .named import by_name
from .network import Network
from .registry import cost_of, rule_of
from .rules import Rule
from .warned import warn


class KneeWarning(UserWarning):
    r"""A state lies on the knee of a diode: there the cost has a kink, and no one derivative.

    Examples
    --------
    >>> import warnings
    >>> clamp = rs.parse_netlist("clamp\nV1 a 0 0\nR1 a b 1\nD1 b 0")
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     found = tr.gradient(tr.Network(clamp, ["v1"], ["b"]), [[0.0]], [[-0.1]])
    >>> print(caught[0].message)
    sample 0: d1 is on its knee, where derivatives jump
    """


@dataclass(frozen=True)
class Gradient:
    """Derivatives of the mean cost over a batch.

    Attributes
    ----------
    conductances : ndarray, shape (n_trainable,)
        Per S.
    biases : ndarray, shape (n_biases,)
        Per A; then those by parameters.
    cost : ndarray, shape (B,)
        Cost of each sample in its free state.
    outputs : ndarray, shape (B, n_outputs)
        Free outputs, V.
    conducting : ndarray of bool, or callable
        `on`, or what finds it.
    knees : ndarray of int, shape (B,)
        Element on whose knee the free state lies, -1 for none.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> found = tr.gradients(net, [[1.0]], [[0.25]], tr.Adjoint())
    >>> found.vector, found.outputs, found.knees  # V^2/S, V
    (array([ 0.0625, -0.0625]), array([[0.5]]), array([-1]))
    """

    conductances: Floats
    biases: Floats
    cost: Floats
    outputs: Floats
    conducting: Bools | Callable[[], Bools]
    knees: Any

    @cached_property
    def on(self) -> Bools:
        """Diodes that conduct in the free states; a start for similar ones."""
        return self.conducting() if callable(self.conducting) else self.conducting

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"conducting": self.on}  # what finds it can't be sent

    @property
    def vector(self) -> Floats:
        """Derivatives in the order of `Network.parameter_names`."""
        return np.concatenate((self.conductances, self.biases))


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
    Y = np.atleast_1d(array(Y, "targets"))
    if not Y.size:
        raise UsageError("there are no targets")
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
