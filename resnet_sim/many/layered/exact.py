"""A layered network that is solved and nudged in float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...arrays import Floats
from .descent import Conditions, Descent, Phase, Pull, settle
from .falling import Falling
from .structure import Layers
from .values import Values


class Exact:
    """A layered network in float64.

    Parameters
    ----------
    layers : Layers
    """

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self._values: tuple[Floats | None, Values] | None = None
        self._clamped: tuple[Values, Floats, Floats] | None = None

    def values(self, parameters: Floats | None = None) -> Values:
        """Return the conductances for parameters (S); those of the last call are kept.

        Without parameters, those of the circuit, whose arrays are not copied.
        """
        kept = self._values
        if kept is None or not _same(kept[0], parameters):
            copy = None if parameters is None else np.array(parameters, dtype=np.float64)
            self._values = kept = (copy, Values(self.layers, copy))
        return kept[1]

    def conditions(self, values: Values, u: Floats, biases: Floats) -> Conditions:
        """Return what units are subject to without a nudge.

        The currents from the inputs are kept for the next call with the same ones.

        Parameters
        ----------
        u : ndarray, shape (B, n_inputs)
            V.
        biases : ndarray, shape (B, n_biases) or (n_biases,)
            A.
        """
        layers = self.layers
        biases = np.broadcast_to(biases, (len(u), layers.n_biases))
        feed = [self._from_inputs(values, u)]
        feed += [np.zeros((len(u), len(units))) for units in layers.units[1:]]
        for k, units in enumerate(layers.units):
            own = np.flatnonzero(units.bias_index >= 0)
            feed[k] = feed[k] + units.bias
            feed[k][:, own] += units.bias_sign[own] * biases[:, units.bias_index[own]]
        leaks = layers.leaks
        current = values.leak * leaks.far.potentials(u)
        for row in np.flatnonzero(leaks.far.gain + leaks.far.offset != 0):
            feed[leaks.layer[row]][:, leaks.unit[row]] += current[:, row]
        return Conditions(feed, [x.lower for x in layers.units], [x.upper for x in layers.units])

    def _from_inputs(self, values: Values, u: Floats) -> Floats:
        potentials = self.layers.inputs.potentials(u)
        kept = self._clamped
        if kept is None or kept[0] is not values or not np.array_equal(kept[1], potentials):
            currents = values.clamped(potentials)
            self._clamped = kept = (values, potentials, currents)
        return kept[2]

    def pushed(self, conditions: Conditions, force: Floats) -> Conditions:
        """Return the conditions with currents (A), shape (B, n_outputs), fed into the outputs."""
        last = conditions.feed[-1].copy()
        for k, (p, q) in enumerate(self.layers.outputs.tolist()):
            last[:, p] += force[:, k]
            if q >= 0:
                last[:, q] -= force[:, k]
        return replace(conditions, feed=[*conditions.feed[:-1], last])

    def pulled(self, conditions: Conditions, stiffness: float, target: Floats) -> Conditions:
        """Return the conditions with conductances (S) from the outputs to targets (V)."""
        return replace(conditions, pull=Pull(stiffness, target))

    def settle(self, values: Values, conditions: Conditions, near: Phase | None = None) -> Phase:
        """Return the states, found from those of a similar phase if there is one."""
        kind = Descent if values.positive else Falling
        start = None if near is None else near.v
        return settle(kind, values, conditions, start)

    def outputs(self, phase: Phase) -> Floats:
        """Return the voltages of the outputs, shape (B, n_outputs), V."""
        p, q = self.layers.outputs.T
        last = np.concatenate((phase.v[-1], np.zeros((len(phase.v[-1]), 1))), axis=1)
        return np.asarray(last[:, p] - last[:, q])

    def highest(self, values: Values) -> float:
        """Return the largest resistance that the outputs show without diodes, ohm.

        A nudge of less than minus its inverse makes the circuit unstable.
        """
        layers, count = self.layers, len(self.layers.outputs)
        none = [np.zeros((count, len(units))) for units in layers.units]
        wide = [np.full(len(units), np.inf) for units in layers.units]
        plain = Conditions(none, [-w for w in wide], wide)
        phase = self.settle(values, self.pushed(plain, np.eye(count)))
        transfer = self.outputs(phase)
        return float(np.linalg.eigvalsh(0.5 * (transfer + transfer.T))[-1])


def _same(one: Floats | None, other: Floats | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)
