"""Feedback: which solutions are told apart, and what of them is not unique."""

import math
from fractions import Fraction

import numpy as np
import pytest
from rationals import solve_dense

from resnet_sim import (
    CircuitBuilder,
    ConvergenceError,
    OperatingPoint,
    TopologyError,
    parse_netlist,
    solve,
)
from resnet_sim.graph.mixed import MixedProblem
from resnet_sim.solvers import complementarity
from resnet_sim.solvers.singular import Square


def undefined(point: OperatingPoint) -> set[str]:
    """The nodes and elements without a defined voltage or current."""
    names = (*point.circuit.nodes, *point.circuit.element_names)
    values = (*point.node_voltages, *point.element_currents)
    return {name for name, value in zip(names, values, strict=True) if math.isnan(value)}


def cancelling(*resistors: tuple[str, str, float]) -> CircuitBuilder:
    """1 V between s and ground, and resistors r0, r1, ..."""
    b = CircuitBuilder("cancelling")
    b.voltage_source("v1", "s", "0", 1.0)
    for k, (p, q, ohms) in enumerate(resistors):
        b.resistor(f"r{k}", p, q, ohms)
    return b


@pytest.mark.parametrize("ohms", [1e3, 0.0033, 4.7])
def test_resistors_that_cancel_in_series_short_equal_voltages_by_a_free_current(ohms):
    b = cancelling(("s", "m", ohms), ("m", "t", -ohms), ("s", "0", 2.0))
    b.voltage_source("v2", "t", "0", 1.0)
    point = solve(b.build())
    assert point.certificate.ok
    assert undefined(point) == {"m", "r0", "r1", "v1", "v2"}
    assert point.current("r2") == pytest.approx(0.5)


@pytest.mark.parametrize("ohms", [1e3, 0.0033, 4.7])
def test_resistors_that_cancel_side_by_side_leave_what_feeds_them_defined(ohms):
    point = solve(cancelling(("s", "a", 2.0), ("a", "b", ohms), ("a", "b", -ohms)).build())
    assert point.certificate.ok
    assert undefined(point) == {"b", "r1", "r2"}
    assert (point.voltage("a"), point.current("v1")) == (1.0, 0.0)


def test_currents_within_a_floating_part_are_defined_where_nothing_passes_its_edge():
    b = cancelling(("s", "b", 3.0), ("s", "b", -3.0), ("b", "c", 2.0))
    b.vcvs("e1", "c", "b", "s", "0", 4.0)
    point = solve(b.build())
    assert undefined(point) == {"b", "c", "r0", "r1"}
    assert (point.current("r2"), point.current("e1")) == (-2.0, -2.0)


@pytest.mark.parametrize("ohms", [1e3, 0.0033, 4.7])
@pytest.mark.parametrize("least", [None, 1.5])
def test_current_of_a_diode_between_resistors_that_cancel_is_undefined(ohms, least):
    """It drives any current around the loop; with `least`, none is another solution."""
    b = cancelling(("n1", "s", ohms), ("s", "n2", -ohms))
    b.diode("d1", "n2", "n1")
    if least is not None:
        b.voltage_source("v2", "t", "0", least)
        b.diode("d2", "t", "n1")
    point = solve(b.build(), start={"n1": 2.0, "n2": 2.0})
    assert point.certificate.ok
    assert undefined(point) >= {"n1", "n2", "r0", "r1", "d1"}
    assert "v1" not in undefined(point)
    assert point.current("v1") == pytest.approx(0.0, abs=1e-9)


def test_solutions_that_a_free_current_joins_are_not_several():
    """A current of 1 A, in part around the diode, leaves m between two bounds."""
    b = cancelling(("s", "m", 1.0), ("m", "t", -1.0))
    b.current_source("i1", "0", "t", 1.0)
    b.diode("d1", "t", "s")
    b.diode("d2", "s", "m")
    point = solve(b.build())
    assert point.certificate.ok
    assert "W205" not in {d.code for d in point.diagnostics}
    assert {"m", "r0", "r1", "d1"} <= undefined(point) | set(point.nonunique)


@pytest.mark.parametrize("ohms", [3.0, 10.0, 49.0, 1e3])
def test_gain_that_cancels_a_resistor_exactly_has_no_solution(ohms):
    """1 / ohms has no exact double: what rounding leaves must not be divided by."""
    b = CircuitBuilder("h")
    b.voltage_source("vs", "a", "b", 5.0)
    b.resistor("r1", "b", "0", ohms)
    b.ccvs("h1", "a", "0", "vs", ohms)
    with pytest.raises(TopologyError):
        solve(b.build())


