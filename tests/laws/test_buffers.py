"""Circuits in which next to no current flows: right answers pass, and wrong ones don't."""

import numpy as np
import pytest
from buffer_circuits import buffer_circuit

import resnet_sim as rs
from resnet_sim.laws.certificate import certify

#: Of smaller values, relative to the largest, an error of 1e-7 is less than the rounding that
#: the largest bring to some of them.
SMALL = 1e-12


def planted(op: rs.OperatingPoint, seed: int, count: int) -> tuple[int, list[str], list[str]]:
    """Spoil values one by one, by 1e-7 each.

    Return how many, and those whose error is not noticed: above `SMALL`, and below.
    """
    tried, missed, lost = 0, [], []
    rng = np.random.default_rng(seed)
    for names, values in (
        (op.circuit.nodes, op.node_voltages),
        (op.circuit.element_names, op.element_currents),
    ):
        least = SMALL * np.abs(values).max()
        for k in rng.permutation(np.flatnonzero(values))[:count].tolist():
            wrong = values.copy()
            wrong[k] *= 1 + 1e-7
            volts = wrong if values is op.node_voltages else op.node_voltages
            amps = wrong if values is op.element_currents else op.element_currents
            tried += 1
            if certify(op.circuit, volts, amps, op.closed, 1e-9).ok:
                where = missed if abs(values[k]) > least else lost
                where.append(f"{names[k]} = {values[k]}")
    return tried, missed, lost


def check(seeds: range, each: int) -> tuple[int, int]:
    """No circuit is refused, no error that a double can hold goes unnoticed.

    Return how many errors were planted, and how many of those below `SMALL` were not noticed.
    """
    count = low = 0
    for seed in seeds:
        op = rs.solve(buffer_circuit(seed))
        assert op.status == "solved", (seed, op.certificate.failures)
        tried, missed, lost = planted(op, seed, each)
        assert not missed, (seed, missed)
        count, low = count + tried, low + len(lost)
    return count, low


def test_buffers_followers_and_instrumentation_amplifiers_are_certified():
    count, low = check(range(120), 4)
    assert count > 700
    assert low <= 1


@pytest.mark.long
def test_ten_thousand_of_them_are():
    count, low = check(range(10_000, 20_000), 1)
    assert count > 15_000
    assert low <= count / 1000


def test_errors_show_in_currents_and_voltages_far_below_the_largest():
    # a supply of 40 A at 300 V beside microvolts through megohms, at nodes of 12 V
    deck = """t
Vbig s 0 300
Rbig s 0 7.5
V1 a 0 12
R1 a b 220k
R2 b c 3.3Meg
R3 c d 47k
V2 d 0 11.999996
V3 e 0 2u
R4 e f 10k
R5 f 0 33k
"""
    op = rs.solve(rs.parse_netlist(deck))
    assert op.status == "solved"
    assert op.current("r1") == pytest.approx(4e-6 / 3.567e6, rel=1e-9)
    _, missed, lost = planted(op, 1, 99)
    assert not missed + lost


def test_currents_are_known_where_voltages_have_lost_them():
    # 1 nA through a milliohm at 1 kV: the last digit of the voltages is a tenth of the drop
    op = rs.solve(rs.parse_netlist("t\nV1 a 0 1k\nR1 a b 1m\nR2 b 0 1e12\n"))
    assert op.current("r1") == pytest.approx(1e-9, rel=1e-12)
    across = op.node_voltages[1] - op.node_voltages[2]
    assert across != pytest.approx(1e-12, rel=0.01, abs=0.0)
    _, missed, lost = planted(op, 1, 99)
    assert not missed + lost


def test_rounding_of_what_is_larger_is_no_error():
    # a formula that is 0 at its end, set by parts of which each carries more
    deck = """t
Vin in 0 -3.53
R0 n0 in 39.8k
R1 n1 n0 13.1k
R2 n2 in 112
R3 n0 n2 1.35k
R4 o2 n2 1.42k
R5 o2 n1 209
B0 n2 0 i={1m*table(v(n2)-v(n0),-1,-1.52,0,1.97,2,0.5,4,2.39)}
B1 n2 0 i={1m*limit(4.6*(v(n1)-v(n0)),0,5)}
B2 o2 0 v={limit(430k*(v(n2)-v(n0)),-5,5)}
"""
    op = rs.solve(rs.parse_netlist(deck))
    assert op.status == "solved", op.certificate.failures
    assert abs(op.current("b1")) < 1e-24


def test_what_ends_nowhere_carries_exactly_nothing():
    for seed in range(60):
        op = rs.solve(buffer_circuit(seed))
        p, q = op.circuit.terminals
        degree = np.bincount(np.concatenate([p, q]), minlength=len(op.circuit.nodes))
        resistors = range(len(op.circuit.resistors))
        for k in resistors:
            if 1 in (degree[p[k]], degree[q[k]]):
                assert op.element_currents[k] == 0.0


@pytest.mark.parametrize("ohms", ["1e-30", "1e-26", "1e-12", "1e20", "1e60", "1e100"])
def test_resistances_of_any_size_carry_their_current(ohms):
    for other in (1.0, 1e3, 1e12):
        op = rs.solve(rs.parse_netlist(f"t\nV1 a 0 5\nR1 a b {ohms}\nR2 b 0 {other!r}\n"))
        assert op.status == "solved", op.certificate.failures
        whole = 5 / (float(ohms) + other)
        for name in ("r1", "r2"):
            assert op.current(name) == pytest.approx(whole, rel=1e-9)
        assert op.voltage("b") == pytest.approx(whole * other, rel=1e-9)


#: devices whose currents are exponentials less 1, between c and ground
DEVICES = [
    "D1 c 0 m\n.model m d", "D1 c d m\nD2 d 0 m\n.model m d(rs=1 n=1.5 isr=1e-12)",
    "Q1 c c 0 m\n.model m npn", "Q1 c b 0 m\nR9 b c 10k\n.model m npn(rb=10 re=1 rc=5)",
    "M1 c c 0 0 m\n.model m nmos(vto=1 kp=1m)", "J1 c 0 0 m\n.model m njf(vto=-1 beta=1m)",
]  # fmt: skip


@pytest.mark.parametrize("lines", DEVICES)
@pytest.mark.parametrize("volts", ["0", "1e-30", "1p", "-3m", "5"])
def test_next_to_nothing_flows_through_exponentials(lines, volts):
    for ohms in ("1k", "1e12", "1e60"):
        deck = f"t\nV1 a 0 {volts}\nR1 a b {ohms}\nR2 b c 1k\n{lines}\n"
        op = rs.solve(rs.parse_netlist(deck))
        assert op.status == "solved", (deck, op.certificate.failures)
        # an error that anybody could see does not pass
        wrong = op.element_currents.copy()
        wrong[0] += 1e-6 * abs(wrong[0]) + 1e-16
        assert not certify(op.circuit, op.node_voltages, wrong, op.closed, 1e-9).ok


def test_small_currents_beside_large_conductances_are_exact():
    # the sum of 1 S and 4 uS, rounded to a double, would make 0.1 pV of the voltage across 249k
    deck = "t\nV1 a 0 -3.6\nE1 o 0 a m 2110\nR1 m o 249k\nR2 m x 1\nR3 x y 10\nC1 y 0 1u\n"
    op = rs.solve(rs.parse_netlist(deck))
    assert op.status == "solved"
    assert op.current("r1") == op.current("e1") == 0.0
    assert op.voltage("m") == pytest.approx(op.voltage("o"), rel=1e-15)
    assert op.voltage("o") == pytest.approx(-3.6 * 2110 / 2111, rel=1e-15)
