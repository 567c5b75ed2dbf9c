"""Circuits with a closed form, and circuits without a solution."""

import math
from random import Random

import pytest
from laws import violations

from resnet_sim import CircuitBuilder, ConvergenceError, TopologyError, parse_netlist, solve
from resnet_sim.solvers import METHODS


def near(value: float, absolute: float = 1e-9) -> object:
    return pytest.approx(value, rel=1e-9, abs=absolute)


def codes(point) -> list[str]:
    return [d.code for d in point.diagnostics]


def jam() -> CircuitBuilder:
    """1 V and 0 V through 1 ohm each to the ends of a diode: both ends come to 0.5 V."""
    b = CircuitBuilder("jam")
    b.voltage_source("v1", "s", "0", 1.0)
    b.resistor("r1", "s", "n1", 1.0)
    b.resistor("r2", "n2", "0", 1.0)
    b.diode("d1", "n1", "n2")
    return b


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(25))
def test_jam_circuit_does_not_jam_from_any_start(method, seed):
    random = Random(seed)
    start = {"n1": random.uniform(-10, 10), "n2": random.uniform(-10, 10)}
    if seed == 0:
        start = {"n1": 0.0, "n2": 0.0}
    point = solve(jam().build(), method=method, start=start)
    assert point.certificate.ok
    assert (point.voltage("n1"), point.voltage("n2")) == (near(0.5), near(0.5))
    assert point.current("d1") == near(0.5)


@pytest.mark.parametrize("length", [3, 10, 40])
@pytest.mark.parametrize("method", METHODS)
def test_chain_of_jams_shares_the_voltage_equally(method, length):
    """All nodes join: each carries its own source, the common voltage is their mean."""
    b = CircuitBuilder("chain")
    for k in range(length):
        b.voltage_source(f"v{k}", f"s{k}", "0", float(length - k))
        b.resistor(f"r{k}", f"s{k}", f"n{k}", 1.0)
        if k:
            b.diode(f"d{k}", f"n{k - 1}", f"n{k}")
    point = solve(b.build(), method=method)
    assert point.certificate.ok
    assert [point.voltage(f"n{k}") for k in range(length)] == [near((length + 1) / 2)] * length


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("volts", "drop"), [(5.0, 0.7), (-5.0, 0.7), (3.0, 0.0), (1.0, 0.7)])
def test_bridge_rectifier_delivers_the_magnitude_less_two_drops(method, volts, drop):
    b = CircuitBuilder("bridge")
    b.voltage_source("v1", "a", "b", volts)
    for name, anode, cathode in (
        ("d1", "a", "p"),
        ("d2", "b", "p"),
        ("d3", "0", "a"),
        ("d4", "0", "b"),
    ):
        b.diode(name, anode, cathode, v_forward=drop)
    b.resistor("load", "p", "0", 1e3)
    # without it the idle bridge of |v| < 2 drops would have undefined inputs
    b.resistor("bleeder", "b", "0", 1e9)
    point = solve(b.build(), method=method)
    expected = max(0.0, abs(volts) - 2 * drop)
    assert point.voltage("p") == near(expected, 2e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(5))
def test_diode_or_is_the_maximum_and_diode_and_the_minimum(method, seed):
    random = Random(seed)
    volts = [round(random.uniform(-5, 5), 3) for _ in range(6)]
    b = CircuitBuilder("maximum and minimum")
    for k, value in enumerate(volts):
        b.voltage_source(f"v{k}", f"s{k}", "0", value)
        b.diode(f"hi{k}", f"s{k}", "max")
        b.diode(f"lo{k}", "min", f"s{k}")
    b.current_source("pull", "max", "0", 1e-3)
    b.current_source("push", "0", "min", 1e-3)
    point = solve(b.build(), method=method)
    assert point.voltage("max") == near(max(volts))
    assert point.voltage("min") == near(min(volts))
    assert point.current(f"hi{volts.index(max(volts))}") == near(1e-3)


