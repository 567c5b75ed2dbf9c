"""Current limiters: against exhaustion, with feedback and switches, and what can't be solved."""

from random import Random

import numpy as np
import pytest
from limiter_states import solutions

import resnet_sim as rs
from resnet_sim import CircuitBuilder, TopologyError, parse_netlist
from resnet_sim import training as tr


def random_circuit(seed: int):
    """A connected network of resistors with sources and limiters, one of them from a source."""
    draw = Random(seed)
    b = CircuitBuilder(f"limiters {seed}")
    nodes = ["0", *(f"n{k}" for k in range(draw.randint(2, 6)))]
    for k, node in enumerate(nodes[1:]):
        b.resistor(f"r{k}", node, draw.choice(nodes[: k + 1]), 10.0 ** draw.uniform(1, 4))
    b.voltage_source("v1", "in", "0", draw.uniform(-5, 5))
    b.resistor("rin", "in", nodes[-1], 10.0 ** draw.uniform(1, 4))
    for k in range(draw.randint(0, 2)):
        b.current_source(f"i{k}", *draw.sample(nodes, 2), draw.uniform(-5e-3, 5e-3))
    for k in range(draw.randint(1, 5)):
        ends = draw.sample(["in", *nodes], 2)
        ratio = draw.choice([1.0, 1.0, 0.0, 0.3, 4.0])
        b.limiter(f"y{k}", *ends, 10.0 ** draw.uniform(-5, -1), ratio=ratio)
    return b.build()


@pytest.mark.parametrize("method", ["auto", "newton", "cd"])
def test_random_circuits_agree_with_exhaustion(method):
    for seed in range(120):
        circuit = random_circuit(seed)
        op = rs.solve(circuit, method=method)
        assert op.certificate.ok, (seed, op.certificate.failures)
        found = solutions(circuit)
        assert found, seed
        size, most = np.abs(op.node_voltages).max(), np.abs(op.element_currents).max()
        first = circuit.first["limiters"]
        ours = op.element_currents[first:]
        assert any(
            np.allclose(v, op.node_voltages, rtol=0, atol=1e-7 * size)
            and (op.nonunique or np.allclose(i, ours, rtol=0, atol=1e-7 * most))
            for v, i in found
        ), seed


def solved(lines: str):
    return rs.solve(parse_netlist(f"limiters\n{lines}\n"))


def test_series_takes_the_smaller_and_parallel_the_sum():
    series = solved("v1 a 0 10\ny1 a b 3m\ny2 b c 1m\nr1 c 0 1k")
    assert series.current("r1") == pytest.approx(1e-3, rel=1e-12)
    assert series.voltage("b") == pytest.approx(10.0)  # the larger one is a short
    both = solved("v1 a 0 10\ny1 a b 3m\ny2 a b 1m\nr1 b 0 1k")
    assert both.voltage("b") == pytest.approx(4.0, rel=1e-12)


def test_each_direction_has_its_own_limit():
    for volts, amps in ((10, 1e-3), (-10, -2e-3), (0.5, 0.5e-3), (-1.5, -1.5e-3)):
        op = solved(f"v1 a 0 {volts}\ny1 a b 1m ratio=2\nr1 b 0 1k")
        assert op.current("y1") == pytest.approx(amps, rel=1e-12)


def test_a_limit_far_above_the_currents_is_certified_and_one_of_nothing_is_open():
    op = solved("v1 a 0 1m\ny1 a b 10\nr1 b 0 1k")
    assert op.certificate.ok
    assert op.current("y1") == pytest.approx(1e-6)
    # the current is what is left of the limit: of some too little is left to be certain
    assert not solved("v1 a 0 1u\ny1 a b 1meg\nr1 b 0 1k").certificate.ok
    op = solved("v1 a 0 1\ny1 a b 0\nr1 b 0 1k")
    assert op.voltage("b") == 0.0