def test_singular_systems_are_solved_to_the_last_digit():
    """Conductances over six decades; the last two columns are proportional.

    Powers of two, so that the last row is the sum of others to the last bit.
    """
    rng = np.random.default_rng(1)
    matrix = rng.integers(1, 9, (6, 6)) * 2.0 ** rng.integers(-10, 11, (6, 6))
    matrix[:, 5] = 2 * matrix[:, 4]
    matrix[5] = matrix[3] + matrix[4]
    rhs = matrix @ np.array([1.0, -2.0, 3.0, 0.5, 4.0, 0.0])
    square = Square(matrix.astype(np.longdouble))
    x, _, _, consistent = square.solve(rhs.astype(np.longdouble))
    assert consistent
    assert square.null.tolist() == [False] * 4 + [True] * 2
    rows = [
        [Fraction(v) for v in (*row[:5], right)] for row, right in zip(matrix, rhs, strict=True)
    ]
    true = solve_dense(rows[:5], 5)[0]
    np.testing.assert_allclose(x[:4], [float(v) for v in true[:4]], rtol=4e-16)


def test_an_inexact_twin_does_not_evict_a_solution_of_another_set():
    """Two sets give z = 2, one of them off by rounding of something large; z = 1 is exact."""
    problem = MixedProblem.dense(
        np.zeros((1, 1)), np.zeros((1, 3)),
        np.zeros(1), np.array([[1.0], [0.0], [0.0]]),
        np.array([2.0, 0.0, 0.0]), np.zeros(3),
    )  # fmt: skip

    def at(z: float, *current: float) -> complementarity.MixedSolution:
        none = np.zeros(1, dtype=np.bool_)
        three = np.zeros(3, dtype=np.bool_)
        return complementarity.MixedSolution(
            np.array([z]), np.zeros(1), np.array(current), none, three
        )

    search = complementarity.Search(problem)
    passed = [at(1.0, 0.0, 1.0, 0.0), at(2.0 + 1e-12, 1.0, 0.0, 0.0), at(2.0, 1.0, 0.0, 1.0)]
    groups = complementarity._strict_only(search, passed, 0.0)
    assert [group[0].z[0] for group in groups] == [1.0, 2.0]


def limited(b: CircuitBuilder) -> OperatingPoint:
    b.limiter("y1", "s", "m", 2.0, ratio=1.0)
    b.resistor("r1", "m", "0", 4.0)
    return solve(b.build())


def test_a_limiter_beside_a_free_current_is_defined():
    """Resistors that cancel leave currents free; the limiter hangs on their ends alone."""
    b = cancelling()
    b.resistor("ra", "s", "x", 7.0)
    b.resistor("rb", "x", "t", -7.0)
    b.voltage_source("v2", "t", "0", 1.0)
    point = limited(b)
    assert undefined(point) == {"x", "ra", "rb", "v1", "v2"}
    assert (point.current("y1"), point.voltage("m")) == (0.25, 1.0)


@pytest.mark.parametrize("amps", [0.5, 2.0])
def test_a_limiter_that_a_free_current_passes_is_undefined_where_it_does_not_limit(amps):
    """m may have any voltage: what the loop carries, up to the limits, is free."""
    b = cancelling(("s", "m", 7.0), ("m", "t", -7.0), ("s", "0", 1.0))
    b.limiter("y1", "t", "s", amps, ratio=1.0)
    point = solve(b.build())
    assert point.certificate.ok
    assert undefined(point) | set(point.nonunique) >= {"m", "r0", "r1", "y1"}
    assert point.current("r2") == pytest.approx(1.0)
    assert point.current("v1") == pytest.approx(-1.0)


@pytest.mark.parametrize("back", [0.0, 1.0])
def test_a_limiter_between_a_feedback_stage_and_a_cascade_keeps_its_own_law(back):
    """The amplifier's own loop leaves m free; its output feeds the limiter's part."""
    b = cancelling(("s", "m", 3.0), ("m", "t", -3.0))
    b.voltage_source("v2", "t", "0", 1.0)
    b.vcvs("e1", "o", "0", "s", "0", 10.0)
    b.limiter("y1", "o", "p", 2.0, ratio=back)
    b.resistor("rp", "p", "0", 4.0)
    point = solve(b.build())
    assert undefined(point) == {"m", "r0", "r1", "v1", "v2"}
    assert (point.current("y1"), point.voltage("p")) == (2.0, 8.0)


def test_a_source_beside_a_negative_resistor_counts_once():
    """Its stage is solved like feedback although it hangs on nothing there."""
    b = cancelling(("s", "a", 2.0), ("a", "0", -3.0), ("b", "0", 2.0))
    b.vcvs("e1", "b", "0", "s", "0", 4.0)
    point = solve(b.build())
    assert point.certificate.ok
    assert (point.voltage("a"), point.voltage("b")) == (pytest.approx(3.0), 4.0)


