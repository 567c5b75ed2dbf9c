"""The adjoint network as a circuit gives the gradients of the adjoint rule, also in ngspice."""

from __future__ import annotations

import numpy as np
import pytest
from ngspice_tools import requires_ngspice
from training_circuits import random_network

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.cli.command import main
from resnet_sim.errors import UsageError

SOURCES = {
    "E": "E1 c 0 o in 2\nR3 c d 1\nR4 d 0 2",
    "G": "G1 0 d o 0 .7\nR3 d 0 1\nR4 d in 2",
    "F": "F1 0 d Vs 3\nR3 d 0 1\nR4 d in 2",
    "H": "H1 c 0 Vs 2\nR3 c d 1\nR4 d 0 2",
    "loop": "E1 c 0 o d 2\nR3 c d 1\nR4 d 0 2\nR5 d o 3",
    "sensed": "E1 c 0 o 0 2\nR3 c d 1\nR4 d 0 2\nF1 0 d E1 .5",
    "sum": "B1 c 0 V=2*V(o)-V(in)+.3\nR3 c d 1\nR4 d 0 2\nD1 d 0 m\n.model m D(Vfwd=.1 Ron=.3)",
}  # fmt: skip


def one_way(kind: str) -> tr.Network:
    deck = f"one way\nV1 in 0 1\nR1 in m 1\nVs m o 0\nR2 o 0 2\nI1 0 o .1\n{SOURCES[kind]}\n"
    return tr.Network(deck, ["v1"], ["d", ("d", "o")], "r*")


def gradient(net: tr.Network, x: np.ndarray, y: np.ndarray, voltages: np.ndarray) -> np.ndarray:
    """dC/dg from node voltages of the adjoint circuit, by name."""
    free = net.free(x[None]).voltages[0]
    at = {name: k for k, name in enumerate(net.adjoint_circuit(x, y).nodes)}
    found = []
    for name in net.trainable:
        p, q = (int(end[net.circuit.element(name)]) for end in net.circuit.terminals)
        a, b = (voltages[at[net.circuit.nodes[k]]] for k in (p, q))
        found.append((a - b) * (free[p] - free[q]))
    return np.array(found)


def known_voltages(circuit: rs.Circuit) -> np.ndarray:
    return np.nan_to_num(rs.solve(circuit).node_voltages)


@pytest.mark.parametrize("seed", range(8))
def test_the_adjoint_network_has_the_adjoints_voltages(seed):
    net, X, Y = random_network(seed, amplifier=seed % 2 == 1)
    exact = tr.gradient(net, X[:1], Y[:1], tr.Adjoint())
    found = gradient(net, X[0], Y[0], known_voltages(net.adjoint_circuit(X[0], Y[0])))
    assert np.allclose(found, exact, rtol=0, atol=1e-9 * np.abs(exact).max())


@pytest.mark.parametrize("kind", SOURCES)
def test_ports_of_controlled_sources_change_places(kind):
    net, x, y = one_way(kind), np.array([0.8]), np.array([0.3, -0.2])
    exact = tr.gradient(net, x[None], y[None], tr.Adjoint())
    assert np.abs(exact).min() > 0
    circuit = net.adjoint_circuit(x, y)
    found = gradient(net, x, y, known_voltages(circuit))
    assert np.allclose(found, exact, rtol=0, atol=1e-9 * np.abs(exact).max())
    # it can be written, and read again
    again = rs.parse_netlist(rs.format_netlist(circuit))
    assert np.allclose(known_voltages(again), known_voltages(circuit), atol=1e-9)


@requires_ngspice
@pytest.mark.parametrize("kind", SOURCES)
def test_ngspice_confirms_gradients(kind):
    net, x, y = one_way(kind), np.array([0.8]), np.array([0.3, -0.2])
    circuit = net.adjoint_circuit(x, y)
    reading = rs.ngspice.run(circuit)
    voltages = np.array([0.0, *(float(reading.voltage(n)[0]) for n in circuit.nodes[1:])])
    exact = tr.gradient(net, x[None], y[None], tr.Adjoint())
    found = gradient(net, x, y, voltages)
    assert np.allclose(found, exact, rtol=0, atol=1e-5 * np.abs(exact).max())


def test_large_circuits_with_one_way_sources_have_an_adjoint():
    grid = rs.generators.grid(66, mixture=rs.generators.UNIFORM, volts={"n0_0": 1.0})
    behind = "E1 z 0 n3_3 0 2\nRz z y 1\nRy y 0 3\n.end"
    circuit = rs.parse_netlist(rs.format_netlist(grid).replace(".end", behind))
    net = tr.Network(circuit, circuit.voltage_sources.names[:1], ["y"], ["ry", "rz", "r1", "r8"])
    x, y, g = [[0.7]], [[0.1]], net.conductances
    assert net.one_way and len(circuit.nodes) > 4000
    exact, found = tr.gradient(net, x, y, tr.Adjoint()), []
    for k in range(len(g)):
        costs = []
        for step in (1e-4, -1e-4):
            net.conductances = g + step * (np.arange(len(g)) == k)
            costs.append(tr.SquaredError().value(net.forward(x), y).mean())
        found.append((costs[0] - costs[1]) / 2e-4)
    assert np.abs(exact - found).max() < 1e-6 * np.abs(exact).max()


