"""Many points, and coefficients of inputs, against one point at a time: the same equations."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import CONVEX, random_circuit

from resnet_sim.many.affine_inputs import imposed
from resnet_sim.model.devices import DEVICES
from resnet_sim.point.plan import Compiled
from resnet_sim.point.state import State

KINDS = ("ties", "conductors", "rectifiers", "injections")
SOURCES = ("voltage source", "current source")


def compiled(circuit):
    return Compiled(circuit, circuit.switches.closed)


def drawn(circuit, rng, kinds):
    """Other values for all elements of some kinds."""
    found = {}
    for number, name in enumerate(circuit.element_names):
        if circuit.kind(number) in kinds:
            table, row = circuit.locate(number)
            value = getattr(circuit.tables[table], DEVICES[table].value)[row]
            found[name] = float(value * rng.uniform(0.5, 1.5))
    return found


def together(single):
    """The points of compiled variants side by side."""
    kinds = {kind: [getattr(one.reduction, kind) for one in single] for kind in KINDS}
    return single[0].replace(**{
        kind: some[0].holding(np.stack([branches.held for branches in some], axis=1))
        for kind, some in kinds.items()
    })  # fmt: skip


@pytest.mark.parametrize("family", CONVEX)
@pytest.mark.parametrize("seed", range(8))
def test_many_points_are_each_of_them(family, seed):
    circuit, rng = random_circuit(family, seed), np.random.default_rng(seed)
    first, kinds = compiled(circuit), ("resistor", "diode", *SOURCES)
    single = [first.variant(circuit.with_values(drawn(circuit, rng, kinds))) for _ in range(3)]
    many, ones = State(together(single)), [State(one) for one in single]
    for plan in first.plans:
        problem = many.problem(plan)
        for k, one in enumerate(ones):
            expected = one.problem(plan)
            for name in ("conductance", "emf", "injection", "turnover", "drop"):
                column = getattr(problem, name)[:, k]
                np.testing.assert_allclose(column, getattr(expected, name), 1e-13, 1e-14)
    for state in (many, *ones):  # any currents will do: KCL leaves the rest for the ties
        for array in (state.x, state.conductor_current, state.rectifier_current):
            array.T[...] = np.arange(len(array))
    for k, one in enumerate(ones):
        np.testing.assert_allclose(many.node_voltages()[:, k], one.node_voltages(), 1e-13, 1e-13)
        np.testing.assert_allclose(many.currents()[:, k], one.currents(), 1e-12, 1e-12)
        np.testing.assert_array_equal(many.point(k).currents(), many.currents()[:, k])


@pytest.mark.parametrize("family", [*CONVEX, "cascade"])
@pytest.mark.parametrize("seed", range(8))
def test_data_of_stages_are_affine_in_inputs(family, seed):
    circuit, rng = random_circuit(family, seed), np.random.default_rng(seed)
    values = drawn(circuit, rng, SOURCES)
    first = compiled(circuit)
    coefficients, one_way = imposed(first, list(values))
    if len(one_way):  # what these impose is not known
        return
    u, plan = np.array([*values.values(), 1.0]), first.whole
    state = State(first.variant(circuit.with_values(values)))
    for some in first.plans:
        state.evaluate_sources(some.stage.sources)
    for found, expected in (
        (coefficients.offset, state.offset),
        (coefficients.emf(plan), state.emf(plan)),
        (coefficients.drop(plan), state.drop(plan)),
        (
            coefficients.injection(plan, coefficients.feeds(plan)),
            state.injection(plan, state.feeds(plan)),
        ),
    ):
        np.testing.assert_allclose(found @ u, expected, 1e-12, 1e-13)


def test_coefficients_are_exact():
    circuit = random_circuit("tied", 3)
    names = [n for k, n in enumerate(circuit.element_names) if circuit.kind(k) in SOURCES]
    coefficients, _ = imposed(compiled(circuit), names)
    assert set(coefficients.offset[:, :-1].toarray().ravel().tolist()) <= {-1.0, 0.0, 1.0}
