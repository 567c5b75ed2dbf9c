"""Networks of transistors, all samples at once, against single points and differences."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr


def lattice(seed: int, side: int = 4, resistors: bool = False) -> str:
    """A periodic lattice whose edges are transistors in their triode region, a gate each."""
    rng = np.random.default_rng(seed)
    fixed = {0: "x", side - 1: "y", side * (side - 1): "lo", side * side - 1: "hi"}
    place = lambda r, c: fixed.get(k := (r % side) * side + c % side, f"n{k}")  # noqa: E731
    lines = [f"lattice {seed}", "vx x 0 0", "vy y 0 0.45", "vlo lo 0 0", "vhi hi 0 0.45"]
    gates = []
    for k, (r, c, down) in enumerate(np.ndindex(side, side, 2)):
        lines.append(f"m{k} {place(r, c)} w{k} {place(r + down, c + 1 - down)} 0 edge")
        lines.append(f"vw{k} w{k} 0 {{g{k}}}")
        gates.append(f"g{k}={rng.uniform(1.5, 3.0):.4f}")
    if resistors:
        lines += ["ra n5 n6 10k", "rb n9 0 20k", "ib 0 n9 1u"]
    return "\n".join(
        [*lines, ".param " + " ".join(gates), ".model edge nmos(vto=0.7 kp=4e-4)", ".end"]
    )


def network(seed: int, **options) -> tr.Network:
    outputs = [("n5", "n10"), "n6"]
    circuit = rs.parse_netlist(lattice(seed, **options))
    return tr.Network(circuit, ["vx", "vy"], outputs, "r?" if options else (), parameters="g*")


SAMPLES = np.random.default_rng(0).uniform(0.0, 0.45, (6, 2))


@pytest.mark.parametrize("resistors", [False, True])
def test_states_are_those_of_single_points(resistors):
    net = network(1, resistors=resistors) if resistors else network(1)
    assert "tangents" in net.explain_backend()
    states = net.free(SAMPLES)
    for k, (x, y) in enumerate(SAMPLES.tolist()):
        op = rs.solve(net.circuit.with_values({"vx": x, "vy": y}))
        for node in ("n5", "n6", "n9", "w3"):
            found = states.voltages[k, net.circuit.node(node)]
            assert found == pytest.approx(op[node], abs=1e-10)
        flow = states.voltages[k, -len(net.flows) :]
        assert np.abs(flow).max() < 1e-18  # into gates


def test_nudged_states_are_those_of_circuits_with_parts_soldered_on():
    net = network(2, resistors=True)
    target = np.array([[0.05, 0.2]])
    near = net.free(SAMPLES[:1])
    for beta in (1e-5, -1e-6, np.inf):
        found = net.pulled(SAMPLES[:1], near, beta, target)
        op = rs.solve(net.nudged_circuit(SAMPLES[0], target[0], beta))
        for node in ("n5", "n6", "n9", "n10"):
            at = net.circuit.node(node)
            assert found.voltages[0, at] == pytest.approx(op[node], abs=1e-9)
    pushed = net.pushed(SAMPLES[:1], near, np.array([[1e-6, -2e-6]]))
    again = net.pulled(SAMPLES[:1], near, np.inf, pushed.outputs)
    assert np.allclose(again.voltages, pushed.voltages, atol=1e-10)


def test_gates_and_resistors_have_exact_derivatives():
    net = network(3, resistors=True)
    Y = np.tile([0.04, 0.3], (6, 1))
    found = tr.gradient(net, SAMPLES, Y, tr.Adjoint())
    theta, wanted = net.parameters, []
    for name in list(theta)[::6]:
        costs = []
        for step in (1e-4, -1e-4):
            net.parameters = theta | {name: theta[name] + step}
            costs.append(tr.SquaredError().value(net.forward(SAMPLES), Y).mean())
        wanted.append((costs[0] - costs[1]) / 2e-4)
    net.parameters = theta
    assert np.abs(found[2:][::6] - wanted).max() < 1e-6 * np.abs(found[2:]).max()
    checked = tr.gradcheck(net, SAMPLES, Y)
    assert np.abs(checked.adjoint[:2] - checked.differences[:2]).max() < 1e-6 * abs(found[0])


def test_coupled_learning_is_possible_and_says_how_good_it_is():
    net = network(4)
    Y = np.tile([0.02, 0.25], (6, 1))
    with pytest.warns(UserWarning, match="acts one way: there CoupledLearning"):
        own = tr.gradient(net, SAMPLES, Y, tr.CoupledLearning(0.01))
    exact = tr.gradient(net, SAMPLES, Y, tr.Adjoint())
    assert own @ exact / np.linalg.norm(own) / np.linalg.norm(exact) > 0.5


@pytest.mark.parametrize("gate", [None, 0.5])
def test_a_gate_learns_by_the_voltage_across_its_transistor(gate):
    # also where it does not conduct: the multiplier of the experiment sees no currents
    net, number = network(4), 10
    if gate is not None:
        net.parameters = {f"g{number}": gate}
    Y = np.array([[0.02, 0.25]])
    near = net.free(SAMPLES[:1])
    clamped = net.pulled(SAMPLES[:1], near, np.inf, near.outputs - 0.01 * (near.outputs - Y))
    ends = [net.circuit.node(n) for n in ("n5", "n6")]  # of m10, between (1, 1) and (1, 2)
    free, held = (s.voltages[0, ends[0]] - s.voltages[0, ends[1]] for s in (near, clamped))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = tr.gradient(net, SAMPLES[:1], Y, tr.CoupledLearning(0.01))[number]
    assert found == pytest.approx(0.5 * 4e-4 * (held**2 - free**2) / 0.01, rel=1e-6)


def test_exact_rule_learns_xor():
    X = 0.45 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    Y = 0.04 * np.array([[-1.0], [1.0], [1.0], [-1.0]])
    circuit = rs.parse_netlist(lattice(0))
    net = tr.Network(circuit, ["vx", "vy"], [("n5", "n10")], parameters={"g*": (0.8, 6.0)})
    tr.Trainer(net, tr.Adjoint(), optimizer=tr.Adam(0.05)).fit(X, Y, epochs=120)
    assert np.array_equal(np.sign(net.forward(X)), np.sign(Y))


def test_other_circuits_are_solved_one_by_one():
    deck = lattice(1).replace(".end", "d1 n5 n6 m\n.model m d(vfwd=0.1)\n.end")
    net = tr.Network(rs.parse_netlist(deck), ["vx", "vy"], ["n5"], parameters="g*")
    assert "not tangents: there are rectifiers" in net.explain_backend()
    deck = lattice(1).replace(".end", "m99 n5 n6 n9 0 edge\n.end")
    net = tr.Network(rs.parse_netlist(deck), ["vx", "vy"], ["n5"], parameters="g*")
    assert "m99 is no MOSFET whose gate and bulk have" in net.explain_backend()
