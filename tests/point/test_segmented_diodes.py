"""Junction diodes made of straight pieces."""

import numpy as np
import pytest
from ngspice_tools import as_written, requires_ngspice

import resnet_sim as rs

THERMAL = 0.025864917007157463
MODEL = ".model m d(is=2.52n n=1.752 rs=0.568)\n.options gmin=0\n"


def solve(lines, count):
    return rs.solve(rs.parse_netlist(f"pieces\n{lines}\n", diodes=f"pieces:{count}"))


def junction(amps):
    """The voltage of the junction at currents."""
    return 1.752 * THERMAL * np.log1p(amps / 2.52e-9) + 0.568 * amps


def worst_error(count):
    """How far the first piece, one in the middle and the last are from the junction."""
    knots = np.geomspace(1e-6, 0.1, count + 1)
    some = sorted({0, count // 2, count - 1})
    amps = np.concatenate([np.geomspace(knots[k], knots[k + 1], 41) for k in some])
    circuit = rs.parse_netlist(f"a\ni1 0 a 1m\nd1 a 0 m\n{MODEL}", diodes=f"pieces:{count}")
    below = junction(amps) - rs.sweep(circuit, i1=amps).voltage("a")
    assert below.min() >= -1e-9
    return below.max()


@pytest.mark.slow
def test_the_error_is_what_the_note_says_and_falls_with_the_square_of_the_count():
    errors = np.array([worst_error(count) for count in (1, 8, 16, 32)])
    # a chord of a logarithm from 1 to x
    step = np.log(1e5) / np.array([1, 8, 16, 32])
    slope = step / np.expm1(step)
    assert errors == pytest.approx(1.752 * THERMAL * (slope - 1 - np.log(slope)), rel=1e-2)
    assert errors[1:-1] / errors[2:] == pytest.approx(4, rel=0.1)
    (note,) = rs.parse_netlist(f"a\nr1 a 0 1\nd1 a 0 m\n{MODEL}", diodes="pieces:8").diagnostics
    assert note.code == "N112"
    assert "from 1e-06 A to 0.1 A" in note.message
    assert f"at most {errors[1]:.2g}" in note.message


@pytest.mark.parametrize("count", [1, 2, 7])
def test_knots_lie_on_the_curve(count):
    for amps in np.geomspace(1e-6, 0.1, count + 1):
        op = solve(f"i1 0 a {float(amps)!r}\nd1 a 0 m\n{MODEL}", count)
        assert op.voltage("a") == pytest.approx(junction(amps), rel=1e-12)


@pytest.mark.parametrize("count", [1, 3, 10])
@pytest.mark.parametrize("volts", [0.3, 0.9, 5.0, 200.0])
def test_a_divider_has_the_current_at_which_line_and_chords_meet(count, volts):
    knots = np.geomspace(1e-6, 0.1, count + 1)
    at = junction(knots)
    ohms = np.diff(at) / np.diff(knots)
    knees = at[:-1] - ohms * knots[:-1]
    # the current is the highest of the lines' at any voltage, hence where they meet another line
    expected = max(0.0, ((volts - knees) / (1000 + ohms)).max())
    op = solve(f"v1 in 0 {volts}\nr1 in a 1k\nd1 a 0 m\n{MODEL}", count)
    assert op.certificate.ok
    assert op.current("d1") == pytest.approx(expected, rel=1e-11, abs=1e-15)


def test_backwards_breakdown_is_made_of_pieces_too():
    model = ".model m d(is=1e-14 bv=5.1 ibv=2m nbv=1.4 rs=3)\n.options gmin=0"
    for amps in (1e-6, 0.1):
        op = solve(f"i1 a 0 {amps}\nd1 a 0 m\n{model}", 4)
        # IBV flows at BV, but for the series resistance
        more = 1.4 * THERMAL * np.log(amps / 2e-3) + 3 * amps
        assert op.voltage("a") == pytest.approx(-5.1 - more, rel=1e-4)
    assert solve(f"v1 a 0 -4\nr1 a b 1k\nd1 b 0 m\n{model}", 4).current("d1") == 0.0


def test_area_and_many_in_parallel_scale_the_whole_curve():
    one = "v1 in 0 2\nr1 in a 100\n" + "".join(f"d{k} a 0 m\n" for k in range(6))
    many = "v1 in 0 2\nr1 in a 100\nd0 a 0 m 2 m=3\n"
    expected = solve(one + MODEL, 5).voltage("a")
    assert solve(many + MODEL, 5).voltage("a") == pytest.approx(expected, rel=1e-12)


def test_a_model_may_say_its_own_pieces_and_range():
    lines = "i1 0 a {}\nd1 a 0 m\n.model m d(is=2.52n n=1.752 rs=0.568 pieces=6 ipieces=1n)"
    for amps in (1e-9, 1e-4):
        op = rs.solve(rs.parse_netlist("a\n" + lines.format(amps) + "\n.options gmin=0\n"))
        assert op.voltage("a") == pytest.approx(junction(amps), rel=1e-12)


@requires_ngspice
def test_the_junction_of_ngspice_is_approached(tmp_path):
    lines = "v1 in 0 5\nr1 in a 1k\nd1 a b m\nr2 b 0 2k\nd2 0 a m\nd3 b 0 m\n"
    deck = f"pieces\n{lines}{MODEL}"
    (real,) = as_written([f"{deck}.options reltol=1e-9 gmin=1e-15\n.end\n"], tmp_path)
    errors = []
    for count in (4, 16, 64):
        op = solve(lines + MODEL, count)
        errors.append(max(abs(op.voltage(node) - real[f"v({node})"]) for node in "ab"))
    assert errors[0] < 0.06
    assert errors[2] < 1e-3
    assert errors[2] < errors[0] / 20