def test_sums_of_decimals_that_diodes_short_are_no_contradiction():
    """0.1 V and 0.2 V against 0.3 V, held together by two ideal diodes."""
    b = CircuitBuilder("decimals")
    b.voltage_source("v1", "a", "0", 0.1)
    b.voltage_source("v2", "b", "a", 0.2)
    b.voltage_source("v3", "c", "0", 0.3)
    b.resistor("r1", "c", "0", 1.0)
    b.voltage_source("v4", "d", "c", 0.0)
    b.diode("d1", "b", "x")
    b.diode("d2", "x", "d")
    assert solve(b.build()).certificate.ok
    b.voltage_source("v5", "e", "b", 1e-9)
    b.diode("d3", "e", "x")
    with pytest.raises(TopologyError):
        solve(b.build())


@pytest.mark.parametrize("ohms", [1.0, 1e9, 1e12, 1e15, 1e30])
def test_voltages_beside_a_limited_current_do_not_depend_on_the_unit_of_resistance(ohms):
    # at b, where v is the larger one: 1 - v = v + v/2 - .3 v
    b = f".3*max(v(b),2*v(c)-.1)/{ohms}"
    cards = [f"r{p}{q} {p} {q} {ohms}" for p, q in ("ab", "b0", "bc", "c0")]
    op = solve("\n".join(["t", "v1 a 0 1", *cards, f"b1 0 b i={b}", ""]))
    assert op.certificate.ok
    assert not op.diagnostics
    assert op["b"] == pytest.approx(1 / 2.2, rel=1e-9)
    assert op["c"] == pytest.approx(0.5 / 2.2, rel=1e-9)


def test_a_source_that_is_its_own_control_in_nine_ways_leaves_every_voltage():
    """v = max(v, ..., v, 1): each v from 1 V on solves it."""
    law = "1"
    for _ in range(9):
        law = f"max(v(b),{law})"
    op = solve(parse_netlist(f"tied\nB1 0 b I={law}\nR1 b 0 1\n.end"))
    assert op.floating == ("b",)


def test_a_start_of_six_digits_selects_a_solution_also_where_other_stages_come_later():
    """29.4207 V across d6 is a second solution of a1 and a2; out hangs on a stage of its own."""
    b = CircuitBuilder("two stages")
    for name, p, q, ohms in [
        ("r1", "in", "a1", 3.3),
        ("r2", "in", "out", 150.0),
        ("r3", "out", "b1", 1.0),
    ]:
        b.resistor(name, p, q, ohms)
    b.resistor("r4", "b1", "b2", 0.1)
    b.resistor("r5", "b1", "0", 68.0)
    b.voltage_source("v1", "in", "0", 3.3)
    for name, p, q, volts in [("d5", "a1", "0", 0.0), ("d6", "a1", "a2", 29.4207)]:
        b.diode(name, p, q, v_forward=volts)
    b.vcvs("e3", "a2", "0", "a1", "0", 1e5)
    b.vcvs("e11", "b2", "0", "b1", "0", 1e6)
    circuit = b.build()
    low = -29.4207 * 1e5 / (1e5 - 1)
    assert solve(circuit)["a2"] == 0.0
    for start in ({"a2": float(f"{low:.6g}")}, {"a2": low, "out": solve(circuit)["out"]}):
        assert solve(circuit, start=start)["a2"] == pytest.approx(low, rel=1e-12)


# ---- conductances that don't fit into one double ----

LOST = """t
R1 0 n1 677
R2 n1 n2 0.14
R3 n1 n3 5.1
Rx n1 n2 1e-18
I0 n3 n2 1u
D0 n3 n1 dm
.model dm d
G0 n1 n2 n3 n2 0.3
"""


def test_what_rounding_leaves_nothing_of_is_told_with_the_resistors_to_blame():
    (found,) = [d for d in solve(LOST).diagnostics if d.code == "W201"]
    assert "R1" not in found.message
    assert "r1 (677 ohm) may be nothing beside rx (1e-18 ohm)" in found.message
    assert "rounding" in found.message
    assert "nothing fixes" not in found.message
    (island,) = [
        d for d in solve("t\nV1 a 0 1\nR1 x y 1\nR2 a 0 1e-9").diagnostics if d.code == "W201"
    ]
    assert "nothing fixes" in island.message


def test_that_there_is_no_solution_is_not_said_where_rounding_may_hide_it():
    # v(n4) = 0 exactly, n1 and n3 as I0 says
    text = """t
R1 0 n1 .9
R3 n1 n3 2.4e-14
Rx n3 n1 4.9e-17
R4 n1 n4 8e5
I0 0 n3 4e-13
G0 n4 n3 0 n4 .46
"""
    try:
        op = solve(text)
    except ConvergenceError as error:
        assert "r4 (800000 ohm) may be nothing beside rx (4.9e-17 ohm)" in str(error)
    else:
        assert op.voltage("n1") == pytest.approx(3.6e-13, rel=1e-4)
