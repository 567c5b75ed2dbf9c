"""Sources given by piecewise-linear formulas: alone, with feedback, written, in ngspice."""

from random import Random

import numpy as np
import pytest
from formulas import random_formula
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim import NetlistError, parse_netlist
from resnet_sim import training as tr
from resnet_sim.netlist import format_netlist


def one_way(seed: int, count: int = 6):
    """A deck of formulas of two given voltages, and what they are."""
    draw = Random(seed)
    v = {"v(a)": round(draw.uniform(-4, 4), 3), "v(b)": round(draw.uniform(-4, 4), 3)}
    made = [random_formula(draw, draw.randint(1, 4)) for _ in range(count)]
    cards = [f"b{k} o{k} 0 v={some.text}" for k, some in enumerate(made)]
    lines = "\n".join(["formulas", f"v1 a 0 {v['v(a)']}", f"v2 b 0 {v['v(b)']}", *cards])
    return parse_netlist(lines), [some.value(v) for some in made]


@pytest.mark.parametrize("seed", range(60))
def test_a_formula_of_given_voltages_is_what_its_functions_say(seed):
    circuit, expected = one_way(seed)
    op = rs.solve(circuit)
    assert op.certificate.ok, op.certificate.failures
    found = [op.voltage(f"o{k}") for k in range(len(expected))]
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_a_formula_that_is_written_reads_back(seed):
    circuit, _ = one_way(seed)
    again = parse_netlist(format_netlist(circuit))
    assert again.behavioural_sources.formulas == circuit.behavioural_sources.formulas


@requires_ngspice
@pytest.mark.parametrize("seed", range(4))
def test_ngspice_takes_our_formulas_for_the_same(seed):
    circuit, _ = one_way(seed, count=12)
    report = rs.ngspice.compare(circuit)
    # our spelling has functions that ngspice lacks, so only the export can be compared
    assert report.as_solved.status == "agree", report


def solved(*cards: str):
    return rs.solve(parse_netlist("\n".join(("a deck", *cards))))


def test_an_amplifier_stays_within_its_rails():
    cards = ("r1 in m 1k", "r2 m out 10k", "b1 out 0 v=limit(-1e6*v(m),-5,4)")
    for volts, out in ((0.2, -2.0), (1.0, -5.0), (-1.0, 4.0)):
        op = solved(f"v1 in 0 {volts}", *cards)
        assert op.certificate.ok
        assert op.voltage("out") == pytest.approx(out, rel=2e-5)
        assert not any(d.code == "W205" for d in op.diagnostics)


def test_a_table_with_positive_feedback_has_three_solutions():
    op = solved("e1 out 0 table {v(p)} = (-1m,-10) (1m,10)", "r1 out p 1k", "r2 p 0 1k")
    (warning,) = (d for d in op.diagnostics if d.code == "W205")
    for volts in ("10 V", "-10 V", "0 V"):
        assert volts in warning.message


def test_a_falling_characteristic_has_three_solutions():
    # the load line (1 - v) / 1k meets (0, 0) (0.2, 1m) (0.6, 0.2m) (1, 1m) in three places
    op = solved("v1 a 0 1", "r1 a d 1k", "b1 d 0 i=pwl(v(d),0,0,0.2,1m,0.6,0.2m,1,1m)")
    (warning,) = (d for d in op.diagnostics if d.code == "W205")
    for volts in (1 / 6, 0.4, 2 / 3):
        assert f"{volts:.6g} V" in warning.message


def test_an_ideal_comparator_may_rest_on_its_step():
    op = solved("v1 a 0 0.3", "b1 out 0 v=5*u(v(a)-v(p))", "r1 out p 1k", "r2 p 0 1k")
    assert op.voltage("out") == pytest.approx(0.6, rel=1e-12)
    assert op.certificate.ok
    assert any(d.code == "N109" for d in op.diagnostics)


@pytest.mark.parametrize(
    ("formula", "word"),
    [
        ("pwl(v(a),1,0,0,1,2,2)", "ascending"),
        ("1+max(v(b),table(v(a),1,0,0,1))", "ascending"),
        ("pwl(v(a),1,0,0,1,2)", "odd number"),
    ],
)
def test_a_table_that_means_nothing_is_refused_by_its_name(formula, word):
    with pytest.raises(NetlistError, match=word) as caught:
        solved("v1 a 0 1", "v2 b 0 1", f"b1 o 0 v={formula}")
    assert [d.code for d in caught.value.diagnostics] == ["E120"]


AMPLIFIER = """an amplifier with rails
.param gain=1e5
vin in 0 0.3
r1 in m 1k
r2 m out 10k
b1 out 0 v=min(max(-gain*v(m),-5),5)
r3 out 0 2k
"""


def out(volts: float, ohms: float = 10e3, gain: float = 1e5) -> float:
    """The output by hand: what the feedback makes it, within the rails."""
    linear = -gain * ohms * volts / (ohms + 1e3 * (1 + gain))
    return min(max(linear, -5.0), 5.0)


def test_inputs_sweeps_and_parameters_of_an_amplifier_with_rails():
    circuit = parse_netlist(AMPLIFIER)
    volts = [-2.0, -0.4, 0.1, 0.49, 0.6]
    expected = pytest.approx([out(x) for x in volts], rel=1e-10)
    assert rs.solve(circuit, inputs={"vin": volts}).voltage("out") == expected
    assert rs.sweep(circuit, vin=volts).voltage("out") == expected
    gains = [10.0, 1e3, 1e6]
    expected = pytest.approx([out(0.3, gain=gain) for gain in gains], rel=1e-10)
    assert rs.sweep(circuit, gain=gains).voltage("out") == expected


