"""Layered networks as a backend: states for training and prediction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...arrays import Bools, Floats, Ints
from ...compiled import policy
from ...errors import ConvergenceError
from ...model.devices.crossbar import MOST_EXPANDED
from ..nudges import UnstableNudge
from ..one_by_one import OneByOne
from ..question import Question
from ..states import Backend, Nudge, States, Terminals, apart, output_names
from .correlation import correlate
from .descent import Conditions, Phase
from .detection import find_layers
from .exact import Exact
from .potentials import NotLayered
from .structure import Layers
from .values import Values

#: Voltage relative to the largest of a sample by which a unit without current may miss its bound.
NEAR = 1e-9


@dataclass(frozen=True)
class Detail:
    """What the adjoint of states needs: them by layer, and those that were solved one by one."""

    phase: Phase
    values: Values
    rescued: Ints
    found: States | None = None


class Layered(Backend):
    """States of a circuit that is a chain of layers.

    What does not settle here goes to `OneByOne`.
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        layers = question.once(_chain)
        assert isinstance(layers, Layers)
        self.layers, self.exact = layers, Exact(layers)
        self._highest: tuple[Values, float] | None = None

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why a circuit can't be solved layer by layer, or why that does not pay."""
        circuit, limits = question.circuit, policy.POLICY
        least = limits.signed_layers if question.signed else limits.layers
        if not circuit.crossbars.devices and len(circuit.resistors) < least:
            return f"{len(circuit.resistors)} resistors are too few to pay, and no crossbar"
        if question.signed and question.start is not None:
            return "of several states .nodeset chooses, and layers start from zero"
        layers = question.once(_chain)
        return layers if isinstance(layers, str) else _unfit(layers)

    @cached_property
    def rescue(self) -> OneByOne:
        """What solves any circuit, one sample after the other."""
        return OneByOne(self.question)

    @cached_property
    def outputs(self) -> Terminals:
        """Where outputs are measured."""
        circuit, pairs = self.question.circuit, self.question.outputs
        ends = np.array([[circuit.node(a), circuit.node(b)] for a, b in pairs]).T
        ones = np.ones(len(pairs))
        return Terminals(output_names(pairs), ends[0], ends[1], ones, ones)

    @property
    def g_weight(self) -> Floats:
        """One for all: there are no amplifiers between layers."""
        return np.ones(1)

    def nudged(self, g: Floats | None, u: Floats, nudge: Nudge, start: Any = None) -> States:
        """Return the states with additions at the outputs.

        Without g, at the conductances of the circuit.
        """
        exact, n = self.exact, len(self.question.varied)
        values = exact.values(g)
        conditions = exact.conditions(values, u[:, :n], u[:, n:-1])
        possible = np.full(len(u), values.anchored)
        if nudge:
            conditions = self._conditions(values, conditions, nudge)
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
        return self._rescued(states, g, u, nudge)

    def _conditions(self, values: Values, conditions: Conditions, nudge: Nudge) -> Conditions:
        if nudge.force is not None:
            conditions = self.exact.pushed(conditions, nudge.force)
        if nudge.target is None or not nudge.stiffness:
            return conditions
        # with conductances of either sign, what is found is proved to last
        if nudge.stiffness < 0 and values.positive:
            if self._highest is None or self._highest[0] is not values:
                self._highest = (values, self.exact.highest(values))
            high = self._highest[1]
            if -nudge.stiffness * high >= 1.0:
                raise UnstableNudge(nudge.stiffness, -1.0 / high)
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

    def _rescued(self, states: States, g: Floats | None, u: Floats, nudge: Nudge) -> States:
        """Return the states with some samples solved one by one."""
        detail: Detail = states.detail
        bad = detail.rescued
        if len(self.question.circuit.crossbars) > MOST_EXPANDED:
            error = ConvergenceError("the layers did not settle")
            error.sample = int(bad[0])
            raise error
        g = self.question.selection.conductances() if g is None else g
        found = self.rescue.rows(g, u[bad], nudge.rows(bad), bad)
        for name in ("voltages", "outputs", "knee"):
            getattr(states, name)[bad] = getattr(found, name)
        for units, v in zip(self.layers.units, detail.phase.v, strict=True):
            v[bad] = np.nan_to_num(found.voltages[:, units.nodes])
        return replace(states, detail=replace(detail, found=found))

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        detail: Detail = states.detail
        result = self._answers(detail, slope)[:, self.layers.place]
        result[:, self.layers.given.nodes] = 0.0
        if detail.found is not None:
            result[detail.rescued] = detail.found.adjoint(slope[detail.rescued])
        return result

    def _answers(self, detail: Detail, force: Floats) -> Floats:
        """Return how units move with currents into the outputs, shape (B, m); held ones don't."""
        phase, values = detail.phase, detail.values
        held = _held(self.layers, phase)
        parts = np.split(held, np.cumsum([len(units) for units in self.layers.units])[:-1], axis=1)
        wide = [np.where(part, 0.0, np.inf) for part in parts]
        still = Conditions([np.zeros_like(v) for v in phase.v], [-w for w in wide], wide)
        pushed = self.exact.pushed(still, force)
        moved, settled = np.zeros(held.shape), np.zeros(len(held), dtype=np.bool_)
        if values.positive:
            found = self.exact.settle(values, pushed)
            moved, settled = np.concatenate(found.v, axis=1), found.settled
        for row in np.setdiff1d(np.flatnonzero(~settled), detail.rescued).tolist():
            load = np.concatenate([feed[row] for feed in pushed.feed])
            step = values.curvature.step(~held[row], load)
            if step is None:
                error = ConvergenceError("the state is too near to an unstable one")
                error.sample = row
                raise error
            moved[row] = step
        return moved

    def correlate(self, change: Floats, level: Floats) -> tuple[Floats, Floats]:
        """Return the mean of ``change * level`` across each conductance, of `change` at biases."""
        layers = self.layers

        def of_units(nodal: Floats) -> list[Floats]:
            return [np.nan_to_num(nodal[:, units.nodes]) for units in layers.units]

        ends = (level[:, layers.inputs.nodes], level[:, layers.leaks.far.nodes])
        by_g, by_bias = correlate(layers, of_units(change), of_units(level), *ends)
        return by_g / len(change), by_bias / len(change)

    def _between(self, first: States, second: States, width: float) -> tuple[Floats, Floats]:
        return self.correlate(*apart(first, second, width))


def _held(layers: Layers, phase: Phase) -> Bools:
    """Tell which units diodes hold, shape (B, m)."""
    pairs = zip(layers.units, phase.free, strict=True)
    return np.concatenate([(x < u.lower) | (x > u.upper) for u, x in pairs], axis=1)


def _chain(question: Question) -> Layers | str:
    """Return the layers of a circuit, or why it has none."""
    try:
        return find_layers(
            question.circuit, question.varied, question.outputs, question.selection,
            question.biases, sparse=question.signed,
        )  # fmt: skip
    except NotLayered as reason:
        return f"it is no chain of layers: {reason}"


def _unfit(layers: Layers) -> str | None:
    """Return why outputs can't be pulled one by one, None if they can."""
    p, q = layers.outputs.T
    last, paired = layers.units[-1], q >= 0
    used = np.concatenate((p, q[paired]))
    if len(np.unique(used)) < len(used):
        return "two outputs share a node"
    inner = np.concatenate((p[paired], q[paired]))
    bounded = np.isfinite(last.lower[inner]) | np.isfinite(last.upper[inner])
    return "an output is the difference of nodes with diodes" if bounded.any() else None
