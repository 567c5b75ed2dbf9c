"""Sources and resistances given by smooth formulas: by hand, against ngspice, as written."""

import math
import re
from random import Random

import numpy as np
import pytest
from formula_decks import DECKS
from ngspice_tools import requires_ngspice
from transistor_decks import assert_as_written

import resnet_sim as rs
from resnet_sim import parse_netlist
from resnet_sim.laws.intervals import FUNCTIONS as INTERVALS
from resnet_sim.model import clamps
from resnet_sim.model.derivatives import FUNCTIONS as SLOPES
from resnet_sim.model.units import Clamp
from resnet_sim.netlist.expressions.functions import BINARY, FUNCTIONS, NOMINAL, STILL

#: names that are others' by another spelling, or that read nothing from the circuit
SPELLINGS = {"^", "=", "<>", "&", "|", "fabs", "arcsin", "arccos", "arctan", "stp", "ternary_fcn"}
ANY = {**FUNCTIONS, **{name: (2, 2, function) for name, function in BINARY.items()}}
NAMES = sorted(set(ANY) - SPELLINGS - {*NOMINAL, *STILL, "+", "-"})
#: where functions are tried that are not defined everywhere
DOMAIN = {"asin": (-0.9, 0.9), "acos": (-0.9, 0.9), "atanh": (-0.9, 0.9), "acosh": (1.1, 4.0)}
POSITIVE = {"sqrt", "ln", "log", "log10", "pow", "**", "powi"}


def points(name, draw):
    """Arguments for a function."""
    low, high = DOMAIN.get(name, (0.1, 3.0) if name in POSITIVE else (-3.0, 3.0))
    least, most, _ = ANY[name]
    if name in ("table", "pwl"):
        return [draw.uniform(-1, 4), -0.5, 1.0, 0.3, 2.0, 2.9, -1.0]
    count = {"min": 3, "max": 3, "limit": 3}.get(name, least)
    assert count <= most
    return [draw.uniform(low, high) for _ in range(count)]


def spelled(name, arguments):
    if name in BINARY:
        return f"(({arguments[0]}){name}({arguments[1]}))"
    return f"{name}({','.join(arguments)})"


def test_every_function_of_expressions_has_slopes_and_intervals():
    assert {*NAMES, "!"} == set(SLOPES) == set(INTERVALS)


