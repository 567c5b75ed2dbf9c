"""Parameters of a deck that learn, and with them all that is affine in them."""

from __future__ import annotations

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.cli import main

AMPLIFIER = """an amplifier both ways, all of it from parameters
.param a=3 g=1m u=0.23
v1 in 0 1
r0 in c {1/g}
r1 c 0 {1/(2*g)}
e1 drive 0 c 0 {a}
vs drive behind 0
f1 c 0 vs {1/a}
r2 behind h 1k
r3 h 0 2k
d1 h x
vx x 0 {u}
.end
"""


def random_deck(seed: int) -> tuple[str, int]:
    """Resistors, sources and diodes, their values affine in a few parameters or reciprocals."""
    rng = np.random.default_rng(seed)
    count, n = int(rng.integers(1, 5)), int(rng.integers(3, 7))
    given = " ".join(f"k{k}={rng.uniform(0.5, 2.0):.6g}" for k in range(count))
    lines = [f"random {seed}", f".param {given} other=3"]

    def form() -> str:
        terms = [f"{rng.uniform(0.3, 2):.4g}*k{k}" for k in rng.choice(count, rng.integers(1, 3))]
        return "+".join([*terms, f"{rng.uniform(0.1, 0.5):.4g}"][: rng.integers(1, 4)])

    nodes = ["in", *(f"n{k}" for k in range(n))]
    lines.append("v1 in 0 1")
    for k in range(1, len(nodes)):
        lines.append(f"rt{k} {nodes[k]} {nodes[rng.integers(0, k)]} {{1/({form()})}}")
    for k in range(2 * n):
        p, q = rng.choice([*nodes, "0"], 2, replace=False)
        value = [f"{{1/({form()})}}", f"{{{form()}}}", f"{rng.uniform(0.5, 2):.4g}"][k % 3]
        lines.append(f"r{k} {p} {q} {value}")
    if seed % 2:  # what only states one by one tell
        lines += [f"vb w 0 {{{form()}}}", f"rb w n0 {{1/({form()})}}"]
        lines += [f"d1 n1 n2 m1\n.model m1 d(vfwd={{0.01*k0}} ron={{{form()}}})"]
        lines += [f"g1 0 n0 n1 0 {{0.1*({form()})}}"] if seed % 4 == 3 else []
    lines += [f"ib 0 n1 {{{form()}}}", "d2 n0 n2 m2", ".model m2 d(vfwd=0.05)"]
    return "\n".join([*lines, ".end"]), count


def differences(
    net: tr.Network, X: np.ndarray, Y: np.ndarray, names: list[str] | None = None
) -> np.ndarray:
    """d(mean cost)/d(parameter) by fourth-order central differences."""
    found, theta = [], net.parameters
    for name in names or theta:
        value = theta[name]
        total, h = 0.0, 1e-4 * abs(value)
        for times, weight in ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0)):
            net.parameters = theta | {name: value + times * h}
            total += weight * tr.SquaredError().value(net.forward(X), Y).mean()
        found.append(total / (12 * h))
    net.parameters = theta
    return np.array(found)


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def check(seed: int) -> bool:
    """Compare rules with differences; return whether nudges are physical there."""
    deck, count = random_deck(seed)
    net = tr.Network(rs.parse_netlist(deck), ["v1"], ["n1", ("n2", "n0")], parameters="k*")
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(3, 1)), rng.normal(size=(3, 2))
    exact = tr.gradients(net, X, Y, tr.Adjoint())
    assert len(tr.gradient(net, X, Y, tr.Adjoint())) == len(net.parameters) <= count
    assert net.batched is (seed % 2 == 0)
    assert relative(exact.vector, differences(net, X, Y)) < 1e-6, seed
    if net.one_way:
        return False
    for rule in (tr.EquilibriumPropagation(1e-5), tr.FrequencyPropagation(1e-5)):
        assert relative(tr.gradients(net, X, Y, rule).vector, exact.vector) < 1e-5, seed
    return True


def test_gradients_are_those_of_finite_differences():
    assert sum(check(seed) for seed in range(8)) == 6


@pytest.mark.long
def test_gradients_of_two_hundred_circuits():
    assert sum(check(seed) for seed in range(200)) == 150


