"""One factor for all points of a linear circuit, against single solutions."""

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.compiled import policy
from resnet_sim.many.backend import choose
from resnet_sim.many.question import Question

POINTS = 11


def feedback(seed, nodes=12, amplifiers=4):
    """A random circuit of resistors, sources, and controlled sources of all four kinds."""
    rng = np.random.default_rng(seed)
    b = rs.CircuitBuilder(f"feedback {seed}")
    for k in range(1, nodes + 1):
        b.resistor(f"r{k}", f"n{k}", f"n{rng.integers(0, k)}".replace("n0", "0"), rng.uniform(1, 9))
        b.resistor(f"s{k}", f"n{k}", f"n{rng.integers(1, nodes + 1)}", rng.uniform(1, 9))
    b.voltage_source("v1", "a", "0", 1.0)
    b.resistor("ra", "a", "n1", 1.0)
    b.current_source("i1", "0", f"n{nodes}", 0.5)
    for k in range(amplifiers):
        at, sense, other = (f"n{x}" for x in rng.choice(np.arange(1, nodes + 1), 3, replace=False))
        kind, gain = k % 4, float(rng.uniform(-0.3, 0.3))
        if kind == 0:
            b.vccs(f"g{k}", at, "0", sense, other, gain)
        elif kind == 1:
            b.vcvs(f"e{k}", f"x{k}", "0", sense, other, gain)
            b.resistor(f"x{k}", f"x{k}", at, 2.0)
        elif kind == 2:
            b.cccs(f"f{k}", at, "0", "v1", gain)
        else:
            b.ccvs(f"h{k}", f"y{k}", "0", "v1", gain)
            b.resistor(f"y{k}", f"y{k}", at, 2.0)
    return b.build()


def inputs(seed):
    rng = np.random.default_rng(seed)
    return {"v1": rng.uniform(-2, 2, POINTS), "i1": rng.uniform(-2, 2, POINTS)}


@pytest.mark.parametrize("dense", [0, 250])
def test_points_agree_with_single_solutions(dense):
    for seed in range(12):
        circuit, values = feedback(seed, amplifiers=4 if seed % 3 else 0), inputs(seed)
        with policy.using(dense=dense, factor=0):
            found = rs.solve(circuit, inputs=values)
        assert found.solver.backend.startswith("backend: linear"), found.solver.backend
        assert found.certificate.ok
        for k in range(POINTS):
            one = rs.solve(circuit.with_values({name: float(x[k]) for name, x in values.items()}))
            volts, amps = (np.abs(x).max() for x in (one.node_voltages, one.element_currents))
            assert np.abs(found.node_voltages[k] - one.node_voltages).max() <= 1e-11 * volts
            assert np.abs(found.element_currents[k] - one.element_currents).max() <= 1e-11 * amps
            assert found.certificate.stable is one.certificate.stable
            assert found.unique == one.unique


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("e1 b 0 b 0 1\nr2 b c 1\nr3 c 0 1", "the circuit as it is has no one solution"),
        ("g1 0 b b 0 1\nr2 b 0 1", "the circuit as it is has no one solution"),
        ("e1 b 0 c 0 2\nr2 b c 1\nr3 c 0 1\nd1 c 0 d\n.model d d(vfwd=1)", "there are rectifiers"),
    ],
)
def test_what_has_no_one_linear_solution_is_left_to_others(lines, why):
    loop = "e9 o 0 p 0 .5\nr8 o p 1\nr9 p a 1"
    circuit = rs.parse_netlist(f"odd\nv1 a 0 1\nr1 a 0 1\n{loop}\n{lines}")
    with policy.using(factor=0):
        choice = choose(Question(circuit, ("v1",), POINTS))
    assert choice.entry.name == "one by one"
    assert why in choice.reasons["linear"]


def test_values_of_resistors_make_other_matrices():
    with policy.using(factor=0):
        choice = choose(Question(feedback(0), ("r1",), POINTS))
    assert choice.reasons["linear"] == "the values of resistors differ"
    few = choose(Question(feedback(0), ("v1",), 3))
    assert few.reasons["linear"].startswith("3 points of 16 nodes, ")


def test_a_large_circuit_shares_a_sparse_factor():
    circuit = feedback(1, nodes=400, amplifiers=12)
    values = {"v1": np.linspace(-1, 1, 100), "i1": 0.25}
    found = rs.solve(circuit, inputs=values)
    assert found.solver.backend.startswith("backend: linear")
    one = rs.solve(circuit.with_values({"v1": -1.0, "i1": 0.25}))
    assert found.node_voltages[0] == pytest.approx(one.node_voltages, rel=1e-9, abs=1e-12)
