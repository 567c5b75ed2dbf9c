"""Layered networks behind the interface of `ensemble`: states for training and prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...arrays import Bools, Floats, Ints
from ...errors import ConvergenceError, UsageError
from ...model.circuit import Circuit
from ...model.crossbars import MOST_EXPANDED
from ..ensemble import Nudge, PerSample, States, Terminals
from ..trainable import Selection
from .correlation import correlate
from .descent import Conditions, Phase
from .detection import find_layers
from .exact import Exact
from .structure import Layers
from .values import Values

#: Single resistors from which layers pay: below, one factorisation for all samples is faster.
LEAST = 10_000
#: Voltage relative to the largest of a sample by which a unit without current may miss its bound.
NEAR = 1e-9


@dataclass(frozen=True)
class Detail:
    """What the adjoint of states needs: them by layer, and those that were solved one by one."""

    phase: Phase
    values: Values
    rescued: Ints
    found: States | None = None


class LayeredBackend:
    """States of a circuit that is a chain of layers.

    Parameters
    ----------
    layers : Layers
    circuit : Circuit
    sources : sequence of str
        As for `PerSample`, which solves what does not settle here.
    trainable : Selection
    outputs : Terminals
    """

    def __init__(
        self,
        layers: Layers,
        circuit: Circuit,
        sources: Sequence[str],
        trainable: Selection,
        outputs: Terminals,
    ) -> None:
        self.layers, self.circuit = layers, circuit
        self.sources, self.trainable, self.outputs = sources, trainable, outputs
        self.exact = Exact(layers)
        self._n_inputs = len(sources) - layers.n_biases
        self._highest: tuple[Values, float] | None = None

    @cached_property
    def rescue(self) -> PerSample:
        """What solves any circuit, one sample after the other."""
        return PerSample(self.circuit, self.sources, self.trainable.names, self.outputs)

    def solve(
        self, g: Floats | None, u: Floats, nudge: Nudge | None = None, start: Any = None
    ) -> States:
        """Return the states at inputs u, shape (B, columns), and conductances g.

        Without g, those of the circuit.

        Raises
        ------
        TopologyError, ConvergenceError, UsageError
            If there is no state for some sample, which the message names.
        """
        exact, n = self.exact, self._n_inputs
        values = exact.values(g)
        conditions = exact.conditions(values, u[:, :n], u[:, n:-1])
        possible = np.full(len(u), values.anchored)
        if nudge is not None:
            conditions = self._nudged(values, conditions, nudge)
            possible &= self._within(nudge)
        phase = exact.settle(values, conditions, start if isinstance(start, Phase) else None)
        voltages = self._voltages(phase, u)
        bad = np.flatnonzero(~(phase.settled & possible))
        states = States(
            self, voltages, exact.outputs(phase), np.zeros((len(u), 0), dtype=np.bool_),
            self._knees(phase), Detail(phase, values, bad), phase,
        )  # fmt: skip
        if not len(bad):
            return states
        return self._rescued(states, self.trainable.conductances() if g is None else g, u, nudge)

    def _nudged(self, values: Values, conditions: Conditions, nudge: Nudge) -> Conditions:
        if nudge.force is not None:
            conditions = self.exact.pushed(conditions, nudge.force)
        if not nudge.stiffness:
            return conditions
        if nudge.target is None:
            raise UsageError("a nudge with a stiffness needs a target")
        if nudge.stiffness < 0:
            if self._highest is None or self._highest[0] is not values:
                self._highest = (values, self.exact.highest(values))
            high = self._highest[1]
            if -nudge.stiffness * high >= 1.0:
                raise UsageError(
                    f"a nudge of {nudge.stiffness:.6g} S makes the circuit unstable; "
                    f"it must stay above {-1.0 / high:.6g} S"
                )
        return self.exact.pulled(conditions, nudge.stiffness, nudge.target)

    def _within(self, nudge: Nudge) -> Bools | bool:
        """Tell for which samples diodes let outputs be clamped."""
        if not np.isinf(nudge.stiffness) or nudge.target is None:
            return True
        p, q = self.layers.outputs.T
        last, alone = self.layers.units[-1], q < 0
        wanted, unit = nudge.target[:, alone], p[alone]
        inside = (wanted >= last.lower[unit]) & (wanted <= last.upper[unit])
        return np.asarray(inside.all(axis=1))

    def _voltages(self, phase: Phase, u: Floats) -> Floats:
        """Return the voltages of all nodes, shape (B, n_nodes)."""
        voltages = np.concatenate(phase.v, axis=1)[:, self.layers.place]
        voltages[:, self.layers.given.nodes] = self.layers.given.potentials(u)
        return voltages

    def _knees(self, phase: Phase) -> Ints:
        """Return for each sample a diode that touches its drop without current, -1 for none."""
        found = np.full(len(phase.settled), -1)
        volts = np.max([np.abs(v).max(axis=1, initial=0.0) for v in phase.v], axis=0)
        near = NEAR * volts[:, None]
        for units, free in zip(self.layers.units, phase.free, strict=True):
            for bound, element in (
                (units.lower, units.lower_element), (units.upper, units.upper_element)
            ):  # fmt: skip
                some = np.flatnonzero(element >= 0)
                touching = np.abs(free[:, some] - bound[some]) <= near
                rows, at = np.nonzero(touching)
                found[rows] = element[some[at]]
        return found

    def _rescued(self, states: States, g: Floats, u: Floats, nudge: Nudge | None) -> States:
        """Return the states with some samples solved one by one."""
        detail: Detail = states.detail
        bad = detail.rescued
        if len(self.circuit.crossbars) > MOST_EXPANDED:
            error = ConvergenceError("the layers did not settle")
            error.sample = int(bad[0])
            raise error
        found = self.rescue.solve_rows(g, u[bad], nudge and nudge.rows(bad), bad)
        for name in ("voltages", "outputs", "knee"):
            getattr(states, name)[bad] = getattr(found, name)
        for units, v in zip(self.layers.units, detail.phase.v, strict=True):
            v[bad] = np.nan_to_num(found.voltages[:, units.nodes])
        return replace(states, detail=replace(detail, found=found))

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        detail: Detail = states.detail
        phase, values = detail.phase, detail.values
        lower, upper = [], []
        for units, free in zip(self.layers.units, phase.free, strict=True):
            held = (free < units.lower) | (free > units.upper)
            lower.append(np.where(held, 0.0, -np.inf))
            upper.append(np.where(held, 0.0, np.inf))
        still = Conditions([np.zeros_like(v) for v in phase.v], lower, upper)
        found = self.exact.settle(values, self.exact.pushed(still, slope))
        result = np.concatenate(found.v, axis=1)[:, self.layers.place]
        result[:, self.layers.given.nodes] = 0.0
        if detail.found is not None:
            result[detail.rescued] = detail.found.adjoint(slope[detail.rescued])
        return result

    def correlate(self, change: Floats, level: Floats) -> tuple[Floats, Floats]:
        """Return the means over samples of ``change * level`` across each conductance.

        And those of `change` across each bias; nodes that float count for nothing.

        Parameters
        ----------
        change, level : ndarray, shape (B, n_nodes)
        """
        layers = self.layers

        def of_units(nodal: Floats) -> list[Floats]:
            return [np.nan_to_num(nodal[:, units.nodes]) for units in layers.units]

        ends = (level[:, layers.inputs.nodes], level[:, layers.leaks.nodes])
        by_g, by_bias = correlate(
            layers, of_units(change), of_units(level), *ends, self.exact.threads
        )
        return by_g / len(change), by_bias / len(change)


def find_backend(
    circuit: Circuit,
    inputs: Sequence[str],
    outputs: Sequence[tuple[str, str]],
    trainable: Selection,
    biases: Sequence[str],
) -> LayeredBackend | None:
    """Return what solves a circuit layer by layer, None where that can't be or does not pay."""
    if not circuit.crossbars.devices and len(circuit.resistors) < LEAST:
        return None
    layers = find_layers(circuit, inputs, outputs, trainable, biases)
    if layers is None or not _fits(layers):
        return None
    names = tuple(a if b == "0" else f"{a},{b}" for a, b in outputs)
    ends = np.array([[circuit.node(a), circuit.node(b)] for a, b in outputs]).T
    ones = np.ones(len(names))
    terminals = Terminals(names, ends[0], ends[1], ones, ones)
    return LayeredBackend(layers, circuit, (*inputs, *biases), trainable, terminals)


def _fits(layers: Layers) -> bool:
    """Tell whether outputs can be pulled one by one: units of their own, pairs without diodes."""
    p, q = layers.outputs.T
    last, paired = layers.units[-1], q >= 0
    used = np.concatenate((p, q[paired]))
    inner = np.concatenate((p[paired], q[paired]))
    bounded = np.isfinite(last.lower[inner]) | np.isfinite(last.upper[inner])
    return len(np.unique(used)) == len(used) and not bounded.any()