def test_a_diode_that_carries_next_to_nothing_leaves_no_rounding_of_stiff_conductances():
    net = tr.Network(rs.parse_netlist(random_deck(16)[0]), ["v1"], ["n1"], parameters="k*")
    X = np.random.default_rng(16).normal(size=(3, 1))
    theta = net.parameters
    for name, share in (("k0", 1e-4), ("k1", 1e-4), ("k2", 1e-6)):
        net.parameters = theta | {name: theta[name] * (1 + share)}
        single = [rs.solve(net.circuit.with_values({"v1": x})).node_voltages for x in X[:, 0]]
        assert np.abs(net.free(X).voltages - single).max() < 1e-14, name


def test_forward_is_the_deck_elaborated_anew():
    for seed in range(6):
        circuit = rs.parse_netlist(random_deck(seed)[0])
        net = tr.Network(circuit, ["v1"], ["n1"], parameters=["k*"])
        moved = {name: 1.3 * value for name, value in net.parameters.items()}
        net.parameters = moved
        anew = circuit.with_parameters(moved).with_values({"v1": 0.7})
        assert net.forward([[0.7]])[0, 0] == pytest.approx(rs.solve(anew)["n1"], rel=1e-12)
        learned = net.circuit.with_values({"v1": 0.7})
        assert rs.solve(learned)["n1"] == pytest.approx(rs.solve(anew)["n1"], rel=1e-12)
        # what has been learned stays when another parameter is set
        assert net.circuit.with_parameters({"other": 4.0}).parameters == {**moved, "other": 4.0}


def test_gains_of_amplifiers_that_work_both_ways():
    net = tr.Network(rs.parse_netlist(AMPLIFIER), ["v1"], ["h"], parameters=["a", "g", "u"])
    X, Y = np.array([[0.2], [0.1], [-1.0], [2.0]]), np.array([[0.15], [0.3], [0.1], [0.0]])
    assert not net.one_way
    wanted = differences(net, X, Y)
    assert np.abs(wanted).min() > 0.01
    assert relative(tr.gradient(net, X, Y, tr.Adjoint()), wanted) < 1e-8
    assert relative(tr.gradient(net, X, Y, tr.EquilibriumPropagation(1e-7)), wanted) < 1e-6
    net.parameters = {"a": 5.0}
    assert relative(tr.gradient(net, X, Y), differences(net, X, Y)) < 1e-4


def test_coupled_learning_descends_with_ties():
    deck = "tie\n.param k=1m\nv1 in 0 1\nr1 in o {1/k}\nr2 o 0 {1/(k+2m)}\n.end"
    net = tr.Network(rs.parse_netlist(deck), ["v1"], ["o"], parameters="k")
    trainer = tr.Trainer(net, tr.CoupledLearning(0.1))
    history = trainer.fit([[1.0]], [[0.4]], epochs=500)
    assert history[-1]["cost"] < 1e-6
    assert net.parameters["k"] == pytest.approx(4e-3, rel=0.02)  # k / (2 k + 2m) = 0.4


def test_bounds_are_kept_and_shown():
    deck = "b\n.param k=1 m=1\nv1 in 0 1\nr1 in o {1/(k+m)}\nr2 o 0 1\nr3 o 0 {m}\n.end"
    circuit = rs.parse_netlist(deck)
    net = tr.Network(circuit, ["v1"], ["o"], parameters={"k": (0.5, 1.2), "m": (-9, 9)},
                     g_min=0.1, g_max=2.1)  # fmt: skip
    low, high = net.bounds
    # r3 alone allows m from 1 / 2.1 to 10
    assert low.tolist() == [0.5, 1 / 2.1] and high.tolist() == [1.2, 9.0]
    net.write_biases(np.array([5.0, 9.0]))  # k + m <= 2.1 stops both on their way
    k, m = net.biases
    assert k + m == pytest.approx(2.1) and k > 1 and m > 1
    with pytest.raises(rs.UsageError, match="not within its bounds"):
        net.parameters = {"k": 1.3}
    with pytest.raises(rs.UsageError, match="k starts at 1, but its bounds"):
        tr.Network(circuit, ["v1"], ["o"], parameters={"k": (2, 3)})


REFUSED = [
    ("r1 a 0 {k*k}", "r1 is no affine function of k"),
    ("r1 a 0 {k*m}", "r1 is no affine function of k, m"),
    ("r1 a 0 {max(k, 1)}", "r1 is no affine function"),
    ("r1 a 0 1\n.if (k > 0.8)\nr2 a 0 1\n.endif", "structure of the circuit depends on k"),
    ("q1 a a 0 m\n.model m npn(bf={100*k})", "can't learn"),
    ("r1 a 0 1", "nothing in the circuit depends on k"),
]