@pytest.mark.parametrize("gain", [1e3, 1e6])
@pytest.mark.parametrize("volts", [-2.0, 0.0, 0.5])
def test_inverting_amplifier_has_the_textbook_gain(gain, volts):
    b = CircuitBuilder("inverting amplifier")
    b.voltage_source("vin", "in", "0", volts)
    b.resistor("r1", "in", "n", 1e3)
    b.resistor("r2", "n", "out", 10e3)
    b.vcvs("e1", "out", "0", "0", "n", gain)
    point = solve(b.build())
    # -(R2/R1) / (1 + (1 + R2/R1) / A)
    assert point.voltage("out") == near(-10 * volts / (1 + 11 / gain))
    assert point.voltage("n") == near(10 * volts / (1 + 11 / gain) / gain)
    assert codes(point) == []


def precision_rectifier(volts: float, gain: float) -> CircuitBuilder:
    b = CircuitBuilder("precision rectifier")
    b.voltage_source("vin", "in", "0", volts)
    b.vcvs("e1", "o", "0", "in", "out", gain)
    b.diode("d1", "o", "out", v_forward=0.7)
    b.resistor("load", "out", "0", 1e3)
    return b


@pytest.mark.parametrize("gain", [1e3, 1e6])
def test_precision_rectifier_hides_the_drop_forwards(gain):
    point = solve(precision_rectifier(0.5, gain).build())
    # v(out) + 0.7 = A (vin - v(out))
    assert point.voltage("out") == near((gain * 0.5 - 0.7) / (gain + 1))
    assert point.current("d1") == near(point.voltage("out") / 1e3)


@pytest.mark.parametrize("gain", [1e3, 1e6])
def test_precision_rectifier_blocks_backwards(gain):
    point = solve(precision_rectifier(-0.5, gain).build())
    assert point.voltage("out") == near(0.0)
    assert point.voltage("o") == near(-0.5 * gain)
    assert point.current("d1") == near(0.0)


@pytest.mark.parametrize("volts", [-1.0, -0.03, 0.0, 0.03, 1.0])
def test_limiter_with_feedback_is_linear_between_its_diodes(volts):
    b = CircuitBuilder("limiter")
    b.voltage_source("vin", "in", "0", volts)
    b.resistor("r1", "in", "n", 1e3)
    b.resistor("r2", "n", "out", 10e3)
    b.diode("d1", "n", "out", v_forward=0.6)
    b.diode("d2", "out", "n", v_forward=0.6)
    b.vcvs("e1", "out", "0", "0", "n", 1e6)
    out = solve(b.build()).voltage("out")
    linear, limit = -10 * volts / (1 + 11e-6), 0.6 * 1e6 / (1e6 + 1)
    assert out == near(max(-limit, min(limit, linear)))


def limiter_stage(b: CircuitBuilder, k: int, before: str, ratio: float) -> None:
    """An inverting amplifier of gain -ratio whose output two diodes hold within 0.6 V."""
    b.resistor(f"ra{k}", before, f"n{k}", 1e3)
    b.resistor(f"rb{k}", f"n{k}", f"o{k}", ratio * 1e3)
    b.diode(f"da{k}", f"n{k}", f"o{k}", v_forward=0.6)
    b.diode(f"db{k}", f"o{k}", f"n{k}", v_forward=0.6)
    b.vcvs(f"e{k}", f"o{k}", "0", "0", f"n{k}", 1e5)


@pytest.mark.parametrize("stages", [2, 7, 20])
@pytest.mark.parametrize("seed", range(3))
def test_chain_of_limiters_follows_stage_by_stage(stages, seed):
    """Forty diodes in feedback, far too many to try all states, yet each stage is simple."""
    random = Random(seed)
    b = CircuitBuilder("chain of limiters")
    b.voltage_source("vin", "o0", "0", random.uniform(-1, 1))
    volts, expected = float(b.build().voltage_sources.volts[0]), []
    for k in range(1, stages + 1):
        ratio = random.choice((0.5, 1.0, 3.0, 10.0))
        limiter_stage(b, k, f"o{k - 1}", ratio)
        volts, limit = -ratio * volts / (1 + (1 + ratio) / 1e5), 0.6 * 1e5 / (1e5 + 1)
        volts = max(-limit, min(limit, volts))
        expected.append(volts)
    point = solve(b.build())
    assert point.certificate.ok
    assert [point.voltage(f"o{k}") for k in range(1, stages + 1)] == [near(v) for v in expected]


