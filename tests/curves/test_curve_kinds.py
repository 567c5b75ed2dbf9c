"""Monotone curves: points of lines, of functions, and the chords that stand for them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from resnet_sim.curves.chords import chords, split
from resnet_sim.curves.function import FunctionCurve
from resnet_sim.curves.junction import JunctionCurve
from resnet_sim.curves.straight import StraightCurve

FUNCTIONS = {
    "sinh": (lambda v: 1e-4 * np.sinh(3 * v), lambda v: 3e-4 * np.cosh(3 * v)),
    "cubic": (lambda v: v**3, lambda v: 3 * v**2),
    "tanh": (lambda v: 1e-3 * np.tanh(v), lambda v: 1e-3 / np.cosh(np.clip(v, -300, 300)) ** 2),
}


def curve_of(name, rows=1):
    function, slope = FUNCTIONS[name]
    limits = np.full(rows, -np.inf), np.full(rows, np.inf)
    return FunctionCurve(lambda v, _: (function(v), slope(v)), np.arange(rows), limits)


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=60, deadline=None)
@given(st.floats(-8, 8), st.floats(-3, 9))
def test_a_function_is_met_where_bisection_meets_it(name, volts, decades):
    function, _ = FUNCTIONS[name]
    goal, ohms = np.copysign(10.0**volts, volts), 10.0**decades
    with np.errstate(all="ignore"):
        met = curve_of(name).point(np.array([goal]), np.array([ohms]))

        def rest(v):
            return v + ohms * min(max(function(v), -1e280), 1e280) - goal

        expected = brentq(rest, min(goal, 0.0), max(goal, 0.0), xtol=1e-300, rtol=1e-15)
    assert met.v[0] == pytest.approx(expected, rel=1e-11)
    assert met.v[0] + ohms * met.i[0] == pytest.approx(goal, rel=1e-12)


@st.composite
def rising_lines(draw):
    count = draw(st.integers(1, 5))
    steps = st.lists(st.floats(0.1, 2), min_size=count, max_size=count)
    level = st.lists(st.sampled_from([0.0, 0.5, 3.0]), min_size=count, max_size=count)
    v, i = np.cumsum(draw(steps)) - 2.0, np.cumsum(draw(level)) - 1.0
    ends = draw(st.sampled_from([0.0, 0.1, 2.0])), draw(st.sampled_from([0.0, 0.1, 2.0]))
    return v, i, *ends


@settings(max_examples=100, deadline=None)
@given(rising_lines(), st.floats(-10, 10), st.floats(0, 10))
def test_lines_are_met_on_the_line(lines, goal, ohms):
    v, i, before, after = lines
    curve = StraightCurve(v[None], i[None], np.array([before]), np.array([after]))
    met = curve.point(np.array([goal]), np.array([ohms]))
    inside = np.interp(met.v[0], v, i)
    left, right = min(met.v[0] - v[0], 0.0), max(met.v[0] - v[-1], 0.0)
    assert met.i[0] == pytest.approx(inside + before * left + after * right, abs=1e-12)
    assert met.v[0] + ohms * met.i[0] == pytest.approx(goal, abs=1e-12)


def junctions(count=2):
    columns = dict.fromkeys(JunctionCurve.__dataclass_fields__, np.zeros(count))
    columns |= {
        "saturation": np.full(count, 1e-14), "emission": np.full(count, 0.02586),
        "breakdown": np.array([np.inf, 5.0])[:count], "breakdown_emission": np.full(count, 0.03),
        "leak": np.full(count, 1e-12), "knee": np.full(count, np.inf),
        "reverse_knee": np.full(count, np.inf), "potential": np.ones(count),
        "ahead": np.zeros(count, dtype=bool),
        "recombination_emission": np.ones(count),
    }  # fmt: skip
    return JunctionCurve(**columns)


def current(some, v, row):
    """What chords say of a voltage: of the piece that holds it."""
    piece = int((some.v[row] <= v).sum())
    return some.i[row, piece] + some.slope[row, piece] * v


@pytest.mark.parametrize("curve", [curve_of("sinh", 2), curve_of("cubic", 2), junctions()])
def test_chords_meet_their_curves_at_ends_and_stay_near_them(curve):
    some = chords(curve, 10.0)
    for v in (-5.5, -1.0, 0.3, 0.45, 0.62, 0.9):
        exact = curve.at_voltage(np.full(2, v)).i
        for row in range(2):
            piece = int((some.v[row] <= v).sum())
            low, high = (current(some, x, row) for x in some.v[row, piece - 1 : piece + 1])
            assert low - 1e-9 * abs(low) - 1e-20 <= exact[row] <= high + 1e-9 * abs(high)
            assert low - 1e-9 * abs(low) <= current(some, v, row) <= high + 1e-9 * abs(high)


def test_split_chords_are_nearer():
    curve = junctions()
    coarse, v = chords(curve, 10.0), np.full(2, 0.62)
    piece = (coarse.v <= v[:, None]).sum(axis=1)
    fine = split(curve, coarse, piece, 8)
    exact = curve.at_voltage(v).i
    for row in range(2):
        far, near = (abs(current(some, 0.62, row) - exact[row]) for some in (coarse, fine))
        assert near < 0.05 * far
        # elsewhere nothing changed
        assert current(fine, -3.0, row) == pytest.approx(current(coarse, -3.0, row), rel=1e-9)


@pytest.mark.parametrize("goal", [0.4, 0.501, 5.0, 9.9, 10.0, 15.0])
def test_flat_curves_with_one_steep_place_are_met(goal):
    # level, then steep, then level again: Newton alone goes back and forth
    def function(v):
        return 0.01 * np.tanh(100 * np.maximum(v - 0.5, 0.0))

    def slope(v):
        return np.where(v > 0.5, 1.0 / np.cosh(np.minimum(100 * (v - 0.5), 300.0)) ** 2, 0.0)

    none = np.full(1, -np.inf)
    curve = FunctionCurve(lambda v, _: (function(v), slope(v)), np.arange(1), (none, -none))
    met = curve.point(np.array([goal]), np.array([1000.0]))
    expected = brentq(lambda v: v + 1000 * function(v) - goal, 0, 20, xtol=1e-14)
    assert met.v[0] == pytest.approx(expected, rel=1e-11)


def test_points_at_currents_carry_them_even_where_all_leaks():
    curve = junctions()
    for amps in (-8e-14, 3e-16, 2e-3):
        found = curve.at_current(np.full(2, amps))
        assert found.i == pytest.approx(np.full(2, amps), rel=1e-13)
        assert found.v[0] * amps > 0
    assert curve.at_current(np.full(2, 3e-16)).v[0] == pytest.approx(
        3e-16 / (1e-14 / 0.02586 + 1e-12), rel=0.02
    )