@pytest.mark.parametrize(("card", "message"), REFUSED)
def test_what_is_not_affine_is_refused(card, message):
    deck = f"refused\n.param k=1 m=2\nv1 in 0 1\nr0 in a 1\n{card}\n.end"
    names = ["k", "m"] if "k*m" in card else "k"
    with pytest.raises(rs.UsageError, match=message):
        tr.Network(rs.parse_netlist(deck), ["v1"], ["a"], parameters=names)


def test_what_is_no_parameter_or_learns_already_is_refused():
    deck = "r\n.param k=1 n={2*k}\nv1 a 0 1\nr0 a b {k}\nr1 b 0 {n}\n.end"
    circuit = rs.parse_netlist(deck)
    assert circuit.parameters == {"k": 1.0}  # n is what k makes it
    for names, more, message in (
        ("n", {}, "no parameter that is a number is called 'n'"),
        ("k", {"trainable": "r0"}, "r0 can't learn by itself"),
        ("k", {"devices": tr.Devices(stuck=0.1)}, "devices= are those of single resistors"),
    ):
        with pytest.raises(rs.UsageError, match=message):
            tr.Network(circuit, ["v1"], ["b"], parameters=names, **more)
    moved = circuit.with_values({"r0": 5.0})
    with pytest.raises(rs.UsageError, match="r0 has another value"):
        tr.Network(moved, ["v1"], ["b"], parameters="k")
    with pytest.raises(rs.UsageError, match="has no parameters"):
        tr.Network(rs.generators.ladder(1), ["v0"], ["n1"], parameters="k")


def test_runs_go_on_with_the_same_bits(tmp_path):
    X, Y = np.array([[0.2], [0.1]]), np.array([[0.15], [0.3]])

    def trainer() -> tr.Trainer:
        net = tr.Network(rs.parse_netlist(AMPLIFIER), ["v1"], ["h"],
                         "r2", parameters={"a": (1, 9), "g": (1e-5, 1)})  # fmt: skip
        return tr.Trainer(net, tr.Adjoint())

    whole, half = trainer(), trainer()
    whole.fit(X, Y, epochs=6, checkpoint=tmp_path / "whole")
    half.fit(X, Y, epochs=3, checkpoint=tmp_path / "half")
    again = trainer()
    again.fit(X, Y, epochs=6, checkpoint=tmp_path / "half", resume=True)
    assert np.array_equal(whole.net.biases, again.net.biases)
    assert whole.net.parameters["a"] != 3.0
    whole.net.save(tmp_path / "net")
    loaded = tr.Network.load(tmp_path / "net")
    assert np.array_equal(loaded.forward(X), whole.net.forward(X))
    assert loaded.parameters == whole.net.parameters


def test_the_command_learns_parameters(tmp_path, capsys):
    deck, data, out = tmp_path / "tie.net", tmp_path / "tie.csv", tmp_path / "out.net"
    deck.write_text("tie\n.param k=1m\nv1 in 0 1\nr1 in o {1/k}\nr2 o 0 {1/(k+2m)}\n.end\n")
    data.write_text("v1,o\n1,0.4\n2,0.8\n")
    common = [str(deck), "--data", str(data), "--input", "v1", "--output", "o"]
    learn = ["--parameters", "k=1u:1", "--epochs", "300", "--lr", "100u"]
    status = main(["train", *common, *learn, "-o", str(out)])
    assert status == 0, capsys.readouterr().err
    assert "trained 1 value on 2 samples" in capsys.readouterr().out
    assert rs.solve(rs.read_netlist(out))["o"] == pytest.approx(0.4, abs=1e-3)
    assert main(["gradcheck", *common, "--parameters", "k", "--no-ngspice"]) == 0
    assert "k " in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["train", *common, "--parameters", "k=1"])
    assert "'k=1' is not of the form" in capsys.readouterr().err


def test_a_deck_that_changes_far_away_is_not_written():
    deck = "far\n.param k=1\nv1 in 0 1\nr1 in o {1/min(k, 5)}\nr2 o 0 1\n.end"
    net = tr.Network(rs.parse_netlist(deck), ["v1"], ["o"], parameters="k")
    net.parameters = {"k": 4.0}
    assert net.circuit.resistors.ohms[0] == 0.25
    net.parameters = {"k": 6.0}
    with pytest.raises(rs.UsageError, match="with k=6 r1 is not what has been trained"):
        _ = net.circuit