@pytest.mark.parametrize(
    "lines",
    [
        "r0 n1 n2 289.52\nv0 n3 n0 0.017292\ny0 n1 n3 1m ratio=inf\ny1 n3 0 1p ratio=1\nd0 n2 0 d\n"
        ".model d d(ron=0)",
        "r0 0 n0 14606\nr1 0 n0 1.5505\nr2 n2 n0 91482\nr3 n3 n1 3734.7\nr4 n0 n2 1420\n"
        "v0 n0 n1 2.6861\ny0 n3 n4 1m ratio=inf",
        "r0 n0 n3 10609\nr1 n2 0 77.781\nr2 n0 n4 140310\nr3 n4 n1 176.9\nv0 0 n1 -2.0081\n"
        "y0 n1 n4 1m ratio=0\ny1 n3 n4 0 ratio=inf\ndj 0 n4 dj\n.model dj d(is=1e-14)",
        "r0 n2 n1 823780\nv0 0 n1 0.021419\ny0 n2 n0 1m ratio=1\ny1 n1 n3 1m ratio=0",
        "r0 n3 n2 515010\nv0 n1 n3 -3.1381\ny0 n1 n2 1u ratio=0\ndj n1 0 dj\n.model dj d",
    ],
)
def test_where_next_to_nothing_flows_a_limit_says_what_is_rounding(lines):
    op = solved(lines)
    assert op.certificate.ok, op.certificate.failures
    assert max(map(abs, op.currents.values())) < 1e-11


def test_an_amplifier_with_a_limited_output():
    op = solved("vin in 0 1\nr1 in n 1k\nr2 n out 10k\ne1 o 0 0 n 1e6\ny1 o out 2m\nrl out 0 1k")
    # the output falls to where 2 mA flow: out/1k + (out - n)/10k = -2m, (in - n)/1k = (n - out)/10k
    n = (10e3 * 1.0 + 1e3 * op.voltage("out")) / 11e3
    assert op.voltage("n") == pytest.approx(n, rel=1e-9)
    assert op.current("y1") == pytest.approx(-2e-3, rel=1e-9)
    assert op.certificate.ok


def test_a_switch_follows_what_a_limiter_lets_through():
    lines = "v1 a 0 {}\ny1 a b 1m\nr1 b 0 1k\ns1 c 0 b 0 m\nr2 a c 1k\n.model m sw(vt=0.9 ron=0)"
    assert solved(lines.format(0.5)).closed.tolist() == [False]
    assert solved(lines.format(5)).closed.tolist() == [True]


def test_a_current_that_no_limiter_lets_through_is_refused_and_they_are_named():
    with pytest.raises(TopologyError, match="i1 can't leave node a through y1") as caught:
        solved("i1 0 a 2m\ny1 a b 1m\ny2 b 0 5m")
    assert set(caught.value.elements) == {"i1", "y1"}
    with pytest.raises(TopologyError, match="y2"):
        solved("i1 0 a 2m\ny1 a b 5m\ny2 b 0 1m ratio=9")


def test_one_way_limiters_short_sources_as_diodes_do():
    with pytest.raises(TopologyError, match="ideal limiter y1 shorts v1"):
        solved("v1 0 a 1\ny1 a 0 1m ratio=inf")


def test_limiters_side_by_side_share_a_current_in_many_ways():
    op = solved("v1 a 0 1\ny1 a b 1m\ny2 a b 1m\nr1 b 0 1k")
    assert set(op.nonunique) == {"y1", "y2"}
    assert op.voltage("b") == pytest.approx(1.0)


def test_bad_limits_are_refused():
    b = CircuitBuilder()
    for amps, ratio in ((-1.0, 1.0), (1.0, -1.0), (float("nan"), 1.0)):
        with pytest.raises(rs.UsageError):
            b.limiter("y1", "a", "0", amps, ratio=ratio)
    b.limiter("y1", "a", "0", 1.0)
    with pytest.raises(rs.UsageError, match="negative"):
        b.build().with_values({"y1": -1.0})


def test_a_limit_is_swept_by_its_card():
    circuit = parse_netlist("t\nv1 a 0 5\ny1 a b 1m\nr1 b 0 1k\n.dc y1 1m 3m 1m\n")
    (op,) = rs.run(circuit)
    assert op.voltage("b") == pytest.approx([1.0, 2.0, 3.0])


def test_many_points_side_by_side_are_those_found_one_by_one():
    circuit = random_circuit(5)
    op = rs.monte_carlo(circuit, {"r*": 0.5, "v1": 0.9}, 1500)
    assert op.certificate.ok
    assert op.node_voltages.shape == (1500, len(circuit.nodes))
    first = circuit.first["limiters"]
    limits = circuit.tables["limiters"].amps
    at_limit = np.isclose(op.element_currents[:, first:], limits, rtol=1e-9)
    assert at_limit.any(axis=0).any()
    assert not at_limit.all(axis=0).all()