@pytest.mark.parametrize("stages", [3, 5, 9])
@pytest.mark.parametrize("seed", range(5))
def test_ring_of_limiters_has_a_solution_and_it_is_found(stages, seed):
    """Outputs are bounded and continuous in each other: Brouwer promises a fixed point."""
    random = Random(seed)
    b = CircuitBuilder("ring of limiters")
    b.voltage_source("vin", "in", "0", random.uniform(-2, 2))
    b.resistor("rin", "in", "n1", 2e3)
    for k in range(1, stages + 1):
        limiter_stage(b, k, f"o{(k - 2) % stages + 1}", random.choice((0.5, 1.0, 3.0)))
    circuit = b.build()
    point = solve(circuit)
    assert point.certificate.ok
    assert not violations(circuit, point.node_voltages, point.element_currents, point.closed)


def schmitt_trigger(volts: float) -> CircuitBuilder:
    b = CircuitBuilder("Schmitt trigger")
    b.voltage_source("vin", "in", "0", volts)
    b.vcvs("e1", "e", "0", "p", "in", 1e3)
    b.resistor("re", "e", "out", 1e3)
    for name, volts_ in (("hi", 5.0), ("lo", -5.0)):
        b.voltage_source(f"v{name}", name, "0", volts_)
    b.diode("dhi", "out", "hi")
    b.diode("dlo", "lo", "out")
    b.resistor("rf", "p", "out", 9e3)
    b.resistor("rg", "p", "0", 1e3)
    return b


def test_schmitt_trigger_reports_several_solutions_between_its_thresholds():
    point = solve(schmitt_trigger(0.1).build())
    assert point.certificate.ok
    assert "W205" in codes(point)
    assert (
        any(point.voltage("out") == near(v) for v in (5.0, -5.0)) or abs(point.voltage("out")) < 5
    )


@pytest.mark.parametrize("wanted", [5.0, -5.0])
def test_start_selects_the_state_of_a_schmitt_trigger(wanted):
    point = solve(schmitt_trigger(0.1).build(), start={"out": wanted})
    assert point.voltage("out") == near(wanted)
    assert "W205" in codes(point)


@pytest.mark.parametrize("volts", [-2.0, 2.0])
def test_schmitt_trigger_has_one_solution_beyond_its_thresholds(volts):
    point = solve(schmitt_trigger(volts).build())
    assert point.voltage("out") == near(-math.copysign(5.0, volts))
    assert "W205" not in codes(point)


@pytest.mark.parametrize("gain", [2.0, 4.0, 50.0])
@pytest.mark.parametrize("method", METHODS)
def test_bidirectional_amplifier_equals_a_network_scaled_by_its_gain(method, gain):
    """Behind gains A and 1/A, volts count A times, conductances 1/A^2 * A^2 = 1 time."""
    amplified, plain = CircuitBuilder("amplified"), CircuitBuilder("scaled")
    for b in (amplified, plain):
        b.voltage_source("v1", "in", "0", 3.0)
        b.resistor("r1", "in", "a", 1e3)
        b.resistor("r2", "a", "0", 2e3)
    amplified.vcvs("e1", "amp", "0", "a", "0", gain)
    amplified.voltage_source("vs", "amp", "o", 0.0)
    amplified.cccs("f1", "a", "0", "vs", 1 / gain)
    for b, at, scale in ((amplified, "o", 1.0), (plain, "a", gain)):
        b.resistor("r3", at, "q", 1e3)
        b.diode("d1", "q", "lim", v_forward=0.6 / scale)
        b.resistor("r4", "q", "0", 5e3)
        b.voltage_source("v2", "lim", "0", 1.0 / scale)
    scaled, reference = solve(amplified.build(), method=method), solve(plain.build())
    assert scaled.voltage("a") == near(reference.voltage("a"))
    for node, original in (("o", "a"), ("q", "q")):
        assert scaled.voltage(node) == near(gain * reference.voltage(original))
    assert scaled.current("r1") == near(reference.current("r1"))