def test_components_of_an_amplifier_with_rails_vary():
    circuit = parse_netlist(AMPLIFIER).with_values({"vin": 0.5})
    op = rs.monte_carlo(circuit, {"r2": 0.3}, 40)
    assert op.certificate.ok
    current = -op.current("vin")
    ohms = (op.voltage("m") - op.voltage("out")) / current
    expected = [out(0.5, ohms=r) for r in ohms.tolist()]
    assert op.voltage("out") == pytest.approx(expected, rel=1e-9)
    assert op.voltage("out").min() == -5.0 < op.voltage("out").max()


def test_transfer_functions_tell_whether_an_amplifier_is_at_a_rail():
    for volts, gain in ((0.3, out(1e-3) / 1e-3), (0.9, 0.0)):
        circuit = parse_netlist(AMPLIFIER).with_values({"vin": volts})
        found = rs.transfer_function(circuit, "v(out)", "vin")
        assert found.gain == pytest.approx(gain, rel=1e-6, abs=1e-9)


def test_a_network_with_limiters_learns_by_the_adjoint():
    cards = "b1 h1 0 v=max(-0.5,min(0.5,3*v(x)))\nb2 h2 0 v=uramp(v(x)-v(y))\n"
    deck = f"t\nv1 a 0 1\nv2 b 0 0.5\nr1 a x 1k\nr2 b x 2k\nr3 x 0 3k\n{cards}"
    circuit = parse_netlist(deck + "r4 h1 y 1k\nr5 h2 y 2k\nr6 y 0 3k\n")
    net = tr.Network(circuit, inputs=["v1", "v2"], outputs=["y"], trainable="r*")
    x, y = np.random.default_rng(3).normal(size=(12, 2)), np.full((12, 1), 0.1)
    exact = tr.gradient(net, x, y, rule=tr.Adjoint())
    g = net.conductances.copy()
    for k in range(len(g)):
        costs = []
        for step in (1e-6, -1e-6):
            net.conductances = g * (1 + step * (np.arange(len(g)) == k))
            costs.append(float(((net.forward(x) - y) ** 2).sum() / 2 / len(x)))
        assert exact[k] == pytest.approx((costs[0] - costs[1]) / (2e-6 * g[k]), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("resistance", "ohms"),
    [
        ("v(a,b) > 0 ? 1k : 9k", {4.0: 1e3, -4.0: 9e3}),
        ("500+1500*(v(b) < v(a))", {4.0: 2e3, -4.0: 500.0}),
        ("1/(1m+(v(a,b) >= 0)*3m)", {4.0: 250.0, -4.0: 1e3}),
    ],
)
def test_a_resistance_that_its_own_voltage_switches(resistance, ohms):
    deck = "t\nv1 a 0 {}\nr1 a b r={{{}}} m=2\nr2 b 0 1k\n"
    for volts, own in ohms.items():
        circuit = parse_netlist(deck.format(volts, resistance))
        op = rs.solve(circuit)
        assert op.voltage("b") == pytest.approx(volts * 1e3 / (1e3 + own / 2), rel=1e-12)
        assert op.current("r1") == pytest.approx(op.voltage("b") / 1e3, rel=1e-12)
        assert op.certificate.ok
        again = parse_netlist(format_netlist(circuit))
        assert again.behavioural_sources.formulas == circuit.behavioural_sources.formulas


@requires_ngspice
def test_ngspice_agrees_about_a_resistance_that_its_own_voltage_switches():
    deck = "t\nv1 a 0 {}\nr1 a b r='v(a,b) > 0 ? 1k : 9k'\nr2 b 0 1k\n"
    for volts in (4, -4):
        report = rs.ngspice.compare(parse_netlist(deck.format(volts)))
        assert report.agrees, report


HYSTERESIS = """comparator
v1 i 0 1
b1 o 0 v=min(max(1e5*(v(p)-v(i)),-5),5)
r1 o p 100k
r2 p 0 10k
"""


@requires_ngspice
@pytest.mark.parametrize("ends", [(-1.0, 1.0), (1.0, -1.0)])
def test_a_comparator_stays_where_it_is_until_it_must_switch_as_in_ngspice(ends):
    first, last = ends
    values = np.linspace(first, last, 17)
    op = rs.sweep(parse_netlist(HYSTERESIS), v1=values)
    # it switches where the divider's voltage is passed
    up = values < 5 / 11 if first < last else values < -5 / 11
    assert op.voltage("o") == pytest.approx(np.where(up, 5.0, -5.0))
    card = f".dc v1 {first} {last} {(last - first) / 16}\n.end\n"
    found = rs.ngspice.compare(parse_netlist(HYSTERESIS + card))
    assert found.agrees, str(found)


def test_a_state_that_lasts_comes_before_one_that_does_not():
    op = rs.solve(parse_netlist(HYSTERESIS.replace("v1 i 0 1", "v1 i 0 0.1")))
    assert abs(op.voltage("o")) == pytest.approx(5.0)
    assert "W205" in [d.code for d in op.diagnostics]
    held = HYSTERESIS.replace("v1 i 0 1", "v1 i 0 0.1") + ".nodeset v(o)=1.1\n"
    assert rs.solve(parse_netlist(held)).voltage("o") != pytest.approx(1.1, abs=1e-3)
