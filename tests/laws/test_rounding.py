"""What rounding explains of the sums of currents: exact arithmetic, and sums by hand."""

from fractions import Fraction

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.laws.foreign import units

EPS = np.finfo(float).eps


def exact(matrix, right):
    """Return the solution of linear equations in rational numbers, by elimination."""
    rows = [[*map(Fraction, row), Fraction(b)] for row, b in zip(matrix, right, strict=True)]
    for k, pivot in enumerate(rows):
        for j, row in enumerate(rows):
            if j != k:
                share = row[k] / pivot[k]
                rows[j] = [x - share * y for x, y in zip(row, pivot, strict=True)]
    return [float(row[-1] / row[k]) for k, row in enumerate(rows)]


def stiff(seed):
    """Return a chain of small resistors between two large ones; its matrix, and right side."""
    rng = np.random.default_rng(seed)
    ohms = (10 ** rng.uniform([11, *[-1] * 4, 11], [13, *[1] * 4, 13])).tolist()
    cards = [f"R{k} n{k} {'0' if k == 5 else f'n{k + 1}'} {r!r}" for k, r in enumerate(ohms)]
    text = "\n".join(["stiff", "V1 n0 0 5", *cards])
    siemens = [1 / Fraction(r) for r in ohms]
    matrix = [[Fraction(0)] * 5 for _ in range(5)]
    for k, g in enumerate(siemens):
        for a in {k - 1, k} & set(range(5)):
            matrix[a][a] += g
            if 0 < k < 5:
                matrix[a][2 * k - 1 - a] -= g
    return rs.parse_netlist(text), matrix, [5 * siemens[0], 0, 0, 0, 0]


def test_elimination_is_off_by_microvolts_and_explained():
    apart = []
    for seed in range(20):
        circuit, matrix, right = stiff(seed)
        voltages = np.array([0.0, 5.0, *exact(matrix, right)])
        assert units(circuit, voltages) < 1
        rounded = np.linalg.solve(np.array(matrix, float), np.array(right, float))
        found = np.array([0.0, 5.0, *rounded])
        apart.append(np.abs(found - voltages).max())
        assert units(circuit, found) < 2
        # what is no rounding is told from it, be it of one node or of all together
        for off in np.vstack([np.eye(5) * 1e-9, np.full(5, 0.1)]):
            assert units(circuit, found + [0, 0, *off]) > 2
    assert max(apart) > 1e-5


def test_units_are_those_of_a_hand_calculation():
    circuit = rs.parse_netlist("t\nV1 a 0 3\nR1 a b 1k\nR2 b 0 2k")
    assert units(circuit, np.array([0.0, 3.0, 2.0])) == 0
    # terms of 5 V over 1k and 2 V over 2k
    expected = 1e-9 * (1 / 1e3 + 1 / 2e3) / (EPS * (5 / 1e3 + 2 / 2e3))
    assert units(circuit, np.array([0.0, 3.0, 2.0 + 1e-9])) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("card", [
    "F1 b 0 V1 .5", "D1 b 0 di\n.model di d(vfwd=1)", "V2 b 0 1",
])  # fmt: skip
def test_what_is_ideal_is_not_explained(card):
    circuit = rs.parse_netlist(f"t\nV1 a 0 3\nR1 a b 1k\nR2 b 0 2k\n{card}")
    assert units(circuit, np.array([0.0, 3.0, 2.0])) == np.inf
