"""Switches that move smoothly, and diodes whose knees are rounded or whose current is limited."""

import math

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import parse_netlist


def current(volts, element, model, *more):
    """The current of an element across a source."""
    cards = ("t", f"v1 a 0 {volts!r}", *more, element, f".model m {model}", ".options gmin=0")
    op = rs.solve(parse_netlist("\n".join(cards)))
    assert op.certificate.ok, op.certificate.failures
    return op.current(element.split()[0])


def between(t, on, off):
    """The conductance of a switch by the formula in PSpice's manual; t from -0.5 to 0.5."""
    mean, ratio = math.log(math.sqrt(on * off)), math.log(on / off)
    return 1 / math.exp(mean + 3 * ratio * t / 2 - 2 * ratio * t**3)


@pytest.mark.parametrize("volts", [-1.0, 1.0, 1.2, 1.5, 1.9, 2.0, 7.0])
def test_a_switch_has_the_resistance_of_pspices_formula(volts):
    t = min(max(volts, 1.0), 2.0) - 1.5
    expected = 3 * between(t, 2.0, 5e4)
    given = ("vc c 0 " + repr(volts), "ic 0 d " + repr(volts), "vd d 0 0")
    for element, model in (
        ("s1 a 0 c 0", "vswitch(ron=2 roff=50k von=2 voff=1)"),
        ("s1 a 0 c 0", "sw(ron=2 roff=50k vt=1.5 vh=-0.5)"),
        ("s1 a 0 0 c", "vswitch(ron=2 roff=50k von=-2 voff=-1)"),
        ("w1 a 0 vd", "iswitch(ron=2 roff=50k ion=2 ioff=1)"),
    ):
        assert current(3.0, f"{element} m", model, *given) == pytest.approx(expected, rel=1e-12)


def test_an_inverted_switch_closes_when_its_control_falls():
    for volts, ohms in ((0.0, 2.0), (3.0, 5e4), (1.5, math.sqrt(1e5))):
        model = "vswitch(ron=2 roff=50k von=1 voff=2)"
        found = current(3.0, "s1 a 0 c 0 m", model, f"vc c 0 {volts}")
        assert found == pytest.approx(3 / ohms, rel=1e-12)


def test_a_switch_that_feels_its_own_voltage_is_solved():
    deck = (
        "t\nv1 in 0 5\nr1 in b 1k\ns1 b 0 b 0 m\n.model m vswitch(ron=100 roff=1meg von=3 voff=1)"
    )
    op = rs.solve(parse_netlist(deck))
    v = op.voltage("b")
    assert 1 < v < 3
    assert (5 - v) / 1e3 == pytest.approx(v * between((v - 2) / 2, 100, 1e6), rel=1e-9)


def test_a_limited_diode_approaches_its_limit_with_the_slope_of_its_resistance():
    model = "d(ron=2 roff=1k vfwd=0.5 ilimit=0.3)"
    knee, left = 0.5e-3, 0.3 - 0.5e-3
    for volts in (-2.0, 0.2, 0.5):
        assert current(volts, "d1 a 0 m", model) == pytest.approx(volts / 1e3, rel=1e-12)
    for volts in (0.51, 0.8, 3.0):
        expected = knee + left * math.tanh((volts - 0.5) / 2 / left)
        assert current(volts, "d1 a 0 m", model) == pytest.approx(expected, rel=1e-12)
    assert current(50.0, "d1 a 0 m", model) == pytest.approx(0.3, rel=1e-12)
    assert current(50.0, "d1 a 0 m 2 m=3", model) == pytest.approx(1.8, rel=1e-12)


def test_a_rounded_knee_is_a_parabola_between_two_lines():
    model = "d(ron=1 roff=1k vfwd=0.5 epsilon=0.2 vrev=2 rrev=4 revepsilon=0.4)"
    v = np.linspace(-3, 1.2, 43)
    i = np.array([current(volts, "d1 a 0 m", model) for volts in v.tolist()])
    slope = np.interp(v, [-2.4, -2.0, 0.5, 0.7], [0.25, 1e-3, 1e-3, 1.0])
    steps = (slope[1:] + slope[:-1]) / 2 * np.diff(v)  # slopes are straight between the points
    assert np.diff(i) == pytest.approx(steps, rel=1e-9)
    assert i[30] == pytest.approx(0.0, abs=1e-15)


def test_many_limited_diodes_share_a_model_and_are_written_as_sources():
    cards = [f"v{k} a{k} 0 {k}\nd{k} a{k} b{k} m\nr{k} b{k} 0 1k" for k in range(1, 40)]
    deck = "\n".join(("t", *cards, ".model m d(ron=1 vfwd=0.5 ilimit=10m)"))
    circuit = parse_netlist(deck)
    op = rs.solve(circuit)
    assert op.certificate.ok
    assert op.current("d39") == pytest.approx(10e-3, rel=1e-9)
    assert op.current("d3") == pytest.approx(2.5e-3, rel=1e-2)
    again = rs.solve(parse_netlist(rs.format_netlist(circuit)))
    assert again.node_voltages == pytest.approx(op.node_voltages, rel=1e-9)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("d(ron=0 vfwd=1 ilimit=1)", "needs Ron"),
        ("d(ron=1 vfwd=1 roff=10 ilimit=50m)", "limit is below"),
        ("d(ron=1 vfwd=1 epsilon=-1)", "epsilon must be above 0"),
    ],
)
def test_what_has_no_such_law_is_refused(model, message):
    with pytest.raises(rs.NetlistError, match=message):
        current(1.0, "d1 a 0 m", model)
