"""The one thing that all rules share: how two states become a derivative.

For a circuit whose co-content is E, the derivative of E by a conductance is ``1/2 dv^2``, by
a current source ``dv``, each a local quantity.  How these differ between two states that
are some width apart in some nudge estimates dC/dg (Scellier and Bengio 2017):
`Network.contrast`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats


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
