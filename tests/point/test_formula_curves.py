"""Currents that rise with their own voltage are curves: unique, certified, and others' answers."""

import math

import numpy as np
import pytest
from ngspice_tools import as_written, requires_ngspice
from scipy.optimize import brentq

import resnet_sim as rs
from resnet_sim import CircuitBuilder, parse_netlist

LAWS = {
    "1e-4*sinh(3*x)": lambda v: 1e-4 * math.sinh(3 * v),
    "2m*tanh(x/2)+x/100k": lambda v: 2e-3 * math.tanh(v / 2) + v / 1e5,
    "1m*x*abs(x)+1u": lambda v: 1e-3 * v * abs(v) + 1e-6,
    "1e-14*(exp(x/0.025)-1)": lambda v: 1e-14 * math.expm1(v / 0.025),
    "pwl(x,-1,-1m,0,0,1,1m,2,5m)": lambda v: 1e-3 * v if v <= 1 else 4e-3 * v - 3e-3,
    "min(MAX(x/100,-1m),2m)": lambda v: min(max(v / 100, -1e-3), 2e-3),
    "x>0 ? x/1k : x/10k": lambda v: v / 1e3 if v > 0 else v / 1e4,
}


def spelled(formula, across):
    kept = {"exp": "EX_P", "MAX": "MA_X"}
    for name, safe in kept.items():
        formula = formula.replace(name, safe)
    return formula.replace("x", across).replace("EX_P", "exp").replace("MA_X", "max")


@pytest.mark.parametrize("volts", [-4.0, 0.3, 7.0])
@pytest.mark.parametrize("formula", LAWS)
def test_one_in_series_with_a_resistor_is_where_bisection_finds_it(formula, volts):
    deck = f"one\nv1 a 0 {volts}\nr1 a b 500\nb1 b 0 i={spelled(formula, 'v(b)')}\n"
    op = rs.solve(parse_netlist(deck))

    def left(v):
        return LAWS[formula](v) + (v - volts) / 500

    assert op.voltage("b") == pytest.approx(brentq(left, -9, 9, xtol=1e-15), rel=1e-11)
    assert op.certificate.ok and op.unique == "unique"


def network(seed, nodes=12):
    """A random deck of resistors and of all laws, between a few sources."""
    rng, cards = np.random.default_rng(seed), ["curves"]
    for k in range(1, nodes + 1):
        cards.append(f"r{k} n{k} {f'n{rng.integers(1, k)}' if k > 1 else '0'} "
                     f"{10 ** rng.uniform(2, 5):.0f}")  # fmt: skip
        p, q = rng.choice(nodes + 1, 2, replace=False)
        ends = [f"n{x}" if x else "0" for x in (p, q)]
        across = f"(0-v({ends[1]}))" if p == 0 else f"v({','.join(ends)})".replace(",0)", ")")
        law = spelled(list(LAWS)[rng.integers(len(LAWS))], across)
        cards.append(f"b{k} {' '.join(ends)} i={law}")
    cards += [f"v{k} s{k} 0 {rng.uniform(-9, 9):.3f}\nrs{k} s{k} n{3 * k} 220" for k in range(1, 4)]
    return "\n".join([*cards, ""])


@pytest.mark.parametrize("seed", range(20))
def test_networks_are_solved_from_anywhere_to_the_same_point(seed):
    circuit = parse_netlist(network(seed))
    op = rs.solve(circuit)
    assert op.certificate.ok and op.unique == "unique"
    assert "feedback" not in op.solver.method and "(" not in op.solver.method
    start = dict.fromkeys(circuit.nodes[1:], 5.0)
    np.testing.assert_allclose(
        rs.solve(circuit, start=start).node_voltages, op.node_voltages, rtol=1e-9, atol=1e-12
    )


@requires_ngspice
def test_ngspice_has_the_same_voltages(tmp_path):
    decks = [network(seed) for seed in range(12)]
    options = ".options reltol=1e-9 abstol=1e-15 vntol=1e-12 gmin=1e-15\n"
    agreed = 0
    for deck, theirs in zip(decks, as_written([d + options for d in decks], tmp_path), strict=True):
        if theirs is None:
            continue
        op = rs.solve(parse_netlist(deck))
        for node in op.circuit.nodes[1:]:
            assert op.voltage(node) == pytest.approx(theirs[f"v({node})"], rel=1e-6, abs=1e-9)
        agreed += 1
    assert agreed >= 8


def test_thousands_of_one_kind_are_one_curve():
    b = CircuitBuilder("memristors")
    b.voltage_source("v1", "n0", "0", 3.0)
    rng = np.random.default_rng(0)
    cards = ["memristors", "v1 n0 0 3"]
    for k in range(400):
        a, g = 10 ** rng.uniform(-6, -3), rng.uniform(1, 4)
        cards.append(f"b{k} n{k} n{k + 1} i={a:.5g}*sinh({g:.5g}*v(n{k},n{k + 1}))")
        cards.append(f"r{k} n{k + 1} 0 {10 ** rng.uniform(3, 6):.0f}")
    op = rs.solve(parse_netlist("\n".join([*cards, ""])))
    assert op.certificate.ok and op.unique == "unique"


def test_where_no_current_can_flow_back_there_is_no_solution():
    with pytest.raises(rs.TopologyError, match="can't reach"):
        rs.solve(parse_netlist("none\ni1 0 a 1m\nb1 a 0 i={1p*exp(v(a)/.02)+2m}\n"))


def test_a_junction_is_unique_too():
    op = rs.solve(parse_netlist("led\nv1 a 0 5\nr1 a b 330\nd1 b 0 led\n.model led D(is=1p n=2)\n"))
    assert op.unique == "unique"


def test_tangents_that_are_singular_at_the_start_are_not_the_end():
    # v**3 - v has no slope and no value at 0 beside 1 mS
    op = rs.solve(parse_netlist("t\nv1 a 0 5\nr1 a b 1k\nb1 b 0 i={1m*(v(b)*v(b)*v(b)-v(b))}\n"))
    assert op.voltage("b") == pytest.approx(5 ** (1 / 3), rel=1e-12)
    assert op.certificate.ok and op.unique == "unknown"


@pytest.mark.parametrize("volts", [-5.0, 0.3, 5.0])
def test_what_a_blocking_maximum_leaks_is_not_lost_beside_its_slope(volts):
    """Diodes as max and min of lines of 1 kS and 1e-20 S, as in published learning networks."""
    deck = f"""clamps
v1 a 0 {volts}
r1 a b 1k
bd b 0 I={{ max(((V(b) - 0.7)/1e+20), ((V(b) - 0.7)/0.001)) }}
bu b 0 I={{ min(((V(b) + 0.7)/1e+20), ((V(b) + 0.7)/0.001)) }}
"""
    op = rs.solve(parse_netlist(deck))
    assert op.certificate.ok, op.certificate.failures
    v = op.voltage("b")
    inner = (volts / 1e3) / (1 / 1e3 + 2e-20)
    outer = (volts / 1e3 + np.sign(volts) * 0.7e3) / (1 / 1e3 + 1e3)
    assert v == pytest.approx(inner if abs(inner) < 0.7 else outer, rel=1e-12)
    for name, knee in (("bd", 0.7), ("bu", -0.7)):
        beyond = (v - knee) * knee > 0
        assert op.current(name) == pytest.approx((v - knee) * (1e3 if beyond else 1e-20), rel=1e-9)
