"""Curves in series, whose voltages add up, and in parallel, whose currents do."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from resnet_sim.curves import joined
from resnet_sim.curves.compound import ParallelCurve, SeriesCurve
from resnet_sim.curves.function import FunctionCurve
from resnet_sim.curves.junction import JunctionCurve

THERMAL = 0.02586


def inverses(amps, cubes):
    """Functions whose inverses are known, and these."""
    evaluate = lambda v, k: (amps[k] * np.sinh(3 * v), 3 * amps[k] * np.cosh(3 * v))  # noqa: E731
    limits = np.full(len(amps), -np.inf), np.full(len(amps), np.inf)
    bent = FunctionCurve(evaluate, np.arange(len(amps)), limits)
    cubic = lambda v, k: (cubes[k] * v**3, 3 * cubes[k] * v**2)  # noqa: E731
    limits = np.full(len(cubes), -np.inf), np.full(len(cubes), np.inf)
    curve = joined([bent, FunctionCurve(cubic, np.arange(len(cubes)), limits)])
    return curve, lambda i: [*np.arcsinh(i / amps) / 3, *np.cbrt(i / cubes)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(-6, 6))
@example(0, 1.5, -6.0)  # a search that begins a hair below the end of a steep line
def test_voltages_of_parts_add_up_to_the_line(seed, volts, decades):
    rng = np.random.default_rng(seed)
    amps, cubes = 10 ** rng.uniform(-9, -1, 5), 10 ** rng.uniform(-6, 0, 3)
    curve, voltages = inverses(amps, cubes)
    goal, ohms = 10.0**volts * rng.choice([-1, 1]), 10.0**decades
    sense, scale = rng.choice([-1.0, 1.0], 8), np.ones(8)
    string = SeriesCurve(curve, np.zeros(8, dtype=int), sense, scale, 1)
    with np.errstate(over="ignore"):
        met = string.point(np.array([goal]), np.array([ohms]))
    # both kinds of parts are odd: which way round they stand makes no difference
    rest = lambda i: sum(voltages(i)) + ohms * i - goal  # noqa: E731
    most = goal / ohms
    expected = brentq(rest, min(most, 0), max(most, 0), xtol=1e-300, rtol=1e-14)
    assert met.i[0] == pytest.approx(expected, rel=1e-10)
    assert met.v[0] + ohms * met.i[0] == pytest.approx(goal, rel=1e-12)
    small = 1e-6 * met.i[0]
    rise = (sum(voltages(met.i[0] + small)) - sum(voltages(met.i[0] - small))) / (2 * small)
    assert met.slope[0] == pytest.approx(1 / rise, rel=1e-5)


def junctions(saturation, breakdown):
    count = len(saturation)
    columns = dict.fromkeys(JunctionCurve.__dataclass_fields__, np.zeros(count))
    columns |= {
        "saturation": saturation, "emission": np.full(count, THERMAL), "breakdown": breakdown,
        "breakdown_emission": np.full(count, THERMAL), "leak": np.full(count, 1e-12),
        "knee": np.full(count, np.inf), "reverse_knee": np.full(count, np.inf),
        "ahead": np.zeros(count, dtype=bool), "potential": np.ones(count),
        "recombination_emission": np.ones(count),
    }  # fmt: skip
    return JunctionCurve(**columns)


def test_strings_of_junctions_divide_what_they_block_by_their_leaks():
    curve = junctions(np.array([1e-14, 1e-16, 1e-15, 1e-13]), np.full(4, np.inf))
    string = SeriesCurve(curve, np.array([0, 0, 1, 1]), np.ones(4), np.ones(4), 2)
    met = string.at_voltage(np.array([-8.0, 0.0]))
    assert met.i == pytest.approx([-4e-12, 0.0], rel=0.01, abs=1e-30)
    assert met.v == pytest.approx([-8.0, 0.0], rel=1e-15)
    shares = string.shares(met.i)
    assert shares.v[:2].sum() == pytest.approx(-8.0, rel=1e-12)


def test_antiparallel_zeners_in_series_clamp_both_ways():
    curve = junctions(np.full(4, 1e-14), np.full(4, 5.0))
    sense = np.array([1.0, -1.0, 1.0, -1.0])
    string = SeriesCurve(curve, np.array([0, 0, 1, 1]), sense, np.ones(4), 2)
    met = string.point(np.array([20.0, -20.0]), np.full(2, 1e3))
    forward = THERMAL * np.log1p(met.i[0] / 1e-14)
    broken = 5.0 + THERMAL * np.log(met.i[0] / 1e-14)
    assert met.v[0] == pytest.approx(forward + broken, rel=1e-6)
    assert met.v[1] == pytest.approx(-met.v[0], rel=1e-14)


def test_rows_are_taken_with_their_parts_and_limits():
    curve = junctions(np.array([1e-14, 1e-16, 1e-15]), np.full(3, np.inf))
    closed = JunctionCurve(**{**vars(curve), "leak": np.zeros(3)})
    string = SeriesCurve(closed, np.array([0, 1, 0]), np.array([1.0, 1.0, -1.0]), np.ones(3), 2)
    low, high = string.limits
    assert low.tolist() == [-1e-14, -1e-16]
    assert high.tolist() == [1e-15, np.inf]
    some = string.take(np.array([1]))
    alone = closed.take(np.array([1])).point(np.array([2.0]), np.array([1e3]))
    assert some.point(np.array([2.0]), np.array([1e3])).i == pytest.approx(alone.i, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(-6, 6))
def test_currents_of_parts_add_up_to_the_line(seed, volts, decades):
    rng = np.random.default_rng(seed)
    amps, cubes = 10 ** rng.uniform(-9, -1, 3), 10 ** rng.uniform(-6, 0, 2)
    curve, _ = inverses(amps, cubes)
    goal, ohms = 10.0**volts * rng.choice([-1, 1]), 10.0**decades
    bundle = ParallelCurve(curve, np.zeros(5, dtype=int), rng.choice([-1.0, 1.0], 5), np.ones(5), 1)

    def current(v):
        with np.errstate(over="ignore"):
            return min(max(amps.sum() * np.sinh(3 * v) + cubes.sum() * v**3, -1e280), 1e280)

    with np.errstate(over="ignore"):
        met = bundle.point(np.array([goal]), np.array([ohms]))
    rest = lambda v: v + ohms * current(v) - goal  # noqa: E731
    expected = brentq(rest, min(goal, 0), max(goal, 0), xtol=1e-300, rtol=1e-14)
    assert met.v[0] == pytest.approx(expected, rel=1e-10)
    assert met.v[0] + ohms * met.i[0] == pytest.approx(goal, rel=1e-12)
    slope = 3 * amps.sum() * np.cosh(3 * expected) + 3 * cubes.sum() * expected**2
    assert met.slope[0] == pytest.approx(slope, rel=1e-8)


def test_antiparallel_junctions_carry_both_ways():
    curve = junctions(np.array([1e-14, 1e-12]), np.full(2, np.inf))
    pair = ParallelCurve(curve, np.zeros(2, dtype=int), np.array([1.0, -1.0]), np.ones(2), 1)
    for goal, amps in ((5.0, 1e-14), (-5.0, 1e-12)):
        met = pair.point(np.array([goal]), np.array([1e3]))
        size = abs(met.i[0])
        assert abs(met.v[0]) == pytest.approx(THERMAL * np.log1p(size / amps), rel=1e-6)
        assert met.v[0] * goal > 0
    nothing = pair.point(np.zeros(1), np.ones(1))
    assert nothing.v[0] == nothing.i[0] == 0.0
    assert nothing.slope[0] == pytest.approx((1e-14 + 1e-12) / THERMAL + 2e-12, rel=1e-12)
    assert pair.limits[0][0] == -np.inf


def test_a_string_beside_another_one_turned_round():
    """LED strings in antiparallel, the parts of which are curves of parts themselves."""
    curve = junctions(np.array([1e-14, 1e-16, 1e-15, 1e-13]), np.full(4, np.inf))
    strings = SeriesCurve(curve, np.array([0, 0, 1, 1]), np.ones(4), np.ones(4), 2)
    both = ParallelCurve(strings, np.zeros(2, dtype=int), np.array([1.0, -1.0]), np.ones(2), 1)
    met = both.point(
        np.array(
            [
                10.0,
            ]
        ),
        np.array([1e3]),
    )
    i = met.i[0]
    assert met.v[0] == pytest.approx(
        THERMAL * (np.log1p(i / 1e-14) + np.log1p(i / 1e-16)), rel=1e-6
    )
