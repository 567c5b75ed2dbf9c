"""Circuits in which next to no current flows: right answers pass, and wrong ones don't."""

import numpy as np
import pytest
from buffer_circuits import buffer_circuit

import resnet_sim as rs
from resnet_sim.laws.certificate import certify

#: smaller values, relative to the largest, have no digits at 1e-7 that matter to any law
SMALL = 1e-5


def planted(op: rs.OperatingPoint, seed: int, count: int) -> list[str]:
    """Spoil values one by one, by 1e-7 each; return those whose error is not noticed."""
    missed = []
    rng = np.random.default_rng(seed)
    for names, values in (
        (op.circuit.nodes, op.node_voltages),
        (op.circuit.element_names, op.element_currents),
    ):
        some = np.flatnonzero(np.abs(values) > SMALL * np.abs(values).max())
        for k in rng.permutation(some)[:count].tolist():
            wrong = values.copy()
            wrong[k] *= 1 + 1e-7
            volts = wrong if values is op.node_voltages else op.node_voltages
            amps = wrong if values is op.element_currents else op.element_currents
            if certify(op.circuit, volts, amps, op.closed, 1e-9).ok:
                missed.append(f"{names[k]} = {values[k]}")
    return missed


def check(seeds: range, each: int) -> int:
    """No circuit is refused, no error goes unnoticed; return how many were planted."""
    count = 0
    for seed in seeds:
        op = rs.solve(buffer_circuit(seed))
        assert op.status == "solved", (seed, op.certificate.failures)
        assert not planted(op, seed, each), seed
        count += each
    return count


def test_buffers_followers_and_instrumentation_amplifiers_are_certified():
    check(range(120), 4)


@pytest.mark.long
def test_ten_thousand_of_them_are():
    assert check(range(10_000, 20_000), 1) == 10_000


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