@pytest.mark.parametrize("name", NAMES)
def test_values_and_slopes_are_those_of_the_function(name):
    draw, function = Random(1), ANY[name][2]
    for _ in range(30):
        x = points(name, draw)
        value, slopes = SLOPES[name](*(np.array([v]) for v in x))
        assert value[0] == pytest.approx(function(*x), rel=1e-13, abs=1e-15)
        slopes = [*slopes, *[0.0] * (len(x) - len(slopes))]
        for k, slope in enumerate(slopes):
            ends = [function(*x[:k], x[k] + h, *x[k + 1 :]) for h in (1e-6, -1e-6)]
            differences = (ends[0] - ends[1]) / 2e-6
            assert float(np.ravel(slope)[0]) == pytest.approx(differences, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_intervals_hold_what_the_function_may_be(name):
    draw, function = Random(2), ANY[name][2]
    for _ in range(30):
        x = points(name, draw)
        width = [1e-3 * draw.random() if name not in ("table", "pwl") or not k else 0.0
                 for k in range(len(x))]  # fmt: skip
        ends = [(np.array([v]), np.array([v + w])) for v, w in zip(x, width, strict=True)]
        low, high = INTERVALS[name](ends)
        for _ in range(10):
            inner = [v + w * draw.random() for v, w in zip(x, width, strict=True)]
            value = function(*inner)
            # products of slopes are left out where arguments are moved one at a time
            assert low[0] - 1e-5 <= value <= high[0] + 1e-5
        assert high[0] - low[0] <= 0.5 or name in BINARY or function(*x) == math.floor(function(*x))


@pytest.mark.parametrize("name", NAMES)
def test_a_source_has_the_value_of_the_function(name):
    x = points(name, Random(3))
    if name in ("pow", "pwr", "pwrs"):  # the simulators differ where the base is negative
        x = [abs(v) for v in x]
    sources = "\n".join(f"v{k} a{k} 0 {v!r}" for k, v in enumerate(x))
    arguments = [f"v(a{k})" for k in range(len(x))]
    if name in ("table", "pwl"):  # the points are given
        arguments[1:] = [repr(v) for v in x[1:]]
    deck = f"t\n{sources}\nb1 o 0 v=1+2*{spelled(name, arguments)}\nb2 0 p i=" + (
        f"1m*{spelled(name, arguments)}\nr2 p 0 1k\n"
    )
    op = rs.solve(parse_netlist(deck))
    assert op.certificate.ok, op.certificate.failures
    value = float(ANY[name][2](*x))
    assert op.voltage("o") == pytest.approx(1 + 2 * value, rel=1e-12, abs=1e-13)
    assert op.voltage("p") == pytest.approx(value, rel=1e-12, abs=1e-13)


def solved(*cards):
    op = rs.solve(parse_netlist("\n".join(("t", *cards))))
    assert op.certificate.ok, op.certificate.failures
    return op


def test_a_square_law_by_hand():
    """``(5 - v) / 1k = 1m v^2``: the positive root of ``v^2 + v - 5``."""
    for card in ("b1 b 0 i=1m*v(b)**2", "g1 b 0 poly(1) b 0 0 0 1m", "g1 b 0 cur='1m*pow(v(b),2)'"):
        op = solved("v1 a 0 5", "r1 a b 1k", card, ".nodeset v(b)=2")
        assert op.voltage("b") == pytest.approx((math.sqrt(21) - 1) / 2, rel=1e-13)


def test_a_resistance_may_depend_on_any_voltage():
    for resistance, ohms in (
        ("v(c)", 3.0),
        ("1+v(b)", None),
        ("if(v(c)>1,1,2)", 1.0),
        ("exp(i(vc))", 1),
    ):
        op = solved("v1 a 0 4", "r1 a b 2", f"r2 b 0 r={{{resistance}}}", "vc c 0 3")
        ohms = ohms or 1 + op.voltage("b")
        assert op.voltage("b") == pytest.approx(4 * ohms / (2 + ohms), rel=1e-12)
        assert op.current("r2") == pytest.approx(op.voltage("b") / ohms, rel=1e-12)


def test_polynomials_of_currents_and_of_three_controls():
    op = solved(
        "v1 a 0 2", "v2 b 0 3", "v3 c 0 5", "r1 a 0 1", "r2 b 0 1",
        "e1 o 0 poly(3) a 0 b 0 c 0 1 0 0 0 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
        "f1 0 p poly(2) v1 v2 0 0 0 1 2 3", "rp p 0 1",
    )  # fmt: skip
    x, y, z = 2, 3, 5
    squares = [x * x, x * y, x * z, y * y, y * z, z * z]
    cubes = [
        x**3,
        x * x * y,
        x * x * z,
        x * y * y,
        x * y * z,
        x * z * z,
        y**3,
        y * y * z,
        y * z * z,
        z**3,
    ]
    expected = 1 + sum(c * t for c, t in zip(range(2, 18), squares + cubes, strict=True))
    assert op.voltage("o") == pytest.approx(expected, rel=1e-13)
    assert op.voltage("p") == pytest.approx(x * x + 2 * x * y + 3 * y * y, rel=1e-13)


def test_a_limiter_of_a_product_in_feedback_stays_at_its_rail():
    cards = ("v1 in 0 {}", "b1 o 0 v=limit(1e6*(v(in)-v(o)*v(o)),-12,12)", "r1 o 0 1k")
    op = solved(cards[0].format(4), *cards[1:], ".nodeset v(o)=1")
    assert op.voltage("o") == pytest.approx(2.0, rel=1e-6)
    op = solved(cards[0].format(200), *cards[1:])
    assert op.voltage("o") == pytest.approx(12.0, rel=1e-12)


def test_a_formula_without_a_solution_is_not_solved():
    with pytest.raises(rs.ConvergenceError, match="no operating point of b1"):
        solved("v1 a 0 -1", "r1 a b 1k", "b1 b 0 i=1m*(1+v(b)*v(b))")


def test_three_crossings_of_a_cubic_are_chosen_by_nodeset():
    """``v^3 - v + v / 2 = 0``: 0 is metastable, and the square roots of a half last."""
    cards = ("r1 b 0 2", "b1 b 0 i=v(b)*v(b)*v(b)-v(b)")
    op = solved(*cards, ".nodeset v(b)=0")
    assert op.voltage("b") == 0.0
    assert "W208" in [d.code for d in op.diagnostics]
    # the search begins at 0, and nobody asked for that
    op = solved(*cards)
    assert abs(op.voltage("b")) == pytest.approx(math.sqrt(0.5), rel=1e-12)
    assert not op.diagnostics
    for start in (1, -1):
        op = solved(*cards, f".nodeset v(b)={start}")
        assert op.voltage("b") == pytest.approx(start * math.sqrt(0.5), rel=1e-12)
        assert not op.diagnostics


def test_a_sweep_starts_from_the_point_before():
    circuit = parse_netlist("t\nv1 a 0 0\nr1 a b 1\nb1 b 0 i=4*(v(b)*v(b)*v(b)-v(b))\n")
    up = np.linspace(-4, 4, 80)
    rising = rs.sweep(circuit, v1=up)
    falling = rs.sweep(circuit, v1=up[::-1])
    assert rising.certificate.ok
    a, b = rising.voltage("b"), falling.voltage("b")[::-1]
    assert (np.abs(a - b) > 0.5).sum() > 5
    assert (a <= b + 1e-9).all()


@requires_ngspice
@pytest.mark.parametrize("name", DECKS)
def test_ngspice_has_the_same_voltages_as_written(name):
    assert_as_written(f"{name}\n{DECKS[name]}\n")


@requires_ngspice
@pytest.mark.parametrize("dialect", ["resnet-sim", "ngspice"])
def test_what_is_written_means_the_same(dialect):
    cards = [
        f"b{k} o{k} 0 v={spelled(name, [f'v(a{j})' for j in range(len(x))])}"
        for k, name in enumerate(n for n in NAMES if n not in ("table", "pwl"))
        for x in [points(name, Random(3))]
    ]
    sources = [f"v{k} a{k} 0 {0.35 + 0.3 * k}" for k in range(3)]
    cards = [card for card in cards if "acosh" not in card]
    circuit = parse_netlist("\n".join(("t", *sources, *cards)))
    if dialect == "resnet-sim":
        again = parse_netlist(rs.format_netlist(circuit))
        assert rs.solve(again).node_voltages == pytest.approx(rs.solve(circuit).node_voltages)
    else:
        assert rs.ngspice.compare(circuit).as_solved.status == "agree"


@pytest.mark.slow
@pytest.mark.parametrize("cards", [
    "v1 a 0 1\nr1 a b 1k\nb1 b 0 v={v(b)*v(b)+1}",
    "i1 0 a 1m\nb1 a 0 i={1p*exp(v(a)/.02)+2m+0*i(v9)}\nv9 c 0 1",
    "v1 a 0 5\nr1 a b 1k\nb1 b 0 i={.02/v(b)}",
])  # fmt: skip
def test_a_formula_without_solution_says_so_soon(cards):
    with pytest.raises(rs.ConvergenceError, match=r"in \d+ steps") as caught:
        rs.solve(parse_netlist(f"none\n{cards}\n"))
    assert int(re.findall(r"in (\d+) steps", str(caught.value))[0]) < 3000


@pytest.mark.parametrize(
    ("card", "amps"),
    [
        ("B1 a 0 I=1m*tanh(i(v1)*1k)", lambda i: np.tanh(i)),
        ("G1 a 0 cur='1m*(.5+cos(i(v1)*1k))'", lambda i: 0.5 + np.cos(i)),
        ("B1 0 a I=.2m*(i(v1)*1k)**3", lambda i: -0.2 * abs(i) ** 3),
        ("Rq a 0 R='1k+200*(i(v1)*1k)^2'", lambda i: 2 / (1 + 0.2 * i**2)),
    ],
)
def test_a_formula_may_set_the_current_that_it_depends_on(card, amps):
    """In mA: i + 2 V / 4 kohm + what the formula says = 0."""
    op = rs.solve(f"own current\nV1 a 0 2\nR1 a 0 4k\n{card}\n")
    assert op.certificate.ok
    i = 1e3 * op.current("v1")
    assert i + 0.5 + amps(i) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    "sink", ["E1 m 0 VALUE={1k*i(v1)}", "H1 m 0 V1 1k", "B1 m 0 V=abs(i(v1))*-1k"]
)
def test_currents_of_formulas_count_whatever_they_depend_on(sink):
    """The resistance is across a source, and depends on the voltage of a divider elsewhere."""
    deck = (
        f"elsewhere\nV1 a 0 2\nRq a 0 R='1k+100*v(c)^2'\nV2 d 0 6\nR1 d c 1k\nR2 c 0 1k\n{sink}\n"
    )
    op = rs.solve(deck)
    assert op.certificate.ok
    assert op.voltage("m") == pytest.approx(-2 / 1.9, rel=1e-9)


