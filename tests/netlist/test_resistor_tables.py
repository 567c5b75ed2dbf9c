"""Resistors given by points: on the card, or in a file."""

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

import resnet_sim as rs
from resnet_sim import NetlistError, parse_netlist

POINTS = np.array([[-2.0, -3e-3], [-1, -1e-3], [0, 0], [0.5, 0], [1, 1e-3], [2, 5e-3]])
LISTED = ", ".join(f"{v:g},{i:g}" for v, i in POINTS)
PAIRS = " ".join(f"({v},{i})" for v, i in POINTS)
DECK = "table\nv1 a 0 {volts}\nr1 a b {ohms}\nr2 b 0 m{more}\n.model m RES {model}\n"


def across(model, volts, ohms=1000, more=""):
    op = rs.solve(parse_netlist(DECK.format(volts=volts, ohms=ohms, model=model, more=more)))
    assert op.certificate.ok and op.unique == "unique"
    return op.voltage("b")


def lines(v):
    """The straight law, which goes on beyond its ends."""
    inner = np.interp(v, *POINTS.T)
    return inner + 2e-3 * min(v + 2, 0) + 4e-3 * max(v - 2, 0)


@pytest.mark.parametrize("volts", [-9, -2.5, 0.3, 1.2, 5, 20])
@pytest.mark.parametrize("model", [f"table=({LISTED})", f"(table=({LISTED}))", f"table={PAIRS}"])
def test_straight_lines_join_the_points(model, volts):
    expected = brentq(lambda v: lines(v) + (v - volts) / 1000, -50, 50, xtol=1e-14)
    assert across(model, volts) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.slow
def test_a_cubic_passes_through_the_points_and_never_falls():
    last, rising = -1.0, np.linspace(-4, 4, 33)
    for v in rising:
        # a stiff source sees the current
        op = rs.solve(parse_netlist(DECK.format(
            volts=v, ohms=1e-3, model=f"table=({LISTED}) cubic=1", more="")))  # fmt: skip
        current = (v - op.voltage("b")) / 1e-3
        assert current >= last - 1e-10
        last = current
    for volts, amps in POINTS:
        assert across(f"table=({LISTED}) cubic=1", volts + 1e3 * amps) == pytest.approx(volts)


def test_between_few_points_the_cubic_is_that_of_others():
    v = np.array([0.0, 1.0, 2.0, 3.0])
    i = np.array([0.0, 1e-3, 3e-3, 4e-3])
    model = "table=(" + ",".join(f"{a},{b}" for a, b in zip(v, i, strict=True)) + ") cubic=1"
    middle = PchipInterpolator(v, i)(1.5)  # chords of 1, 2 and 1 mS: both means are 1.5 or 1.33
    found = brentq(lambda x: across(model, x) - 1.5, 2, 6, xtol=1e-9)
    assert found - 1.5 == pytest.approx(1e3 * middle, rel=0.05)


def test_files_are_read_beside_the_deck(tmp_path):
    rows = "\n".join(f"{v},{i}" for v, i in POINTS)
    (tmp_path / "My IV.csv").write_text(f"v (V),i (A)\n# measured\n{rows}\n")
    deck = tmp_path / "deck.cir"
    deck.write_text(DECK.format(volts=5, ohms=1000, model='table="My IV.csv"', more=""))
    expected = across(f"table=({LISTED})", 5)
    assert rs.solve(rs.read_netlist(deck)).voltage("b") == pytest.approx(expected, rel=1e-12)
    with pytest.raises(NetlistError, match="may not be read"):
        rs.read_netlist(deck, includes=[tmp_path / "elsewhere"])


def test_several_in_parallel_carry_so_many_times_the_current():
    twice = across(f"table=({LISTED})", 5, more=" m=2")
    assert twice == pytest.approx(across(f"table=({LISTED})", 5, ohms=2000))


def test_parameters_are_numbers_of_a_table():
    deck = DECK.format(volts=5, ohms=1000, model="table=(0 0 {x} {x*1m})", more="")
    assert rs.solve(parse_netlist(f"{deck}.param x=2\n")).voltage("b") == pytest.approx(2.5)


def test_what_is_written_is_the_same():
    circuit = parse_netlist(DECK.format(volts=5, ohms=1000, model=f"table=({LISTED}) cubic=1",
                                        more=""))  # fmt: skip
    again = parse_netlist(rs.format_netlist(circuit))
    assert rs.solve(again).voltage("b") == pytest.approx(rs.solve(circuit).voltage("b"), rel=1e-12)


@pytest.mark.parametrize(("model", "more", "why"), [
    ("table=(0,0,1)", "", "pairs"), ("table=(0,0,0,1)", "", "must ascend"),
    ("table=(0,0)", "", "two or more"), ("table=(0,1m,1,0) cubic=1", "", "must not fall"),
    ('table="none.csv"', "", "can't read none.csv"), ("table=(0,0,1,1m) tc1=1m", "", "no place"),
    ("table=(0,0,1,1m)", " r=5", "nothing else"), ("table=(0,0,x,1m)", "", "undefined parameter"),
])  # fmt: skip
def test_what_is_no_table_is_refused(model, more, why):
    with pytest.raises(NetlistError, match=why):
        parse_netlist(DECK.format(volts=5, ohms=1000, model=model, more=more))


def test_a_table_that_falls_is_solved_as_what_it_is():
    # a tunnel diode: 1 mA at .1 V, .1 mA at .4 V, then up again
    model = "table=(0,0, .1,1m, .4,.1m, .6,2m)"
    op = rs.solve(parse_netlist(DECK.format(volts=0.5, ohms=600, model=model, more="")))
    assert op.certificate.ok and op.unique == "one of several"
