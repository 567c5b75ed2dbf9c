"""What was worked out of a circuit is not worked out again for who asks soon."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.compiled import policy
from resnet_sim.many.together import Together
from resnet_sim.point import plan


@pytest.fixture
def analysed(monkeypatch) -> list[object]:
    """Each circuit whose structure is looked for, and each set of points."""
    seen: list[object] = []

    def count(kind: type, which: int) -> None:
        init = kind.__init__

        def noted(self, *args):
            seen.append(args[which])
            init(self, *args)

        monkeypatch.setattr(kind, "__init__", noted)

    count(plan.Compiled, 0)
    count(Together, 0)
    return seen


def inputs(circuit: rs.Circuit, points: int) -> dict[str, np.ndarray]:
    return {circuit.current_sources.names[0]: np.linspace(-1.0, 1.0, points)}


def test_who_asks_again_gets_the_same_bits_without_another_analysis(analysed):
    grid = rs.generators.grid(12, seed=1)
    one, many = rs.solve(grid), rs.solve(grid, inputs=inputs(grid, 300))
    assert len(analysed) == 2  # plans of one point and of many are the same
    again, others = rs.solve(grid), rs.solve(grid, inputs=inputs(grid, 300))
    assert len(analysed) == 2
    np.testing.assert_array_equal(one.node_voltages, again.node_voltages)
    np.testing.assert_array_equal(many.node_voltages, others.node_voltages)
    np.testing.assert_array_equal(many.element_currents, others.element_currents)


def test_other_values_other_questions_and_other_thresholds_are_found_anew(analysed):
    grid = rs.generators.grid(12, seed=1)
    before = rs.solve(grid)
    name = grid.resistors.names[0]
    changed = rs.solve(grid.with_values({name: 7.0 * float(grid.resistors.ohms[0])}))
    assert not np.array_equal(before.node_voltages, changed.node_voltages)
    rs.solve(grid, inputs=inputs(grid, 300))
    rs.solve(grid, inputs=inputs(grid, 301))
    assert [type(one).__name__ for one in analysed] == ["Circuit"] * 2 + ["Question"] * 2
    with policy.using(joint=10):
        rs.solve(grid)
    assert len(analysed) == 5


def test_large_circuits_and_those_before_the_last_two_are_forgotten(analysed):
    grid = rs.generators.grid(12, seed=1)
    with policy.using(remembered=grid.n_elements - 1):
        rs.solve(grid)
        rs.solve(grid)
    assert len(analysed) == 2
    rs.solve(grid)
    gone = weakref.ref(grid)
    del grid
    analysed.clear()
    for seed in range(2):
        rs.solve(rs.generators.grid(3, seed=seed))
    analysed.clear()
    gc.collect()
    assert gone() is None