@pytest.mark.parametrize("formula", ["1k+v(a,a)", "1k*cos(v(b,b))", "abs(1k-2*v(a,a))"])
def test_what_a_resistance_reads_but_does_not_use(formula):
    op = rs.solve(f"constant\nV1 a 0 2\nR1 a b R='{formula}'\nR2 b 0 3k\n")
    assert op.voltage("b") == pytest.approx(1.5)


ALIKE = ("{a}*v(n{k})*v(m{k})", "{a}*tanh(v(m{k})-{b})", "{a}*ln(v(n{k})+{b})", "{a}/(v(m{k})+{b})",
         "pwr(v(m{k}),{b})*{a}", "{a}*v(m{k})*table(v(n{k}),0,0,{b},1)")  # fmt: skip


def test_formulas_that_differ_in_their_numbers_are_each_what_they_are_alone():
    rng = np.random.default_rng(7)
    groups = []
    for k in range(24):
        a, b = (f"{x:.6g}" for x in rng.uniform((1e-5, 0.5), (1e-4, 2.0)))
        formula = ALIKE[k % len(ALIKE)].format(a=a, b=b, k=k)
        ohms = rng.uniform(1e3, 9e3, 3)
        parts = (f"r{k} s n{k}", f"rx{k} n{k} m{k}", f"ry{k} m{k} 0")
        resistors = (f"{part} {x:.6g}\n" for part, x in zip(parts, ohms, strict=True))
        groups.append("".join(resistors) + f"b{k} n{k} 0 i={formula}\n")
    together = rs.solve(rs.parse_netlist("all\nv1 s 0 3\n" + "".join(groups)))
    assert together.certificate.ok
    for k, group in enumerate(groups):
        alone = rs.solve(rs.parse_netlist("one\nv1 s 0 3\n" + group))
        for node in (f"n{k}", f"m{k}"):
            assert together.voltage(node) == pytest.approx(alone.voltage(node), rel=1e-9)


