"""Networks whose ideal diodes become parts: the same circuit as with that part in the deck."""

import numpy as np
import pytest
from ngspice_tools import requires_ngspice
from training_circuits import random_network

import resnet_sim as rs
from resnet_sim import generators
from resnet_sim import training as tr
from resnet_sim.cli import main

PART = "IS=3n N=1.6 RS=2 BV=40 IBV=1u"
#: in which elements behind the diodes control others, and an old junction stands
DECK = """controlled from behind
vin in 0 1
r1 in a 1k
d1 a 0
d2 0 a {model}
d3 b 0 old
r2 a b 2k
e1 c 0 a 0 .5
r3 c 0 1k
f1 b 0 e1 .1
h1 d 0 e1 300
r4 d b 3k
.model ideal D(Ron=0)
.model old D(IS=1p)
.model part D({part})
"""


def network(model="ideal"):
    return tr.Network(rs.parse_netlist(DECK.format(model=model, part=PART)), ["vin"], ["b"])


def test_a_diode_becomes_what_a_deck_with_that_part_has():
    X = np.linspace(-3, 3, 7)[:, None]
    found = tr.transfer(network(), PART, X, diodes="d2")
    assert found.diodes == ("d2",)
    assert found.ideal == pytest.approx(network().forward(X), rel=1e-12, abs=0)
    assert found.real == pytest.approx(network("part").forward(X), rel=1e-9, abs=1e-12)
    assert found.shift == pytest.approx(found.real - found.ideal)


def test_all_diodes_become_real_and_nothing_that_was_learned_changes():
    net = network()
    net.conductances = net.conductances * 1.5
    found = tr.transfer(net, PART, [[2.0]])
    circuit = found.net.circuit
    assert len(circuit.diodes) == 0
    assert circuit.tables["junctions"].names == ("d3", "d1", "d2")
    assert found.net.conductances == pytest.approx(net.conductances, rel=0, abs=0)
    assert len(net.circuit.diodes) == 2
    op = rs.solve(circuit.with_values({"vin": 2.0}))
    assert op.certificate.ok
    assert found.real[0, 0] == pytest.approx(op.voltage("b"), rel=1e-9)


def test_scores_are_those_of_trainers():
    X, Y = [[-2.0], [2.0]], [0, 1]
    found = tr.transfer(network(), PART, X, Y)
    assert found.before == np.mean((found.ideal[:, 0] > 0) == Y)
    assert found.after == np.mean((found.real[:, 0] > 0) == Y)
    assert f"score {found.before:g} before, {found.after:g} after" in str(found)


@requires_ngspice
def test_ngspice_has_the_same_outputs():
    circuit = rs.parse_netlist(rs.format_netlist(tr.with_part(network().circuit, "1n4148")))
    report = rs.ngspice.compare(circuit)
    assert report.agrees, rs.ngspice.format_report(report)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(k, marks=pytest.mark.long) for k in range(1, 200))]
)
def test_gradients_with_real_diodes_are_finite_differences(seed):
    ideal, X, Y = random_network(seed)
    net = tr.transfer(ideal, PART, X).net
    found = tr.gradcheck(net, X, Y)
    assert found.worst() <= 1e-6
    pushed = tr.gradient(net, X, Y, tr.EquilibriumPropagation(beta=1e-4, variant="centered"))
    size = np.abs(found.differences).max()
    assert np.abs(pushed - found.differences).max() <= 1e-5 * size


def test_what_is_no_part_is_refused():
    circuit = network().circuit
    for part, message in (
        ("foo", "no part is called 'foo'"), ("Ron=1", "no junction diode"),
        ("IS=-1", "is must be above 0"), ({"is": "x"}, "part"),
    ):  # fmt: skip
        with pytest.raises(rs.UsageError, match=message):
            tr.with_part(circuit, part)
    with pytest.raises(rs.UsageError, match="no ideal diode is called 'd9'"):
        tr.with_part(circuit, PART, diodes="d9")
    zener = rs.parse_netlist("z\nv1 a 0 1\nd1 a 0 z\n.model z D(Ron=1 Vrev=5)\n")
    with pytest.raises(rs.UsageError, match="d1 breaks down at 5 V"):
        tr.with_part(zener, "IS=1n")
    with pytest.raises(rs.UsageError, match="no ideal diodes"):
        tr.with_part(rs.parse_netlist("r\nv1 a 0 1\nr1 a 0 1\n"), PART)


def test_the_command_tells_what_real_diodes_do(tmp_path, capsys):
    deck, data, out = tmp_path / "a.net", tmp_path / "a.csv", tmp_path / "b.net"
    deck.write_text("clamp\nvx x 0 1\nr1 x o 1k\nr2 o 0 9k\nd1 o 0\n")
    data.write_text("x,o\n-1,-.5\n1,0\n")
    asked = ["train", str(deck), "--data", str(data), "--input", "vx=x", "--output", "o"]
    assert main([*asked, "--epochs", "5", "--then", "real", "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "training, 1 real diode" in printed
    assert "training, real: root mean square error" in printed
    assert main([*asked, "--part", "IS=1n"]) == 2
    assert "--then real" in capsys.readouterr().err


def test_networks_of_amplifiers_with_real_pairs_are_nudged_both_ways():
    # conductances of either sign, and a co-content that is convex all the same
    circuit = generators.layered([2, 3, 1], diodes="antiparallel", gain=4.0, threshold=0.3, seed=1)
    inputs = ["vp0", "vp1"]
    net = tr.transfer(tr.Network(circuit, inputs, ["o0"]), "1n4148", [[1.0, -1.0]]).net
    X, Y = [[1.0, -0.5], [-2.0, 0.3]], [[0.2], [-0.1]]
    exact = tr.gradient(net, X, Y, tr.Adjoint())
    rule = tr.EquilibriumPropagation(beta=1e-8, variant="centered")
    pushed = tr.gradient(net, X, Y, rule)
    assert np.abs(pushed - exact).max() <= 1e-4 * np.abs(exact).max()


@pytest.mark.parametrize(
    ("cards", "most"),
    [
        # kT/q ln(1e12 A / IS), that and what is in series, and a line of 1e13 S
        ("d1 in 0 d", 1.5485),
        ("d1 in x d\nv3 x 0 .3", 1.8485),
        ("d1 x 0 d\ne1 x 0 in 0 2", 0.7742),
        ("g1 in 0 table {v(in,0)} = (0,0) (1,1) (2,1e13)", 1.1),
        ("d1 0 in z", 5.8933),
    ],
)
def test_what_shorts_an_input_is_refused_as_in_a_single_point(cards, most):
    models = ".model d D(IS=1e-14)\n.model z D(IS=1e-14 BV=5 IBV=1m)"
    deck = f"divider\nvin in 0 1\nr1 in out 1k\nr2 out 0 1k\n{cards}\n{models}"
    net = tr.Network(rs.parse_netlist(deck), ["vin"], ["out"])
    assert net.batched
    below, above = most - 1e-3, most + 1e-3
    assert net.forward([[below], [-0.1]]).ravel() == pytest.approx([below / 2, -0.05], rel=1e-9)
    for refused in (
        lambda: rs.solve(net.circuit, inputs={"vin": [above]}),
        lambda: net.forward([[0.1], [above]]),
    ):
        with pytest.raises(rs.TopologyError, match=r"(input 0|sample 1): error\[E202\].* shorts"):
            refused()