#: every device but plain ones; v1 feeds node a, o is the output
DEVICES = {
    "bipolar": "Vcc c 0 9\nR1 c o 2k\nQ1 o b e q\nR3 a b 9k\nR4 e 0 300\n"
    ".model q npn(vaf=50 rb=9 re=2)",
    "inverter": "Vdd d 0 5\nM1 o g 0 0 n w=9u l=1u\nR2 a g 1k\nR3 g 0 1k\nR1 d o 9k\n"
    ".model n nmos(vto=.5 kp=90u lambda=.02 gamma=.4)",
    "jfet": "Vd d 0 9\nJ1 d g o j\nR1 o 0 1k\nR2 a g 2k\nR3 g o 1meg\n.model j njf(vto=-2 rs=20)",
    "junctions": "D1 m o d\nR1 a m 1k\nR2 o 0 2k\nR3 m 0 4k\nD2 0 m d\n"
    ".model d D(is=1n n=1.7 rs=.6)",
    "curve": "R1 a o 1k\nR2 o 0 t\nR3 o 0 5k\n.model t RES table=(-1,-1m, 0,0, 1,2m, 2,2.5m)",
    "product": "R1 a m 1k\nR2 m 0 1k\nB1 p 0 V=v(m)*v(a)\nR3 p o 1k\nR4 o 0 1k",
    "rails": "R1 a m 1k\nR2 m p 2k\nB1 p 0 V=limit(-1e4*v(m),-3,3)\nR3 p o 1k\nR4 o 0 1k",
    "limiter": "R1 a m 1k\nY1 m o .3m ratio=inf\nR2 o 0 1k\nR3 m 0 2k\nR4 m o 9k",
    "switch": "R1 a m 1k\nS1 m o a 0 s\nR2 o 0 1k\nR3 m 0 3k\n.model s sw(vt=1 ron=10 roff=1meg)",
}  # fmt: skip


@requires_ngspice
@pytest.mark.parametrize("kind", DEVICES)
def test_every_device_has_an_adjoint_that_ngspice_confirms(kind):
    net = tr.Network(f"{kind}\nV1 a 0 1\n{DEVICES[kind]}\n", ["v1"], ["o"], "r[134]")
    found = tr.gradcheck(net, [[1.2], [1.5]], [[0.3], [0.2]], simulator=rs.ngspice.run)
    assert np.abs(found.adjoint).max() > 0
    assert not np.isnan(found.ngspice).any()
    assert found.worst() < 1e-5


def test_the_adjoint_is_that_of_the_state_that_is_trained():
    """Of two states of a circuit that is bistable `.nodeset` chooses, for the adjoint as well."""
    deck = "two\nV1 in 0 0\nR1 in a 2\nB1 a 0 I=v(a)*v(a)*v(a)-v(a)\nR2 a o 9\nR3 o 0 9\n"
    exact = []
    for side in (1.0, -1.0):
        net = tr.Network(f"{deck}.nodeset v(a)={side}\n", ["v1"], ["o"], "r*")
        x, y = np.array([0.02]), np.array([0.1])
        exact.append(tr.gradient(net, x[None], y[None], tr.Adjoint()))
        found = gradient(net, x, y, known_voltages(net.adjoint_circuit(x, y)))
        assert np.allclose(found, exact[-1], rtol=0, atol=1e-9 * np.abs(exact[-1]).max())
    assert not np.allclose(*exact, rtol=0.1)


def test_a_cost_is_given_by_name():
    net, x, y = one_way("G"), np.array([0.8]), 1
    named, made = (net.adjoint_circuit(x, y, cost) for cost in ("hinge", tr.Hinge()))
    assert rs.format_netlist(named) == rs.format_netlist(made)
    with pytest.raises(UsageError, match="did you mean squared"):
        net.adjoint_circuit(x, y, "sqared")


def test_three_opinions_agree():
    for seed in (1, 4):
        net, X, Y = random_network(seed)
        before = net.conductances
        found = tr.gradcheck(net, X, Y)
        assert found.worst() < 1e-6
        assert np.array_equal(net.conductances, before)
        assert np.array_equal(found.adjoint, tr.gradient(net, X, Y, tr.Adjoint()))


DIVIDER = "divider\nV1 a 0 1\nR1 a o 1k\nR2 o 0 2k\nE1 b 0 o 0 2\nR3 b p 1k\nR4 p 0 1k\n"


@requires_ngspice
def test_the_command_prints_a_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.net").write_text(DIVIDER)
    (tmp_path / "t.csv").write_text("v1,p\n1,0.5\n2,0.1\n")
    command = ["gradcheck", "d.net", "--data", "t.csv", "--input", "v1", "--output", "p"]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["value", "adjoint", "ngspice", "differences"]
    assert [line.split()[0] for line in lines[1:5]] == ["r1", "r2", "r3", "r4"]
    for line in lines[1:5]:
        one, *others = map(float, line.split()[1:])
        assert all(other == pytest.approx(one, rel=1e-4) for other in others)
    assert lines[-1].endswith("ok")
    assert main([*command, "--no-ngspice", "--rtol", "1e-30"]) == 1
    assert "FAILED" in capsys.readouterr().out
