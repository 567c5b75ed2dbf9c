"""Compiled resolvents of junctions against those of whole arrays, and against the line."""

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.curves.junction import JunctionCurve
from resnet_sim.many._junctions import meet

ROWS = 4000


def junctions(rng):
    """Plain junctions of all sizes, half of them with breakdown, leaks and resistance in series."""

    def some(low, high, absent):
        values = 10.0 ** rng.uniform(low, high, ROWS)
        return np.where(rng.random(ROWS) < 0.5, values, absent)

    none, far = np.zeros(ROWS), np.full(ROWS, np.inf)
    emission = 0.02586 * rng.uniform(1, 2, ROWS)
    return JunctionCurve(
        10.0 ** rng.uniform(-18, -6, ROWS), emission,
        some(0.5, 2, np.inf), emission * rng.uniform(0.5, 1, ROWS),
        some(-13, -9, 0.0), some(-2, 1.5, 0.0),
        none, emission, none + 1.0, none, far, far, none > 0,
    )  # fmt: skip


def lines(rng, law):
    """Lines that meet them anywhere, at seams and breakdowns too, and some that are level."""
    push, ohms = rng.choice((-1.0, 1.0), ROWS) * 10.0 ** rng.uniform(-12, 4, ROWS), law.saturation
    resistance = 10.0 ** rng.uniform(-3, 12, ROWS)
    push[:20], resistance[10:40] = 0.0, 0.0
    share = resistance * ohms
    k = slice(100, 400)
    known = np.where(np.isfinite(law.breakdown), law.breakdown, 1.0)
    push[k] = (-known - share * rng.uniform(0.9, 1.1, ROWS))[k]
    k = slice(400, 600)
    push[k] = (-3 * law.emission - share * rng.uniform(0.94, 0.96, ROWS))[k]
    return push, resistance


@pytest.mark.parametrize("seed", range(5))
def test_lines_are_met_where_whole_arrays_meet_them(seed):
    rng = np.random.default_rng(seed)
    law = junctions(rng)
    push, r = lines(rng, law)
    scale = rng.choice((-1.0, 1.0), ROWS) * 10.0 ** rng.uniform(-1, 1, ROWS)
    wanted, found = law.point(push, r), np.full((3, 1, ROWS), np.nan)
    # one far from the curve, and one on it
    for i in (np.zeros(ROWS), wanted.i):
        offered = (push - r * i)[None] / scale, i[None] / scale, r[None]
        meet(law.exponentials, scale, *offered, np.full(1, np.inf), *found)
        v, amps, slope = found[0, 0] * scale, found[1, 0] * scale, found[2, 0]
        # where a large push is nearly all of the voltage, its last digits are the current's
        open_ = 1e-14 * np.abs(push) / np.where(r > 0, r, np.inf)
        assert (np.abs(v - wanted.v) <= 1e-12 * np.abs(wanted.v) + 4e-16 * np.abs(push)).all()
        assert (np.abs(amps - wanted.i) <= 1e-11 * np.abs(wanted.i) + open_).all()
        assert (np.abs(v + r * amps - push) <= 1e-14 * np.abs(push)).all()
        at_step = np.abs(v + law.breakdown - law.series * amps) < 1e-12 * np.abs(v)
        assert np.allclose(slope[~at_step], wanted.slope[~at_step], rtol=1e-8, atol=0.0)


def test_no_current_exceeds_what_there_is():
    law = junctions(np.random.default_rng(0))
    push, found = np.full((1, ROWS), 1e3), np.full((3, 1, ROWS), np.nan)
    meet(law.exponentials, np.ones(ROWS), push, 0.0 * push, 0.0 * push, np.full(1, 0.5), *found)
    at_limit = law.at_current(np.full(ROWS, 0.5))
    assert (law.at_voltage(push[0]).i > 0.5).all()
    assert found[0, 0] == pytest.approx(at_limit.v, rel=1e-9)
    assert found[1, 0] == pytest.approx(np.full(ROWS, 0.5), rel=1e-9)


def test_what_has_effects_of_second_order_is_left_alone():
    deck = "x\nD1 1 0 a\nD2 1 0 b\nD3 1 0 c\n.model a d\n.model b d(ikf=1m)\n.model c d(isr=1p)"
    law = rs.parse_netlist(deck).junctions.curve()
    assert np.isnan(law.exponentials[1:]).all()
    found = np.full((3, 1, 3), 7.0)
    meet(law.exponentials, np.ones(3), *np.ones((3, 1, 3)), np.full(1, np.inf), *found)
    assert (found[:, 0, 1:] == 7.0).all()
    assert found[0, 0, 0] == pytest.approx(law.point(np.full(3, 2.0), np.ones(3)).v[0], rel=1e-12)