IMPOSSIBLE = {
    "sources": ("V1 a 0 1\nV2 a 0 2\nR1 a 0 1k", {"v1", "v2"}, {"a"}),
    "stack": ("V1 a 0 1\nV2 b a 1\nV3 b 0 3\nR1 b 0 1k", {"v1", "v2", "v3"}, {"a", "b"}),
    "shorted diode": ("V1 a 0 1\nD1 a 0 dd\nR1 a 0 1k", {"v1", "d1"}, {"a"}),
    "diode loop": ("V1 a b 1\nD1 a b dd\nR1 a 0 1k\nR2 b 0 1k", {"v1", "d1"}, {"a", "b"}),
    "short": ("V1 a 0 1\nR2 a 0 0\nR1 a 0 1k", {"v1", "r2"}, {"a"}),
    "open current": ("I1 0 a 1m\nR1 b 0 1k\nR2 b 0 1k", {"i1"}, {"a"}),
    "blocked current": ("I1 0 a 1m\nD1 0 a dd\nR1 b 0 1k\nR2 b 0 1k", {"i1", "d1"}, {"a"}),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
@pytest.mark.parametrize("method", METHODS)
def test_impossible_circuits_are_refused_by_name_node_and_line(case, method):
    cards, elements, nodes = IMPOSSIBLE[case]
    deck = f"{case}\n{cards}\n.model dd d(ron=0 roff=inf vfwd=0)\n.end\n"
    with pytest.raises(TopologyError) as caught:
        solve(parse_netlist(deck), method=method)
    error = caught.value
    assert set(error.elements) >= elements - {"d1"} and set(error.elements) <= elements
    assert nodes <= set(error.nodes) | {"0"}
    names = [line.split()[0].lower() for line in deck.splitlines()]
    assert sorted(error.lines) == sorted(names.index(name) + 1 for name in error.elements)
    assert all(name in str(error) for name in error.elements)


def test_floating_parts_get_no_voltage_but_the_rest_is_solved():
    b = CircuitBuilder("floating")
    b.voltage_source("v1", "in", "0", 2.0)
    b.resistor("r1", "in", "out", 1e3)
    b.resistor("r2", "out", "0", 1e3)
    b.resistor("r3", "lost", "island", 1e3)
    b.diode("d1", "lost", "out")
    b.voltage_source("v2", "peak", "island", 1.0)
    point = solve(b.build())
    assert point.voltage("out") == near(1.0)
    assert set(point.floating) == {"lost", "island", "peak"}
    assert all(math.isnan(point.voltage(n)) for n in point.floating)
    assert point.certificate.ok
    warning = next(d for d in point.diagnostics if d.code == "W201")
    assert all(name in warning.message for name in ("lost", "island", "peak"))


def test_a_loop_of_equal_sources_defines_voltages_but_not_its_currents():
    b = CircuitBuilder("consistent loop")
    b.voltage_source("v1", "a", "0", 1.0)
    b.voltage_source("v2", "a", "0", 1.0)
    b.resistor("r1", "a", "0", 10.0)
    point = solve(b.build())
    assert point.voltage("a") == near(1.0)
    assert set(point.nonunique) == {"v1", "v2"}
    assert point.current("v1") + point.current("v2") == near(-0.1)


def test_positive_feedback_without_a_bound_has_no_operating_point_when_loop_gain_is_one():
    b = CircuitBuilder("gain of exactly one")
    b.current_source("i1", "0", "a", 1.0)
    b.resistor("r1", "a", "b", 1.0)
    b.vcvs("e1", "b", "0", "a", "0", 1.0)
    with pytest.raises((TopologyError, ConvergenceError)):
        solve(b.build())


def test_of_a_chain_of_switches_each_waits_for_the_one_before():
    chain = [f"s{k} a m{k} m{k - 1} 0 sm\nr{k} m{k} 0 1k" for k in range(1, 101)]
    deck = ["t", "v1 a 0 5", "v2 m0 0 {x}", ".param x=5", *chain, ".model sm sw(vt=1 ron=1)"]
    point = solve("\n".join(deck))
    assert point.certificate.ok
    for k in range(1, 101):
        assert point.voltage(f"m{k}") == near(5 * 1000 / 1001)
    point = solve("\n".join(deck).replace("x=5", "x=0"))
    assert point.voltage("m100") == near(5 / (1e9 + 1))