@pytest.mark.parametrize("outer", ["({o} > {k}) ? ({e}) : ({o} * {k})", "({e}) * {o} + 1"])
def test_values_within_values_are_looked_into_once(outer, monkeypatch):
    """What every level has inside is copied by the outermost alone: else depth counts twice."""
    copied, original = [], clamps.inlined

    def inlined(*args):
        copied.append(args)
        return original(*args)

    monkeypatch.setattr(clamps, "inlined", inlined)
    e, expected = "v(a)", 1.5
    volts = {"v(a)": 1.5, "v(b)": 0.25}
    for k in range(1, 60):
        o = "v(a)" if k % 3 else "v(b)"
        x = volts[o]
        expected = (expected if x > k else x * k) if "?" in outer else expected * x + 1
        e = outer.format(e=e, o=o, k=k)
    op = rs.solve(f"nested\nv1 a 0 1.5\nv2 b 0 0.25\nb1 o 0 v={e}\nr1 o 0 1k\n")
    assert op["o"] == pytest.approx(expected, rel=1e-12)
    assert 1 <= len(copied) <= 3


@pytest.mark.parametrize("volts", [-1.0, 2.0])
def test_what_bends_may_cancel_between_values_and_conditions(volts):
    """One branch less the other is straight, or what the condition asks: no jump, exactly."""
    chosen = "v={c} > 0 ? v(a)*v(a)-1 : v(a)*v(a)"
    straight = rs.solve(f"a\nv1 a 0 {volts}\nb1 o 0 {chosen.format(c='v(a)')}\nr1 o 0 1k\n")
    assert straight["o"] == pytest.approx(volts**2 - (volts > 0), rel=1e-12)
    cube = "v(a)*v(a)*v(a)"
    ramp = rs.solve(f"a\nv1 a 0 {volts}\nb1 o 0 v={cube} > 0 ? {cube} : 0\nr1 o 0 1k\n")
    assert ramp["o"] == pytest.approx(max(volts**3, 0.0), rel=1e-12)
    (clamped,) = ramp.circuit.behavioural_sources.parts
    assert any(isinstance(unit, Clamp) and not unit.steep for unit in clamped.units)


@pytest.mark.parametrize("cards", [
    "b1 b 0 i=4*(v(b)*v(b)*v(b)-v(b))",
    "b1 b 0 i=4*v(b)*v(b)*v(b)\nr2 b 0 -.25",
])  # fmt: skip
def test_which_states_last_where_conductances_are_negative(cards):
    """i = 4 (v^3 - v) behind 1 ohm: its linear part is a negative conductance."""

    def codes(op):
        return {d.code for d in op.diagnostics} - {"W207"}

    circuit = parse_netlist(f"t\nv1 a 0 0\nr1 a b 1\n{cards}\n")
    outer = rs.solve(circuit.with_values({"v1": 4.0}))
    assert 4 * outer["b"] ** 3 - 3 * outer["b"] == pytest.approx(4.0, rel=1e-12)
    assert not codes(outer)
    at_rest = rs.solve(circuit)
    # 4 v^3 = 3 v: the slope 4 (3 v^2 - 1) + 1 is 6 at both ends and -3 between
    assert abs(at_rest["b"]) == pytest.approx(np.sqrt(0.75), rel=1e-12)
    assert not codes(at_rest)
    assert codes(rs.solve(circuit, start={"b": 0.0})) == {"W208"}