def test_networks_with_several_limiters_learn():
    b = CircuitBuilder()
    for k in range(3):
        b.voltage_source(f"v{k}", f"in{k}", "0")
        for j in range(4):
            b.resistor(f"r{k}{j}", f"in{k}", f"m{j}", 1e3 * (1 + k + j))
    for j in range(4):
        b.limiter(f"y{j}", f"m{j}", "out", 0.2e-3, ratio=0.5)
    b.resistor("rl", "out", "0", 700.0)
    circuit = b.build()
    net = tr.Network(circuit, inputs=["v0", "v1", "v2"], outputs=["out"], trainable="r*")
    X = np.random.default_rng(0).normal(size=(40, 3)) * 3
    found = net.forward(X)[:, 0]
    for x, out in zip(X, found, strict=True):
        op = rs.solve(circuit.with_values(dict(zip(("v0", "v1", "v2"), x, strict=True))))
        assert out == pytest.approx(op.voltage("out"), rel=1e-9, abs=1e-12)
    Y = np.zeros((40, 1))
    exact = tr.gradient(net, X, Y, rule=tr.Adjoint())
    rule = tr.EquilibriumPropagation(beta=1e-9, variant="positive")
    size = np.abs(exact).max()
    assert tr.gradient(net, X, Y, rule=rule) == pytest.approx(exact, rel=1e-3, abs=1e-4 * size)


def test_what_a_limiter_lets_through_must_come_from_somewhere():
    # e0 and v0 fix v(n0), which hangs on the limiter alone: it would have to let its picoampere
    # through; rounding of volts must not hide that
    deck = """limiter as the only way
    r0 n1 n2 55.801
    r1 0 n1 3.9964
    r3 n3 n2 32.584
    r4 n4 n0 1.9072
    r5 n3 0 732.92
    v0 0 n2 2.1542
    y0 n0 n3 1p ratio=0
    e0 n2 0 n0 0 -2.408
    """
    with pytest.raises(TopologyError, match="has no solution"):
        rs.solve(deck)


def test_a_junction_beside_a_limiter_carries_nothing():
    # its first tangent has the right current at the wrong voltage
    deck = """junction, limiter and diodes that float
    r0 n0 0 105.07k
    v0 n2 n4 1.6798
    y0 n4 n2 1u ratio=0
    y1 n1 n4 1p ratio=1
    d0 n0 n4 d
    dj n1 n4 dj
    .model d d(ron=0)
    .model dj d(is=1e-14)
    """
    op = rs.solve(deck)
    assert op.certificate.ok
    assert op.voltage("n1", "n4") == pytest.approx(0.0, abs=1e-12)
    assert op.current("dj") == pytest.approx(0.0, abs=1e-24)


def test_megavolts_elsewhere_excuse_no_microampere():
    # n4 is at -7.84 MV: two states of y3 and b2 contradict KCL at n1 by less than that rounds to
    deck = """limiter at a node that a switch leaves
    r0 n0 0 229.7
    r1 0 n5 1658
    r2 0 n0 624.4
    r3 n3 n2 522.5
    r4 n0 n2 444
    vin n0 0 -8.597
    s0 n1 n3 n4 0 sw
    s1 n4 n5 n1 0 sw
    rq2 o2 n3 1369
    b2 o2 0 v=limit(1e6*v(n0,n1),-1,1)
    y3 n1 n3 10u ratio=0
    i5 n4 n2 0.00784
    .model sw sw(vt=.5 vh=0 ron=1 roff=1e9)
    """
    op = rs.solve(deck)
    assert op.certificate.ok, op.certificate.failures
    assert op.voltage("o2") == -1.0 and op.current("y3") == 0.0


@pytest.mark.parametrize("lines", [
    # a group that diodes join, within which 158 mA flow, leans on ground by resistors alone
    "r0 n3 n1 26135\nr1 n0 n3 15.226\nr2 n0 n2 478.27\nr3 n2 0 491.89\nr4 n3 n2 83304\n"
    "r5 0 n1 3982.9\nr6 n0 0 9.3555e+05\nv0 n3 n1 2.4104\ny0 n1 n0 0 ratio=inf\n"
    "d0 n1 0 d\nd1 n2 n1 d\n.model d d(ron=0)",
    # next to nothing flows through a limiter of 10 uA
    "r0 n2 0 4219\nr1 0 n1 2.05e+05\nvin n0 0 -6.429\ny0 n1 0 10u ratio=inf\nrq1 o1 n1 4.302e+05\n"
    "b1 o1 0 v=1*sgn(v(n2,0))\nrq2 o2 n2 14.99\nb2 o2 0 v=limit(1e6*v(0,n1),-12,12)",
])  # fmt: skip
def test_what_flows_elsewhere_leaves_no_rounding_where_nothing_flows(lines):
    op = solved(lines)
    assert op.certificate.ok, op.certificate.failures
    assert op.voltage("n1") == 0.0
